//! The engines of databases, and what their versions say.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A database engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    Mysql,
    /// MariaDB.
    Mariadb,
}

impl Engine {
    /// The port it listens on unless set otherwise (`CreateDBInstance` in the RDS API reference).
    pub fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::Mysql | Self::Mariadb => 3306,
        }
    }

    /// What RDS calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
        }
    }

    /// What RDS calls its parameters of a version, such as `postgres16` or `mysql8.0`; none where the
    /// version does not say it ("Working with parameter groups" in the RDS user guide).
    pub fn family(self, version: &str) -> Option<String> {
        let major = self.major(version);
        let is_whole = major.len() == if self == Self::Postgres { 1 } else { 2 };
        let major: Vec<String> = major.iter().map(ToString::to_string).collect();
        is_whole.then(|| format!("{}{}", self.name(), major.join(".")))
    }

    /// The part of a version that only somebody changes: RDS upgrades minor versions by itself
    /// ("Upgrading a DB instance engine version" in the RDS user guide).
    pub(crate) fn major(self, version: &str) -> Vec<u32> {
        let numbers = match self {
            Self::Postgres => 1,
            Self::Mysql | Self::Mariadb => 2,
        };
        self::numbers(version).into_iter().take(numbers).collect()
    }
}

/// A version as its numbers, to compare by: those of `5.7.44-RDS.20240408` end with 20240408.
pub(crate) fn numbers(version: &str) -> Vec<u32> {
    let numbers = version.split(|letter: char| !letter.is_ascii_digit());
    numbers.filter_map(|number| number.parse().ok()).collect()
}

/// Whether a version is one of those that are written less exactly: 16.4 is one of `16`.
pub fn is_one_of(version: &str, written: &str) -> bool {
    let rest = version.strip_prefix(written);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_follows_from_a_version_that_says_it() {
        assert_eq!(Engine::Postgres.family("16.4").as_deref(), Some("postgres16"));
        assert_eq!(Engine::Mysql.family("8.0.43").as_deref(), Some("mysql8.0"));
        assert_eq!(Engine::Mariadb.family("11.4").as_deref(), Some("mariadb11.4"));
        assert_eq!(Engine::Mysql.family("8"), None);
    }
}
