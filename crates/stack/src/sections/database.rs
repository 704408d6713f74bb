//! The `databases` section.

use deployer_kinds::Engine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantities::{Days, DaysOrNone, Gibibytes};

/// A relational database (RDS) in the data subnets. RDS makes and keeps its password.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the keys are the words of users")]
pub(crate) struct Database {
    /// The engine: `postgres`, `mysql` or `mariadb`.
    pub(crate) engine: Engine,
    /// The version in quotes, as exactly as you care for: `"16"`, `"16.4"`.
    pub(crate) version: String,
    /// The size of the machine, such as `db.t4g.micro`.
    #[serde(default = "class")]
    pub(crate) class: String,
    /// How much it can hold: `20 GiB`. It can grow but never shrink.
    #[serde(default = "storage")]
    pub(crate) storage: Gibibytes,
    /// How far RDS may grow the storage by itself; not at all when left out.
    pub(crate) max_storage: Option<Gibibytes>,
    /// Whether a standby in another zone takes over when it fails (Multi-AZ).
    #[serde(default)]
    pub(crate) standby: bool,
    /// How long daily backups are kept: `7 days`, 35 at most, or `none`.
    #[serde(default = "backups")]
    pub(crate) backups: DaysOrNone,
    /// The database that is there from the beginning; named after the section's entry when left
    /// out.
    pub(crate) database: Option<String>,
    /// The master user.
    #[serde(default = "user")]
    pub(crate) user: String,
    /// The port; the engine's own when left out.
    pub(crate) port: Option<u16>,
    /// Whether AWS and `destroy` refuse to delete it.
    #[serde(default = "super::yes")]
    pub(crate) protect: bool,
    /// Whether deleting it leaves a snapshot.
    #[serde(default = "super::yes")]
    pub(crate) final_snapshot: bool,
}

impl Database {
    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(self.engine.port())
    }
}

fn class() -> String {
    "db.t4g.micro".to_owned()
}

fn storage() -> Gibibytes {
    Gibibytes(20)
}

fn backups() -> DaysOrNone {
    DaysOrNone(Days(7).0)
}

fn user() -> String {
    "deployer".to_owned()
}
