//! An RDS database instance.

use std::collections::BTreeSet;

use deployer_core::{
    Action, Change, Fact, Grant, Impact, Join, Kind, Naming, Notice, Opaque, Problem, Ref, Thing,
    Time, Typical, is_unread,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::db_engine::{Engine, is_one_of, numbers};
use crate::db_names as names;
use crate::{DbParameterGroup, DbSubnetGroup, Secret, SecurityGroup};

const HOUR: u32 = 3600;

/// From how much gp3 storage on, in GiB, RDS spreads it over several volumes; only then can more
/// than the baseline be had (RDS user guide, "gp3 storage").
const STRIPED: u32 = 400;

/// What gp3 storage does from [`STRIPED`] on, in operations a second. RDS does not take it for
/// granted there: a change of the size without it is refused (terraform-provider-aws #28382).
const STRIPED_IOPS: u32 = 12_000;

/// The types of storage that RDS offers for new databases (`CreateDBInstance` in the RDS API
/// reference).
const STORAGE_TYPES: [&str; 4] = ["gp2", "gp3", "io1", "io2"];

/// What a standby adds, in seconds: RDS makes it of a snapshot, and changes it first (RDS user
/// guide, "Multi-AZ DB instance deployments"). The number is an assumption.
const STANDBY: u32 = 300;

/// How long RDS takes to change what leaves the machine as it is, in seconds; an assumption.
const SETTING: u32 = 60;

/// What the last snapshot adds to a deletion, in seconds; an assumption.
const SNAPSHOT: u32 = 180;

/// How long RDS may take to copy a GiB, in seconds: 100 MB a second, which is an assumption.
const SECONDS_A_GIB: u32 = 10;

/// An RDS database instance.
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
        ("iops", Change::InPlace(Impact::None)),
        ("database", Change::Replace(Impact::DataLoss)),
        ("user", Change::Replace(Impact::DataLoss)),
        ("password", Change::InPlace(Impact::None)),
        ("port", Change::InPlace(Impact::Restart)),
        ("parameter-group", Change::InPlace(Impact::None)),
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
    const MOVES: &'static [(&'static str, &'static str)] =
        &[("port", "port"), ("password", "secret")];
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
    fn deletion(live: &DbInstanceSpec, state: &str) -> Impact {
        let keeps = live.final_snapshot == true.into() && leaves_snapshot(state);
        if keeps { Impact::Outage } else { Impact::DataLoss }
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
        let mut problems = storage_problems(spec);
        // Backups are kept 0-35 days (RDS API reference).
        if spec.backup_days > 35 {
            let message = format!("RDS keeps backups for 35 days, not {}", spec.backup_days);
            problems.push(Problem::new("backup-days", message, "expected 0 to 35"));
        }
        problems.extend(no_class(&spec.class));
        if let Some(engine) = spec.engine.known() {
            problems.extend(names::user(*engine, &spec.user));
            let database = spec.database.known();
            problems.extend(database.and_then(|database| names::database(*engine, database)));
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
        let (was, will) = (&live.password, &wanted.password);
        // "Working with DB parameter groups" in the RDS user guide: with a restart by somebody, not
        // in the maintenance window. Another class or version restarts it.
        let moves = live.parameter_group != wanted.parameter_group;
        let moves = moves.then(|| {
            let because = if live.stays(wanted) {
                "the parameters of another group are in force once the database is restarted: \
                 `aws rds reboot-db-instance`"
            } else {
                "the parameters of another group come into force"
            };
            Notice::new(Impact::None, because)
        });
        let (live, wanted) = (live.backup_days, wanted.backup_days);
        let lost = match (live, wanted) {
            (1.., 0) => Some("its automatic backups are deleted, and none are made".to_owned()),
            (live, wanted) if wanted < live => {
                Some(format!("backups older than {wanted} days are deleted"))
            }
            _ => None,
        };
        // BackupRetentionPeriod of ModifyDBInstance in the RDS API reference.
        let turns = (live == 0) != (wanted == 0);
        let begun = if wanted == 0 { "end" } else { "begin" };
        let outage = turns.then(|| format!("RDS interrupts it when automatic backups {begun}"));
        let lost = lost.map(|because| Notice::new(Impact::DataLoss, because));
        let password = (was != will).then(|| {
            let because = "its password changes: who is connected stays so, and who connects \
                           anew fails until it has the new one";
            Notice::new(Impact::Restart, because)
        });
        let outage = outage.map(|because| Notice::new(Impact::Outage, because));
        lost.into_iter().chain(outage).chain(password).chain(moves).collect()
    }

    /// There is no way back to an earlier version or to less storage, and what is written less
    /// exactly than AWS shows it is no difference.
    fn change(field: &str, live: &Value, wanted: &Value) -> Option<Change> {
        match field {
            "version" => {
                let (live, wanted) = (live.as_str()?, wanted.as_str()?);
                if is_one_of(live, wanted) {
                    return Some(Change::Delegated);
                }
                // Upgrading a DB instance (RDS user guide): there is no way back.
                (numbers(wanted) < numbers(live)).then_some(Change::Never(
                    "RDS goes to no earlier version: write the one it has, or restore a snapshot \
                     from before",
                ))
            }
            "storage" if live.as_u64()? > wanted.as_u64()? => Some(Change::Never(
                "storage of a database cannot shrink: write the size it has, or move the data to a new database",
            )),
            // RDS stores them in lower case (`ModifyDBInstance` in the RDS API reference).
            "backup-window" | "maintenance-window" => {
                let is_same = live.as_str()?.eq_ignore_ascii_case(wanted.as_str()?);
                is_same.then_some(Change::Delegated)
            }
            // A password that the stack does not know is replaced by one that it does; a tag that
            // is gone is written again.
            "password" | "final-snapshot" if is_unread(live) => Some(Change::InPlace(Impact::None)),
            _ => None,
        }
    }

    /// RDS grows the storage where it may, and rounds it up; it upgrades minor versions where it
    /// may.
    fn is_moved(field: &str, live: &DbInstanceSpec, wanted: &DbInstanceSpec) -> bool {
        match field {
            "storage" if live.storage > wanted.storage => {
                // What is asked for is made a tenth more than there was (RDS user guide,
                // "Increasing DB instance storage capacity").
                let rounded = live.storage <= with_a_tenth(wanted.storage);
                wanted.max_storage != 0 || rounded
            }
            // Grown as far as it may, RDS shows no limit any more.
            "max-storage" => {
                live.max_storage == 0
                    && wanted.max_storage != 0
                    && live.storage >= wanted.max_storage
            }
            "version" => {
                let major = |version| wanted.engine.known().map(|it| it.major(version));
                wanted.minor_upgrades
                    && major(&live.version) == major(&wanted.version)
                    && numbers(&wanted.version) < numbers(&live.version)
            }
            _ => false,
        }
    }
}

impl DbInstanceSpec {
    /// Whether the machine stays as it is when the other is wanted: only settings differ.
    fn stays(&self, wanted: &Self) -> bool {
        let machine = |spec: &Self| {
            let storage = (spec.storage, spec.storage_type.clone(), spec.wants_iops());
            (spec.class.clone(), spec.port, storage, spec.standby)
        };
        machine(self) == machine(wanted) && is_one_of(&self.version, &wanted.version)
    }

    /// How many operations a second its storage is asked for: none where RDS takes no number.
    pub fn wants_iops(&self) -> Option<u32> {
        match self.storage_type.as_str() {
            "gp3" if self.storage >= STRIPED => Some(self.iops.unwrap_or(STRIPED_IOPS)),
            "io1" | "io2" => self.iops,
            _ => None,
        }
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
    /// How far RDS may grow the storage by itself, in GiB, at least a tenth beyond `storage`; not
    /// at all when 0.
    #[serde(default)]
    pub max_storage: u32,
    /// `gp3`, `gp2`, `io1` or `io2`.
    #[serde(default = "storage_type")]
    pub storage_type: String,
    /// How many operations a second the storage does; must be given for `io1` and `io2`, can be
    /// for `gp3` of 400 GiB or more. RDS's own choice when left out.
    pub iops: Option<u32>,
    /// The database that is there from the beginning.
    pub database: Opaque<String>,
    /// The master user.
    #[serde(default = "user")]
    pub user: String,
    /// Who keeps the master password: RDS (`managed`), or a secret (`kept`).
    #[serde(default)]
    pub password: Opaque<Password>,
    /// The port; the engine's own when left out.
    pub port: Option<u16>,
    /// The parameters of the engine: RDS's own (`default`), or those of a group (`own`).
    #[serde(default)]
    pub parameter_group: ParameterGroup,
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

/// Who keeps the master password of a database.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Password {
    /// RDS makes a secret of its own, and gives it and the database another password every seven
    /// days.
    #[default]
    Managed,
    /// A secret has it, under the key `password`, and is given the rest of what a client needs:
    /// `username`, `host`, `port`, `dbname`, `engine` and `url`.
    Kept(Ref<Secret>),
}

/// Which parameters of the engine a database has.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterGroup {
    /// Those that RDS has for its version.
    #[default]
    Default,
    /// Those of a group.
    Own(Ref<DbParameterGroup>),
}

/// A tenth more, rounded up.
fn with_a_tenth(storage: u32) -> u32 {
    storage.saturating_add(storage.div_ceil(10))
}

/// What is wrong with the storage that is asked for.
fn storage_problems(spec: &DbInstanceSpec) -> Vec<Problem> {
    let mut problems = Vec::new();
    let kind = spec.storage_type.as_str();
    if !STORAGE_TYPES.contains(&kind) {
        let message = format!("`{kind}` is not a type of storage that RDS offers");
        problems.push(Problem::new("storage-type", message, "expected gp3, gp2, io1 or io2"));
    }
    // "Amazon RDS DB instance storage" in the RDS user guide; the same for all three engines.
    let is_provisioned = ["io1", "io2"].contains(&kind);
    let least = if is_provisioned { 100 } else { 20 };
    if !(least..=65_536).contains(&spec.storage) {
        let message = format!("{} GiB of storage is out of range", spec.storage);
        let kind = if is_provisioned { format!(" for {kind}") } else { String::new() };
        problems.push(Problem::new("storage", message, format!("expected {least} to 65536{kind}")));
    }
    let iops = match kind {
        "gp3" if spec.storage >= STRIPED => Some(STRIPED_IOPS..=64_000),
        "io1" | "io2" => Some(1000..=256_000),
        _ => None,
    };
    match (spec.iops, iops) {
        (Some(iops), Some(range)) if !range.contains(&iops) => {
            let message = format!("{kind} storage cannot be asked for {iops} operations a second");
            let help = format!("expected {} to {}", range.start(), range.end());
            problems.push(Problem::new("iops", message, help));
        }
        (Some(_), None) if kind == "gp3" => problems.push(Problem::new(
            "iops",
            format!("gp3 storage of less than {STRIPED} GiB always does 3000 operations a second"),
            format!("leave `iops` out, or have a storage of {STRIPED} GiB or more"),
        )),
        (Some(_), None) if kind == "gp2" => problems.push(Problem::new(
            "iops",
            "gp2 storage does as much as its size allows",
            "leave `iops` out, or write `storage-type: gp3`",
        )),
        (None, Some(_)) if is_provisioned => problems.push(Problem::new(
            "storage-type",
            format!("{kind} storage must be asked for a number of operations a second"),
            "add `iops: 3000`",
        )),
        _ => {}
    }
    // MaxAllocatedStorage of CreateDBInstance in the RDS API reference: ten per cent at least.
    let least = with_a_tenth(spec.storage);
    if spec.max_storage != 0 && spec.max_storage < least {
        let message = format!("{} GiB leaves too little room to grow", spec.max_storage);
        let help = format!("expected a tenth more than `storage`, {least} GiB, or more");
        problems.push(Problem::new("max-storage", message, help));
    }
    problems
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
    /// The database that was there from the beginning; none in one that was made without.
    pub database: Option<String>,
    /// The master user.
    pub user: String,
    /// The ARN of the secret that has the master password, as JSON with `username` and `password`;
    /// not known before it is the database's.
    pub secret: Option<String>,
}

/// What is wrong with the name of a class.
pub(crate) fn no_class(class: &str) -> Option<Problem> {
    let message = format!("`{class}` is not a valid instance class");
    let problem = Problem::new("class", message, "expected one such as `db.t4g.micro`");
    (!class.starts_with("db.")).then_some(problem)
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

/// Whether RDS takes a last snapshot of a database in this state (`DeleteDBInstance` in the RDS API
/// reference).
pub fn leaves_snapshot(state: &str) -> bool {
    !matches!(state, "failed" | "incompatible-network" | "incompatible-restore")
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

    fn spec(fields: &Value) -> DbInstanceSpec {
        let mut spec = json!({
            "engine": "postgres", "version": "17", "class": "db.t4g.micro", "storage": 20,
            "database": "notes", "subnet-group": { "id": "notes" }, "security-groups": [],
        });
        for (field, value) in fields.as_object().unwrap() {
            spec[field] = value.clone();
        }
        serde_json::from_value(spec).unwrap()
    }

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
        let deletion = |kept, state| DbInstance::deletion(&spec(kept), state);
        assert_eq!(deletion(None, "available"), Impact::Outage);
        assert_eq!(deletion(Some(true), "storage-full"), Impact::Outage);
        assert_eq!(deletion(Some(false), "available"), Impact::DataLoss);
        assert_eq!(deletion(Some(true), "failed"), Impact::DataLoss);
    }

    #[test]
    fn a_version_is_compared_as_exactly_as_it_is_written() {
        let change =
            |live: &str, wanted: &str| DbInstance::change("version", &json!(live), &json!(wanted));
        assert_eq!(change("16.4", "16"), Some(Change::Delegated));
        assert_eq!(change("16.4", "16.6"), None);
        assert_eq!(change("16.4", "16.10"), None);
        assert_eq!(change("5.7.44-RDS.20240408", "5.7.44"), Some(Change::Delegated));
        assert_eq!(change("16.3-R2", "16.3"), Some(Change::Delegated));
        for earlier in ["16.3", "15", "1"] {
            assert!(matches!(change("16.4", earlier), Some(Change::Never(_))), "{earlier}");
        }
        assert!(matches!(change("16.3-R2", "16.3-R1"), Some(Change::Never(_))));
    }

    #[test]
    fn a_minor_version_that_rds_has_upgraded_is_no_difference_and_a_major_one_is() {
        let moved = |engine: &str, live: &str, wanted: &str, upgrades: bool| {
            let of = |version: &str| {
                spec(&json!({ "engine": engine, "version": version, "minor-upgrades": upgrades }))
            };
            DbInstance::is_moved("version", &of(live), &of(wanted))
        };
        assert!(moved("postgres", "16.10", "16.9", true));
        assert!(moved("mysql", "8.0.43", "8.0.40", true));
        assert!(moved("postgres", "16.3-R2", "16.3-R1", true));
        assert!(!moved("postgres", "16.10", "16.9", false), "RDS may not, so somebody did");
        assert!(!moved("postgres", "16.10", "15.3", true));
        assert!(!moved("mysql", "8.4.6", "8.0.43", true));
        assert!(!moved("postgres", "16.9", "16.10", true), "an upgrade is asked for");
    }

    #[test]
    fn storage_that_rds_grew_or_rounded_up_is_no_difference() {
        let moved = |field: &str, live: Value, wanted: Value| {
            DbInstance::is_moved(field, &spec(&live), &spec(&wanted))
        };
        let grown = json!({ "storage": 35, "max-storage": 100 });
        for wanted in [20, 30] {
            let wanted = json!({ "storage": wanted, "max-storage": 100 });
            assert!(moved("storage", grown.clone(), wanted));
        }
        assert!(!moved("storage", grown.clone(), json!({ "storage": 20 })), "it may not grow");
        assert!(!moved("storage", grown, json!({ "storage": 40, "max-storage": 100 })));
        assert!(moved("storage", json!({ "storage": 110 }), json!({ "storage": 105 })));
        let limit = json!({ "storage": 20, "max-storage": 100 });
        assert!(moved("max-storage", json!({ "storage": 100 }), limit.clone()));
        assert!(!moved("max-storage", json!({ "storage": 90 }), limit));
    }

    #[test]
    fn storage_is_asked_for_as_rds_takes_it() {
        let problems = |fields: Value| -> Vec<String> {
            DbInstance::check(&spec(&fields)).into_iter().map(|problem| problem.path).collect()
        };
        assert_eq!(problems(json!({ "storage": 400, "iops": 16000 })), [""; 0]);
        let io2 = |storage: u32| json!({ "storage": storage, "storage-type": "io2", "iops": 3000 });
        assert_eq!(problems(io2(100)), [""; 0]);
        assert_eq!(problems(io2(99)), ["storage"]);
        assert_eq!(problems(json!({ "storage": 100, "storage-type": "io1" })), ["storage-type"]);
        assert_eq!(problems(json!({ "storage-type": "magnetic" })), ["storage-type"]);
        for fields in [
            json!({ "iops": 3000 }),
            json!({ "iops": 3000, "storage-type": "gp2" }),
            json!({ "iops": 3000, "storage": 400 }),
            json!({ "iops": 999, "storage": 100, "storage-type": "io1" }),
        ] {
            assert_eq!(problems(fields.clone()), ["iops"], "{fields}");
        }
        assert_eq!(problems(json!({ "storage": 100, "max-storage": 109 })), ["max-storage"]);
        assert_eq!(problems(json!({ "storage": 100, "max-storage": 110 })), [""; 0]);
        assert_eq!(spec(&json!({ "storage": 399 })).wants_iops(), None);
        assert_eq!(spec(&json!({ "storage": 400 })).wants_iops(), Some(12_000));
    }

    #[test]
    fn backups_that_begin_or_end_interrupt_a_database() {
        let worst = |live: u32, wanted: u32| {
            let [live, wanted] = [live, wanted].map(|days| spec(&json!({ "backup-days": days })));
            DbInstance::notices(&live, &wanted).into_iter().map(|notice| notice.impact).min()
        };
        assert_eq!(worst(0, 7), Some(Impact::Outage));
        assert_eq!(worst(7, 0), Some(Impact::Outage));
        assert_eq!(worst(7, 14), None);
    }

    #[test]
    fn another_password_is_noticed_and_one_that_nobody_knows_is_replaced() {
        let kept = |id: &str| spec(&json!({ "password": { "kept": { "id": id } } }));
        let noticed = |live: &DbInstanceSpec, wanted: &DbInstanceSpec| {
            DbInstance::notices(live, wanted).into_iter().map(|notice| notice.impact).next()
        };
        assert_eq!(noticed(&spec(&json!({})), &kept("a")), Some(Impact::Restart));
        assert_eq!(noticed(&kept("a"), &kept("b")), Some(Impact::Restart));
        assert_eq!(noticed(&kept("a"), &kept("a")), None);
        let change = DbInstance::change("password", &json!({ "unread": true }), &json!("managed"));
        assert_eq!(change, Some(Change::InPlace(Impact::None)));
    }

    #[test]
    fn windows_are_the_same_in_small_letters() {
        let change = |live: &str, wanted: &str| {
            DbInstance::change("maintenance-window", &json!(live), &json!(wanted))
        };
        let live = "sun:05:00-sun:06:00";
        assert_eq!(change(live, "Sun:05:00-Sun:06:00"), Some(Change::Delegated));
        assert_eq!(change(live, "mon:05:00-mon:06:00"), None);
    }

    #[test]
    fn what_copies_the_data_may_take_as_long_as_there_is_data() {
        let spec = |storage: u32, snapshot: bool| {
            spec(&json!({ "storage": storage, "final-snapshot": snapshot }))
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
        let update = |field: &str, value: Value| {
            let (live, wanted) = (spec(&json!({})), spec(&json!({ field: value })));
            DbInstance::time(Action::Update, Some(&live), Some(&wanted)).typical
        };
        assert_eq!(update("backup-days", json!(1)), 60);
        assert_eq!(update("port", json!(5433)), 300);
        assert_eq!(update("standby", json!(true)), 600);
    }
}
