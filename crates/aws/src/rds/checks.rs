//! What is wrong with a database instance, a replica or not.

use deployer_engine::{Checks, Finding, Found, Metrics, Result, Series, Stage, Window};
use deployer_kinds::{DbInstance, DbReplica};
use jiff::{SignedDuration, Timestamp};

use crate::Aws;

/// How far back the storage that is left is looked for: metrics come a minute or two late.
const LOOK_BACK: SignedDuration = SignedDuration::from_mins(15);

/// At what share of its storage left a database counts as nearly full, in percent. RDS has an event
/// for less than 10 % ("Amazon RDS event categories" in the RDS user guide).
const LITTLE: f64 = 10.0;

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

impl Checks<Aws> for DbInstance {
    async fn findings(aws: &Aws, live: &Found<Self>) -> Result<Vec<Finding>> {
        let (name, id) = (&live.badge.name, &live.output.id);
        if let Some(finding) = unreachable(name, id, &live.state) {
            return Ok(vec![finding]);
        }
        let until = Timestamp::now();
        let window = Window { since: until - LOOK_BACK, until, period: 60 };
        let series = Self::metrics(aws, live, &window).await?;
        let left = series.iter().find(|it| it.name == "FreeStorageSpace");
        let left = left.and_then(Series::newest);
        let spec = &live.spec;
        Ok(left
            .and_then(|left| full(name, left, spec.storage, spec.max_storage))
            .into_iter()
            .collect())
    }
}

impl Checks<Aws> for DbReplica {
    async fn findings(_aws: &Aws, live: &Found<Self>) -> Result<Vec<Finding>> {
        Ok(unreachable(&live.badge.name, &live.output.id, &live.state).into_iter().collect())
    }
}

/// What is wrong with one in a state in which nobody gets in ("Viewing DB instance status" in the RDS
/// user guide).
fn unreachable(name: &str, id: &str, state: &str) -> Option<Finding> {
    let (is, help): (&str, String) = match state {
        "stopped" | "stopping" => (
            "is stopped",
            format!("start it: `aws rds start-db-instance --db-instance-identifier {id}`"),
        ),
        "storage-full" => (
            "has no storage left, and takes no connections",
            "raise its `storage:` and apply; with `max-storage:` RDS raises it by itself"
                .to_owned(),
        ),
        "inaccessible-encryption-credentials"
        | "inaccessible-encryption-credentials-recoverable" => (
            "cannot use the key that its storage is encrypted with",
            "let RDS use the key of KMS again: enable it, or give its grant back".to_owned(),
        ),
        "incompatible-network"
        | "incompatible-parameters"
        | "incompatible-option-group"
        | "incompatible-credentials"
        | "incompatible-restore"
        | "failed"
        | "restore-error"
        | "insufficient-capacity" => (
            "is out of order",
            format!(
                "its events say why: `aws rds describe-events --source-type db-instance \
                     --source-identifier {id} --duration 1440`"
            ),
        ),
        "creating"
        | "starting"
        | "rebooting"
        | "deleting"
        | "renaming"
        | "upgrading"
        | "resetting-master-credentials" => (
            "takes no connections for now",
            "that ends by itself; `deployer status` shows when".to_owned(),
        ),
        // In all others it answers.
        _ => return None,
    };
    let problem = format!("the database `{name}` {is}");
    Some(Finding::new(Stage::Data, problem, help).because([format!("RDS says: {state}")]))
}

/// What is wrong with one that has so many bytes left of so many GiB.
fn full(name: &str, left: f64, storage: u32, most: u32) -> Option<Finding> {
    let whole = f64::from(storage) * GIB;
    let percent = left / whole * 100.0;
    // What grows by itself is no trouble before it cannot any more.
    if percent >= LITTLE || most > storage {
        return None;
    }
    let problem = format!("the storage of the database `{name}` is nearly full");
    let left = format!("{:.1} GiB of {storage} GiB are left", left / GIB);
    let help = "raise its `storage:` and apply; with `max-storage:` RDS raises it by itself";
    Some(Finding::new(Stage::Data, problem, help).because([left]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_nobody_gets_into_is_wrong_and_one_that_is_at_work_is_not() {
        for state in ["stopped", "storage-full", "incompatible-network", "rebooting"] {
            assert!(unreachable("main", "db-1", state).is_some(), "{state}");
        }
        for state in ["available", "backing-up", "modifying", "storage-optimization", "novel"] {
            assert_eq!(unreachable("main", "db-1", state), None, "{state}");
        }
    }

    #[test]
    fn storage_that_runs_out_is_wrong_unless_it_grows() {
        let found = full("main", GIB, 20, 0).expect("5 % are left");
        assert_eq!(found.details, ["1.0 GiB of 20 GiB are left"]);
        assert_eq!(full("main", GIB, 20, 100), None);
        assert!(full("main", GIB, 100, 100).is_some(), "it cannot grow any more");
        assert_eq!(full("main", 5.0 * GIB, 20, 0), None);
    }
}
