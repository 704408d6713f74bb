//! An RDS database instance.

use std::collections::BTreeSet;

use deployer_core::{
    Action, Change, Fact, Grant, Impact, Join, Kind, Naming, Notice, Opaque, Problem, Ref, Thing,
    Time, Typical, is_unread,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{DbSubnetGroup, SecurityGroup};

const HOUR: u32 = 3600;

/// What a standby adds, in seconds: RDS makes it of a snapshot, and changes it first (RDS user
/// guide, "Multi-AZ DB instance deployments"). The number is an assumption.
const STANDBY: u32 = 300;

/// How long RDS takes to change what leaves the machine as it is, in seconds; an assumption.
const SETTING: u32 = 60;

/// What the last snapshot adds to a deletion, in seconds; an assumption.
const SNAPSHOT: u32 = 180;

/// How long RDS may take to copy a GiB, in seconds: 100 MB a second, which is an assumption.
const SECONDS_A_GIB: u32 = 10;

/// An RDS database instance. RDS makes, keeps and rotates the master password.
pub struct DbInstance;

impl Kind for DbInstance {
    const NAME: &'static str = "db-instance";
    // What interrupts a database and what does not: ModifyDBInstance in the RDS API reference.
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("engine", Change::Replace(Impact::DataLoss)),
        ("version", Change::InPlace(Impact::Outage)),
        ("class", Change::InPlace(Impact::Outage)),
        ("storage", Change::InPlace(Impact::None)),
        ("max-storage", Change::InPlace(Impact::None)),
        ("storage-type", Change::InPlace(Impact::None)),
        ("database", Change::Replace(Impact::DataLoss)),
        ("user", Change::Replace(Impact::DataLoss)),
        ("port", Change::InPlace(Impact::Restart)),
        ("subnet-group", Change::Replace(Impact::DataLoss)),
        ("security-groups", Change::InPlace(Impact::None)),
        ("public-address", Change::InPlace(Impact::None)),
        ("standby", Change::InPlace(Impact::None)),
        ("backup-days", Change::InPlace(Impact::None)),
        ("backup-window", Change::InPlace(Impact::None)),
        ("maintenance-window", Change::InPlace(Impact::None)),
        ("minor-upgrades", Change::InPlace(Impact::None)),
        ("encrypted", Change::Replace(Impact::DataLoss)),
        ("deletion-protection", Change::InPlace(Impact::None)),
        ("final-snapshot", Change::InPlace(Impact::None)),
    ];
    // Identifiers: 1-63 characters, stored in lower case (RDS API reference).
    // An interface has at most five security groups (VPC user guide, "Amazon VPC quotas").
    const GRANTS: &'static [Grant] = &[Grant { most: 5, ..Grant::of("security-groups") }];
    const MOVES: &'static [(&'static str, &'static str)] = &[("port", "port")];
    const NAMING: Option<Naming> = Some(Naming::hyphens(63));
    const GENTLEST: &'static [(&'static str, &'static str)] = &[("final-snapshot", "true")];
    const DELETION: Impact = Impact::DataLoss;
    const PROTECTION: Option<&'static str> = Some("deletion-protection");
    // Public deployment logs: create 5-17 min, delete 5 min and more. A change that moves the
    // instance: assumed.
    const TYPICAL: Typical = Typical { create: 480, update: 300, delete: 300 };
    const IS_REACHED: bool = true;
    type Spec = DbInstanceSpec;
    type Output = DbInstanceOutput;

    /// A last snapshot keeps the data; the database is gone all the same.
    fn deletion(live: &DbInstanceSpec) -> Impact {
        if live.final_snapshot == true.into() { Impact::Outage } else { Impact::DataLoss }
    }

    fn endpoint(output: &DbInstanceOutput) -> Option<String> {
        let (host, port) = output.host.as_ref().zip(output.port)?;
        Some(format!("{host}:{port}"))
    }

    /// A snapshot takes the longer the more there is, and so does a standby that is made of one. A
    /// change of class or version is made to the standby first.
    fn time(
        action: Action,
        live: Option<&DbInstanceSpec>,
        wanted: Option<&DbInstanceSpec>,
    ) -> Time {
        let both = || live.into_iter().chain(wanted);
        let copying = both().map(|spec| spec.storage).max().unwrap_or(0) * SECONDS_A_GIB;
        let Time { typical, .. } = Self::TYPICAL.time(action);
        let standby = if both().any(|spec| spec.standby) { STANDBY } else { 0 };
        let (typical, limit) = match action {
            Action::Create => (typical + standby, HOUR),
            Action::Update if live.zip(wanted).is_some_and(|(live, wanted)| live.stays(wanted)) => {
                (SETTING, 2 * HOUR + copying)
            }
            Action::Update | Action::Await => (typical + standby, 2 * HOUR + copying),
            Action::Delete if live.is_some_and(|live| live.final_snapshot == false.into()) => {
                (typical, HOUR)
            }
            Action::Delete => (typical + SNAPSHOT, HOUR + copying),
        };
        Time { typical, limit }
    }

    fn check(spec: &DbInstanceSpec) -> Vec<Problem> {
        let mut problems = Vec::new();
        // General-purpose storage begins at 20 GiB; backups are kept 0-35 days (RDS API reference).
        if !(20..=65_536).contains(&spec.storage) {
            let message = format!("{} GiB of storage is out of range", spec.storage);
            problems.push(Problem::new("storage", message, "expected 20 to 65536"));
        }
        if spec.max_storage != 0 && spec.max_storage <= spec.storage {
            let message = format!("{} GiB leaves no room to grow", spec.max_storage);
            problems.push(Problem::new(
                "max-storage",
                message,
                "expected more than `storage`, or 0",
            ));
        }
        if spec.backup_days > 35 {
            let message = format!("RDS keeps backups for 35 days, not {}", spec.backup_days);
            problems.push(Problem::new("backup-days", message, "expected 0 to 35"));
        }
        problems.extend(no_class(&spec.class));
        for (path, name) in [("database", &spec.database), ("user", &spec.user)] {
            if !is_identifier(name) {
                problems.push(Problem::new(
                    path,
                    format!("`{name}` is not a name that RDS accepts"),
                    "begin with a letter, then letters, digits and underscores, 16 at most for a user",
                ));
            }
        }
        problems
    }

    fn facts(spec: &DbInstanceSpec) -> Vec<Fact> {
        let groups = spec.security_groups.iter().map(Thing::from).collect();
        let own = spec.engine.known().map(|engine| engine.port());
        let ports = spec.port.or(own).into_iter().collect();
        vec![Fact::Joins(Join { groups, ports })]
    }

    fn notices(live: &DbInstanceSpec, wanted: &DbInstanceSpec) -> Vec<Notice> {
        let because = match (live.backup_days, wanted.backup_days) {
            (1.., 0) => "its automatic backups are deleted, and none are made".to_owned(),
            (live, wanted) if wanted < live => {
                format!("backups older than {wanted} days are deleted")
            }
            _ => return Vec::new(),
        };
        vec![Notice::new(Impact::DataLoss, because)]
    }

    /// AWS moves versions and storage by itself, and storage never shrinks.
    fn change(field: &str, live: &Value, wanted: &Value) -> Option<Change> {
        match field {
            "version" => {
                let (live, wanted) = (live.as_str()?, wanted.as_str()?);
                if live.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('.')) {
                    return Some(Change::Delegated);
                }
                // Upgrading a DB instance (RDS user guide): there is no way back.
                (numbers(wanted) < numbers(live)).then_some(Change::Never(
                    "RDS goes to no earlier version: write the one it has, or restore a snapshot \
                     from before",
                ))
            }
            // Storage autoscaling grows it; without autoscaling it can only be asked to grow.
            "storage" if live.as_u64()? > wanted.as_u64()? => Some(Change::Never(
                "storage of a database cannot shrink: write the size it has, or move the data to a new database",
            )),
            // A tag that is gone is written again.
            "final-snapshot" if is_unread(live) => Some(Change::InPlace(Impact::None)),
            _ => None,
        }
    }
}

