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
