//! Changes of a zone: all of a batch are made or none.

use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ChangeStatus, ResourceRecordSet};
use deployer_core::Cause;
use deployer_engine::{Progress, Result};

use crate::Aws;
use crate::missing::Required;
use crate::route53;
use crate::send::unless_gone;

/// What becomes of a record.
pub(super) fn change(action: ChangeAction, set: ResourceRecordSet) -> Change {
    Change::builder().action(action).resource_record_set(set).build().expect("it has an action")
}

/// Makes the changes, all or none, and gives what tells when every server of AWS's has them.
pub(super) async fn make(
    aws: &Aws,
    zone: &str,
    purpose: &str,
    changes: Vec<Change>,
) -> Result<String> {
    let batch = ChangeBatch::builder().set_changes(Some(changes)).build().expect("it has changes");
    let request =
        aws.route53.change_resource_record_sets().hosted_zone_id(zone).change_batch(batch);
    let made =
        aws.send(&route53::CHANGE_RESOURCE_RECORD_SETS, purpose, || request.clone().send()).await?;
    let info = made.change_info.required("the change of the hosted zone")?;
    Ok(info.id.trim_start_matches("/change/").to_owned())
}

/// Whether every server of AWS's has a change.
pub(super) async fn spread<T>(aws: &Aws, id: Option<&str>, output: T) -> Result<Progress<T>> {
    let Some(id) = id else { return Ok(Progress::Done(output)) };
    let request = aws.route53.get_change().id(id);
    let answer = aws
        .send(&route53::GET_CHANGE, "ask how far the change is", || request.clone().send())
        .await;
    let Some(answer) = unless_gone(answer)? else { return Ok(Progress::Done(output)) };
    let is_pending =
        answer.change_info().is_some_and(|info| *info.status() == ChangeStatus::Pending);
    let pending = "on its way to AWS's name servers";
    Ok(if is_pending { Progress::Waiting(pending.to_owned()) } else { Progress::Done(output) })
}

/// Whether a batch was refused for what it says of what is there.
pub(super) fn is_refused<T>(result: &Result<T>) -> bool {
    let refused = result.as_ref().err();
    refused.is_some_and(|failure| {
        failure.code.as_deref() == Some("InvalidChangeBatch")
            && matches!(failure.cause, Cause::Taken | Cause::Refused)
    })
}