impl DbInstanceSpec {
    /// Whether the machine stays as it is when the other is wanted: only settings differ.
    fn stays(&self, wanted: &Self) -> bool {
        let machine = |spec: &Self| {
            (spec.class.clone(), spec.version.clone(), spec.port, spec.storage, spec.standby)
        };
        machine(self) == machine(wanted)
    }
}

/// What we want of a database instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DbInstanceSpec {
    /// The database engine.
    pub engine: Opaque<Engine>,
    /// The version, as exactly as you care for: `16`, `16.4`.
    pub version: String,
    /// The size of the machine, such as `db.t4g.micro`.
    pub class: String,
    /// Storage in GiB, from 20; it can grow but never shrink.
    pub storage: u32,
    /// How far RDS may grow the storage by itself, in GiB; not at all when 0.
    #[serde(default)]
    pub max_storage: u32,
    /// `gp3`, `gp2`, `io1` or `io2`.
    #[serde(default = "storage_type")]
    pub storage_type: String,
    /// The database that is there from the beginning.
    pub database: String,
    /// The master user.
    #[serde(default = "user")]
    pub user: String,
    /// The port; the engine's own when left out.
    pub port: Option<u16>,
    /// The subnets it may be in.
    pub subnet_group: Ref<DbSubnetGroup>,
    /// The security groups that say who reaches it.
    pub security_groups: BTreeSet<Ref<SecurityGroup>>,
    /// Whether it has a public address.
    #[serde(default)]
    pub public_address: bool,
    /// Whether a standby in another zone takes over when it fails (Multi-AZ).
    #[serde(default)]
    pub standby: bool,
    /// Days that automatic backups are kept, up to 35; none are made when 0.
    #[serde(default = "backup_days")]
    pub backup_days: u32,
    /// When backups are made, such as `03:00-04:00` (UTC); AWS's own choice when left out.
    pub backup_window: Option<String>,
    /// When AWS may do maintenance, such as `sun:05:00-sun:06:00` (UTC); its own choice when left
    /// out.
    pub maintenance_window: Option<String>,
    /// Whether AWS upgrades minor versions by itself.
    #[serde(default = "yes")]
    pub minor_upgrades: bool,
    /// Whether its storage is encrypted.
    #[serde(default = "yes")]
    pub encrypted: bool,
    /// Whether AWS refuses to delete it.
    #[serde(default = "yes")]
    pub deletion_protection: bool,
    /// Whether deleting it leaves a snapshot.
    #[serde(default = "final_snapshot")]
    pub final_snapshot: Opaque<bool>,
}

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
}

