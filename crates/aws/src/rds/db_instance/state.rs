//! How far RDS is with a database instance.
//!
//! The states are those of the RDS user guide, "Viewing DB instance status".

use aws_sdk_rds::types::DbInstance as Description;
use deployer_core::{Cause, Failure, Phase};
use deployer_engine::{Progress, Result};

use crate::Aws;
use crate::missing::Required;
use crate::rds;

/// States in which a database works. Storage is optimised in the background for hours.
const WORKING: &[&str] = &["available", "storage-optimization"];

/// States that do not end.
const BROKEN: &[&str] = &["failed", "incompatible-restore", "restore-error"];

/// States that end once somebody has done something about it. RDS shows them for a while after
/// (terraform-provider-aws #5066), so they say nothing at the first look.
const STUCK: &[&str] = &[
    "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-parameters",
    "insufficient-capacity",
    "stopped",
    "storage-full",
];

/// Where RDS says why something is broken.
const EVENTS: &str = "its events in the RDS console say why";

/// How far RDS is, for a plan.
pub(crate) fn phase(instance: &Description) -> Result<Phase> {
    let state = instance.db_instance_status().required("the status of a database")?;
    Ok(match progress(instance)? {
        Progress::Done(()) => Phase::Ready,
        _ if state == "deleting" => Phase::Leaving,
        _ => Phase::Settling,
    })
}

/// One look at whether it works, with what is told of it once it does.
pub(crate) async fn ready<T>(
    aws: &Aws,
    id: &str,
    output: impl FnOnce(&Description) -> Result<T>,
) -> Result<Progress<T>> {
    let instance = rds::describe(aws, id).await?;
    if let Some(state) = instance.db_instance_status().filter(|state| STUCK.contains(state)) {
        return Err(stuck(state));
    }
    Ok(match progress(&instance)? {
        Progress::Done(()) => Progress::Done(output(&instance)?),
        Progress::Waiting(on) => Progress::Waiting(on),
        Progress::Failed(why) => Progress::Failed(why),
    })
}

/// Whether it works and nothing we may have asked for is pending.
fn progress(instance: &Description) -> Result<Progress<()>> {
    let state = instance.db_instance_status().required("the status of a database")?;
    if BROKEN.contains(&state) {
        return Ok(Progress::Failed(format!("RDS says it is `{state}`; {EVENTS}")));
    }
    let pending = pending(instance);
    let secret = instance.master_user_secret().and_then(|secret| secret.secret_status());
    Ok(match () {
        () if !WORKING.contains(&state) => Progress::Waiting(state.to_owned()),
        () if !pending.is_empty() => Progress::Waiting(format!("pending: {}", pending.join(", "))),
        () if secret == Some("creating") => Progress::Waiting("its secret: creating".to_owned()),
        () => Progress::Done(()),
    })
}

/// The engine looks again for as long as something may lag, and then fails with this.
fn stuck(state: &str) -> Failure {
    let failure = Failure::new(Cause::NotYet, "get it ready", format!("RDS says it is `{state}`"));
    failure.help(match state {
        "stopped" => "start it with `aws rds start-db-instance`, and apply again",
        "storage-full" => "give it more `storage`, and apply again",
        _ => EVENTS,
    })
}

/// What is on its way, of the fields a spec has. A parameter that waits for a restart, a new
/// certificate or a rotated password is not ours to wait for.
fn pending(instance: &Description) -> Vec<String> {
    let Some(pending) = instance.pending_modified_values() else { return Vec::new() };
    let text = |value: Option<&str>| value.map(ToOwned::to_owned);
    let number = |value: Option<i32>| value.map(|value| value.to_string());
    [
        ("class", text(pending.db_instance_class())),
        ("version", text(pending.engine_version())),
        ("storage", number(pending.allocated_storage())),
        ("storage type", text(pending.storage_type())),
        ("port", number(pending.port())),
        ("backup days", number(pending.backup_retention_period())),
        ("standby", pending.multi_az().map(|value| value.to_string())),
    ]
    .into_iter()
    .filter_map(|(what, value)| Some(format!("{what} {}", value?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::types::PendingModifiedValues;

    use super::*;

    fn instance(state: &str, pending: PendingModifiedValues) -> Description {
        let instance = Description::builder().db_instance_status(state);
        instance.pending_modified_values(pending).build()
    }

    #[test]
    fn a_change_that_has_not_begun_is_waited_for() {
        let pending = PendingModifiedValues::builder().db_instance_class("db.t4g.small").build();
        assert_eq!(
            progress(&instance("available", pending)).unwrap(),
            Progress::Waiting("pending: class db.t4g.small".to_owned())
        );
    }

    #[test]
    fn storage_that_is_optimised_and_a_pending_password_are_no_reason_to_wait() {
        let pending = PendingModifiedValues::builder().master_user_password("****").build();
        let instance = instance("storage-optimization", pending);
        assert_eq!(progress(&instance).unwrap(), Progress::Done(()));
    }

    #[test]
    fn what_never_ends_has_failed_and_what_may_be_cured_is_looked_at_again() {
        let nothing = || PendingModifiedValues::builder().build();
        let failed = progress(&instance("failed", nothing())).unwrap();
        assert!(matches!(failed, Progress::Failed(_)));
        for state in STUCK {
            let progress = progress(&instance(state, nothing())).unwrap();
            assert_eq!(progress, Progress::Waiting((*state).to_owned()));
            assert_eq!(stuck(state).cause, Cause::NotYet);
        }
    }
}
