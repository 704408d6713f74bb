//! Names what holds a thing that EC2 refuses to delete: EC2 itself says only that something does.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{Filter, NetworkInterface};
use deployer_core::{Cause, Failure};
use deployer_engine::Result;

use crate::Aws;
use crate::ec2::{self, filter};

/// How many blockers of one sort are named; the rest is counted.
const NAMED: usize = 3;

/// What holds a thing.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// By their names.
    pub(super) names: Vec<String>,
    /// Whether one of them goes only when somebody deletes it. What this run deletes is gone by
    /// then, or on its way out.
    pub(super) stays: bool,
}

impl Holders {
    /// Interfaces by what they belong to. Those of an instance stay, since no stack makes instances;
    /// those of load balancers and tasks go a while after these.
    pub(super) fn of(interfaces: &[NetworkInterface]) -> Self {
        let of_an_instance = |it: &NetworkInterface| {
            it.attachment().and_then(|it| it.instance_id()).is_some_and(|id| !id.is_empty())
        };
        Self { names: described(interfaces), stays: interfaces.iter().any(of_an_instance) }
    }

    /// What goes only when somebody deletes it.
    pub(super) fn lasting(names: impl IntoIterator<Item = String>) -> Self {
        let names = shortened(names.into_iter().collect());
        Self { stays: !names.is_empty(), names }
    }
}

/// The network interfaces with a property, such as being in a subnet.
pub(crate) async fn interfaces(aws: &Aws, of: Filter) -> Result<Vec<NetworkInterface>> {
    let request = aws.ec2.describe_network_interfaces().filters(of);
    let pages = aws
        .pages(
            &ec2::DESCRIBE_NETWORK_INTERFACES,
            "find the network interfaces",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.network_interfaces.unwrap_or_default()).collect())
}

/// Adds the network interfaces with a property to a failure that says something holds a thing.
pub(crate) async fn name_interfaces(aws: &Aws, failure: Failure, of: Filter) -> Failure {
    if !is_held(&failure) {
        return failure;
    }
    let found = interfaces(aws, of).await;
    name(failure, found.map(|interfaces| Holders::of(&interfaces)))
}

/// Adds whatever has a public address in a VPC to a failure to detach its internet gateway.
pub(crate) async fn name_public(aws: &Aws, failure: Failure, vpc: &str) -> Failure {
    if !is_held(&failure) {
        return failure;
    }
    let found = interfaces(aws, filter("vpc-id", vpc)).await;
    name(
        failure,
        found.map(|mut interfaces| {
            interfaces.retain(|interface| interface.association().is_some());
            Holders::of(&interfaces)
        }),
    )
}

/// Adds what holds a security group: network interfaces in it, and groups whose rules name it.
pub(crate) async fn name_users(aws: &Aws, failure: Failure, group: &str) -> Failure {
    if !is_held(&failure) {
        return failure;
    }
    let found = async {
        let mut holders = Holders::of(&interfaces(aws, filter("group-id", group)).await?);
        let rules = Holders::lasting(referring(aws, group).await?);
        holders.stays |= rules.stays;
        holders.names.extend(rules.names);
        Ok(holders)
    };
    name(failure, found.await)
}

/// Whether a failure says that something holds a thing.
pub(super) fn is_held(failure: &Failure) -> bool {
    let code = failure.code.as_deref();
    code.is_some_and(|code| ["DependencyViolation", "InvalidCidrBlock.InUse"].contains(&code))
}

/// Adds what holds it to a failure. What cannot be found out does not hide the failure itself. What
/// stays is waited for only as long as something that has gone may be shown.
pub(super) fn name(mut failure: Failure, holders: Result<Holders>) -> Failure {
    match holders {
        Ok(Holders { names, stays }) if !names.is_empty() => {
            failure.message = format!("{}; it is held by {}", failure.message, names.join(", "));
            if stays {
                failure.cause = Cause::NotYet;
                failure =
                    failure.help("take away what holds it and is not ours, and run this again");
            }
        }
        Ok(_) => {}
        Err(reason) => tracing::debug!(%reason, "cannot name what holds it"),
    }
    failure
}

/// Interfaces by what they belong to. Services describe theirs: `ELB app/web/0123`.
fn described(interfaces: &[NetworkInterface]) -> Vec<String> {
    let mut by_owner: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for interface in interfaces {
        let id = interface.network_interface_id().unwrap_or("?");
        let owner = interface.description().filter(|text| !text.is_empty());
        by_owner.entry(owner.unwrap_or("no description").to_owned()).or_default().push(id);
    }
    let described = by_owner.into_iter().map(|(owner, ids)| {
        let sort = if ids.len() == 1 { "network interface" } else { "network interfaces" };
        format!("{sort} {} ({owner})", ids.join(", "))
    });
    shortened(described.collect())
}

/// Security groups whose rules name this one. DescribeSecurityGroupRules has no filter for that,
/// DescribeSecurityGroups has (EC2 API reference).
async fn referring(aws: &Aws, group: &str) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for name in ["ip-permission.group-id", "egress.ip-permission.group-id"] {
        let request = aws.ec2.describe_security_groups().filters(filter(name, group));
        let pages = aws
            .pages(
                &ec2::DESCRIBE_SECURITY_GROUPS,
                "find the groups that refer to it",
                |token| request.clone().set_next_token(token).send(),
                |page| page.next_token(),
            )
            .await?;
        let others = pages.iter().flat_map(|page| page.security_groups());
        ids.extend(others.filter_map(|other| other.group_id()).map(ToOwned::to_owned));
    }
    ids.sort();
    ids.dedup();
    ids.retain(|id| id != group);
    Ok(ids.into_iter().map(|id| format!("a rule of {id}")).collect())
}

/// The first of some names, and how many more there are.
fn shortened(mut names: Vec<String>) -> Vec<String> {
    let rest = names.len().saturating_sub(NAMED);
    if rest > 0 {
        names.truncate(NAMED);
        names.push(format!("{rest} more"));
    }
    names
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::NetworkInterfaceAttachment;

    use super::*;

    #[test]
    fn what_somebody_else_has_put_there_is_waited_for_no_longer_than_an_old_answer_lasts() {
        let held = || Failure::new(Cause::Busy, "delete the VPC", "has dependencies");
        let of = |holders: Holders| name(held(), Ok(holders));
        let leaving = NetworkInterface::builder().network_interface_id("eni-1").build();
        let passing = of(Holders::of(&[leaving]));
        assert_eq!((passing.cause, passing.help), (Cause::Busy, None));
        let instance = NetworkInterfaceAttachment::builder().instance_id("i-1").build();
        let instance = NetworkInterface::builder().attachment(instance).build();
        let group = ["security group sg-1 (bastion)".to_owned()];
        for holders in [Holders::of(&[instance]), Holders::lasting(group)] {
            let lasting = of(holders);
            assert_eq!(lasting.cause, Cause::NotYet, "{lasting}");
            assert!(lasting.help.is_some());
        }
        assert_eq!(of(Holders::lasting(Vec::new())), held());
    }

    #[test]
    fn interfaces_are_named_by_what_they_belong_to() {
        let interface = |id: &str, owner: &str| {
            NetworkInterface::builder().network_interface_id(id).description(owner).build()
        };
        let found = described(&[
            interface("eni-1", "ELB app/web/0"),
            interface("eni-2", "ELB app/web/0"),
            interface("eni-3", ""),
        ]);
        assert_eq!(
            found.join(", "),
            "network interfaces eni-1, eni-2 (ELB app/web/0), network interface eni-3 (no description)"
        );
    }
}