/// A version as its numbers, to compare by.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map_while(|number| number.parse().ok()).collect()
}

/// What AWS returns for a database instance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DbInstanceOutput {
    /// The identifier.
    pub id: String,
    /// The ARN.
    pub arn: String,
    /// The host name; not known until the instance is made.
    pub host: Option<String>,
    /// The port; not known until the instance is made.
    pub port: Option<u16>,
    /// The database that was there from the beginning.
    pub database: String,
    /// The master user.
    pub user: String,
    /// The ARN of the secret that RDS keeps the master password in, as JSON with `username` and
    /// `password`.
    pub secret: Option<String>,
}

/// What is wrong with the name of a class.
pub(crate) fn no_class(class: &str) -> Option<Problem> {
    let message = format!("`{class}` is not a valid instance class");
    let problem = Problem::new("class", message, "expected one such as `db.t4g.micro`");
    (!class.starts_with("db.")).then_some(problem)
}

fn is_identifier(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn storage_type() -> String {
    "gp3".to_owned()
}

fn user() -> String {
    "deployer".to_owned()
}

fn backup_days() -> u32 {
    7
}

fn final_snapshot() -> Opaque<bool> {
    true.into()
}

pub(crate) fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn data_is_lost_only_where_no_snapshot_is_left() {
        let spec = |kept: Option<bool>| -> DbInstanceSpec {
            let mut spec = json!({
                "engine": "postgres", "version": "16", "class": "db.t4g.micro", "storage": 20,
                "database": "main", "subnet-group": { "id": "g" }, "security-groups": [],
            });
            if let Some(kept) = kept {
                spec["final-snapshot"] = json!(kept);
            }
            serde_json::from_value(spec).unwrap()
        };
        assert_eq!(DbInstance::deletion(&spec(None)), Impact::Outage);
        assert_eq!(DbInstance::deletion(&spec(Some(true))), Impact::Outage);
        assert_eq!(DbInstance::deletion(&spec(Some(false))), Impact::DataLoss);
    }

    #[test]
    fn a_version_is_compared_as_exactly_as_it_is_written() {
        let change =
            |live: &str, wanted: &str| DbInstance::change("version", &json!(live), &json!(wanted));
        assert_eq!(change("16.4", "16"), Some(Change::Delegated));
        assert_eq!(change("16.4", "16.6"), None);
        assert_eq!(change("16.4", "16.10"), None);
        for earlier in ["16.3", "15", "1"] {
            assert!(matches!(change("16.4", earlier), Some(Change::Never(_))), "{earlier}");
        }
    }

    #[test]
    fn what_copies_the_data_may_take_as_long_as_there_is_data() {
        let spec = |storage: u32, snapshot: bool| -> DbInstanceSpec {
            let spec = json!({
                "engine": "postgres", "version": "17", "class": "db.t4g.micro",
                "storage": storage, "database": "notes", "user": "notes",
                "subnet-group": { "id": "notes" }, "security-groups": [], "final-snapshot": snapshot,
            });
            serde_json::from_value(spec).unwrap()
        };
        let delete =
            |spec: &DbInstanceSpec| DbInstance::time(Action::Delete, Some(spec), None).limit;
        assert_eq!(delete(&spec(1000, true)), HOUR + 10_000);
        assert_eq!(delete(&spec(1000, false)), HOUR);
        let (small, large) = (spec(20, true), spec(2000, true));
        let change = DbInstance::time(Action::Update, Some(&small), Some(&large)).limit;
        assert_eq!(change, 2 * HOUR + 20_000);
    }

    #[test]
    fn storage_grows_but_is_never_asked_to_shrink() {
        let change =
            |live: u32, wanted: u32| DbInstance::change("storage", &json!(live), &json!(wanted));
        assert_eq!(change(20, 40), None);
        assert!(matches!(change(40, 20), Some(Change::Never(_))));
    }

    #[test]
    fn a_setting_takes_a_minute_and_a_machine_with_a_standby_longer_than_one_alone() {
        let plain = json!({
            "engine": "postgres", "version": "17", "class": "db.t4g.micro", "storage": 20,
            "database": "notes", "subnet-group": { "id": "notes" }, "security-groups": [],
        });
        let update = |field: &str, value: Value| {
            let mut wanted = plain.clone();
            wanted[field] = value;
            let [live, wanted]: [DbInstanceSpec; 2] =
                [plain.clone(), wanted].map(|spec| serde_json::from_value(spec).unwrap());
            DbInstance::time(Action::Update, Some(&live), Some(&wanted)).typical
        };
        assert_eq!(update("backup-days", json!(1)), 60);
        assert_eq!(update("port", json!(5433)), 300);
        assert_eq!(update("standby", json!(true)), 600);
    }
}
