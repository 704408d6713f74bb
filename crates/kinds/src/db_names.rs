//! The names of users and databases that an engine takes.

use deployer_core::Problem;

use crate::db_engine::Engine;

/// What RDS keeps for itself on every engine (RDS user guide, "Master user account privileges";
/// cfn-lint #4425).
const OF_RDS: [&str; 2] = ["rdsadmin", "rdsrepladmin"];

/// Key words that PostgreSQL takes for no name (PostgreSQL documentation, "SQL Key Words": those
/// that are reserved). RDS refuses them as a name of a user or a database.
const KEY_WORDS: &[&str] = &[
    "all",
    "analyse",
    "analyze",
    "and",
    "any",
    "array",
    "as",
    "asc",
    "asymmetric",
    "both",
    "case",
    "cast",
    "check",
    "collate",
    "column",
    "constraint",
    "create",
    "current_catalog",
    "current_date",
    "current_role",
    "current_time",
    "current_timestamp",
    "current_user",
    "default",
    "deferrable",
    "desc",
    "distinct",
    "do",
    "else",
    "end",
    "except",
    "false",
    "fetch",
    "for",
    "foreign",
    "from",
    "grant",
    "group",
    "having",
    "in",
    "initially",
    "intersect",
    "into",
    "lateral",
    "leading",
    "limit",
    "localtime",
    "localtimestamp",
    "not",
    "null",
    "offset",
    "on",
    "only",
    "or",
    "order",
    "placing",
    "primary",
    "references",
    "returning",
    "select",
    "session_user",
    "some",
    "symmetric",
    "system_user",
    "table",
    "then",
    "to",
    "trailing",
    "true",
    "union",
    "unique",
    "user",
    "using",
    "variadic",
    "when",
    "where",
    "window",
    "with",
];

/// What is wrong with the name of a master user.
pub(crate) fn user(engine: Engine, name: &str) -> Option<Problem> {
    // MasterUsername of CreateDBInstance in the RDS API reference.
    let longest = match engine {
        Engine::Postgres => 63,
        Engine::Mysql | Engine::Mariadb => 16,
    };
    if !is_identifier(name, longest) {
        return Some(malformed("user", name, longest));
    }
    let lower = name.to_lowercase();
    let taken = OF_RDS.contains(&lower.as_str())
        || match engine {
            // `pg_` since PostgreSQL 9.6 (ckan-aws-templates #6).
            Engine::Postgres => {
                ["admin", "public", "none", "rdstopmgr"].contains(&lower.as_str())
                    || ["pg_", "rds_"].iter().any(|prefix| lower.starts_with(prefix))
                    || KEY_WORDS.contains(&lower.as_str())
            }
            // An assumption: the accounts that the engines make for themselves.
            Engine::Mysql | Engine::Mariadb => {
                ["mysql", "event_scheduler"].contains(&lower.as_str())
            }
        };
    let example = if engine == Engine::Postgres { "postgres" } else { "admin" };
    taken.then(|| reserved("user", name, example))
}

/// What is wrong with the name of a database.
pub(crate) fn database(engine: Engine, name: &str) -> Option<Problem> {
    // DBName of CreateDBInstance in the RDS API reference.
    let longest = match engine {
        Engine::Postgres => 63,
        Engine::Mysql | Engine::Mariadb => 64,
    };
    if !is_identifier(name, longest) {
        return Some(malformed("database", name, longest));
    }
    let lower = name.to_lowercase();
    let taken = OF_RDS.contains(&lower.as_str())
        || match engine {
            Engine::Postgres => {
                ["template0", "template1"].contains(&lower.as_str())
                    || KEY_WORDS.contains(&lower.as_str())
            }
            // What the engines keep there themselves; the last two an assumption.
            Engine::Mysql | Engine::Mariadb => {
                ["mysql", "sys", "information_schema", "performance_schema", "innodb", "tmp"]
                    .contains(&lower.as_str())
            }
        };
    taken.then(|| reserved("database", name, "main"))
}

fn malformed(path: &str, name: &str, longest: usize) -> Problem {
    let help = format!(
        "begin with a letter, then letters, digits and underscores, {longest} at most in all"
    );
    Problem::new(path, format!("`{name}` is not a name that RDS accepts"), help)
}

fn reserved(path: &str, name: &str, example: &str) -> Problem {
    let message = format!("`{name}` is a name that the engine or RDS keeps for itself");
    Problem::new(path, message, format!("choose another one: `{path}: {example}`"))
}

fn is_identifier(name: &str, longest: usize) -> bool {
    name.len() <= longest
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_engine_keeps_for_itself_names_no_user_of_it() {
        let is_taken = |engine, name| user(engine, name).is_some();
        for name in ["admin", "Admin", "rdsadmin", "pg_monitor", "rds_superuser", "user", "1st"] {
            assert!(is_taken(Engine::Postgres, name), "{name}");
        }
        for name in ["postgres", "root", "deployer", "a_user_of_more_than_16"] {
            assert!(!is_taken(Engine::Postgres, name), "{name}");
        }
        for name in ["rdsadmin", "a_user_of_17_char"] {
            assert!(is_taken(Engine::Mysql, name), "{name}");
        }
        for name in ["admin", "root", "postgres", "a_user_of_16_cha"] {
            assert!(!is_taken(Engine::Mariadb, name), "{name}");
        }
    }

    #[test]
    fn what_an_engine_keeps_for_itself_names_no_database_of_it() {
        let is_taken = |engine, name| database(engine, name).is_some();
        for name in ["template0", "rdsadmin", "table", "a-b"] {
            assert!(is_taken(Engine::Postgres, name), "{name}");
        }
        for name in ["postgres", "mysql", "main"] {
            assert!(!is_taken(Engine::Postgres, name), "{name}");
        }
        for name in ["mysql", "sys", "information_schema"] {
            assert!(is_taken(Engine::Mysql, name), "{name}");
        }
    }
}
