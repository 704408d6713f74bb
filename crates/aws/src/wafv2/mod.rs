//! AWS WAF: which web ACL a load balancer has. `GetWebACLForResource`, `AssociateWebACL`,
//! `DisassociateWebACL`.
//!
//! A resource has one, and `AssociateWebACL` puts another in its place without a word. So what is
//! there is looked at first, and what others have put there stays.

mod operations;

use deployer_core::{Cause, Failure};
use deployer_engine::Result;

use crate::Aws;
use crate::send::unless_gone;

pub(crate) use operations::*;

const PUT: &str = "put the web ACL before the load balancer";

/// The ARN of the web ACL that a resource has; none as well where the resource is not there.
pub(crate) async fn of(aws: &Aws, resource: &str) -> Result<Option<String>> {
    let request = aws.wafv2.get_web_acl_for_resource().resource_arn(resource);
    let answer = aws
        .send(&GET_WEB_ACL_FOR_RESOURCE, "look which web ACL it has", || request.clone().send())
        .await;
    let web_acl = unless_gone(answer)?.and_then(|answer| answer.web_acl);
    Ok(web_acl.map(|web_acl| web_acl.arn))
}

/// Gives a resource a web ACL, in the place of none or of one of ours.
pub(crate) async fn put(aws: &Aws, resource: &str, web_acl: &str, ours: &str) -> Result<()> {
    match of(aws, resource).await? {
        Some(there) if there == web_acl => return Ok(()),
        Some(there) if there != ours => {
            let message = format!("it has {there} already, which is not of this stack");
            let attempted = ASSOCIATE_WEB_ACL.attempted(PUT);
            let help = format!(
                "take that off, `aws wafv2 disassociate-web-acl --resource-arn {resource}`, or leave \
                 `web-acl` out"
            );
            return Err(Failure::new(Cause::Refused, attempted, message).help(help));
        }
        _ => {}
    }
    let request = aws.wafv2.associate_web_acl().resource_arn(resource).web_acl_arn(web_acl);
    aws.send(&ASSOCIATE_WEB_ACL, PUT, || request.clone().send()).await?;
    Ok(())
}

/// Takes a web ACL of ours off a resource, if it is still there.
pub(crate) async fn take(aws: &Aws, resource: &str, ours: &str) -> Result<()> {
    if of(aws, resource).await?.as_deref() != Some(ours) {
        return Ok(());
    }
    let request = aws.wafv2.disassociate_web_acl().resource_arn(resource);
    let taken =
        aws.send(&DISASSOCIATE_WEB_ACL, "take the web ACL off", || request.clone().send()).await;
    unless_gone(taken)?;
    Ok(())
}
