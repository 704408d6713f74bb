//! The certificates of a listener: the one that everybody is shown who asks for nothing else, and
//! those beside it.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{Certificate, Listener, ProtocolEnum};
use deployer_core::{Scope, Text};
use deployer_engine::Result;
use deployer_kinds::ListenerSpec;

use crate::acm::{self, certificate};
use crate::elb::placement::is_put_at;
use crate::missing::Required;
use crate::ownership::named_owner;
use crate::send::unless_gone;
use crate::{Aws, elb};

/// The one that everybody is shown.
pub(super) fn default(spec: &ListenerSpec) -> Option<Vec<Certificate>> {
    let arn = spec.certificate.as_ref()?.resolved();
    Some(vec![Certificate::builder().certificate_arn(arn).build()])
}

/// Those beside it of a listener; none of one that speaks no TLS.
pub(super) async fn beside(aws: &Aws, listener: &Listener) -> Result<BTreeSet<Text>> {
    if !matches!(listener.protocol(), Some(ProtocolEnum::Https | ProtocolEnum::Tls)) {
        return Ok(BTreeSet::new());
    }
    let arn = listener.listener_arn().required("the ARN of a listener")?;
    let mut others = beside_id(aws, arn).await?;
    // One that was beside it and became the default is there twice.
    let shown = listener.certificates().first().and_then(Certificate::certificate_arn);
    others.retain(|it| it.literal() != shown);
    Ok(others)
}

/// The same by its ARN.
pub(super) async fn beside_id(aws: &Aws, listener: &str) -> Result<BTreeSet<Text>> {
    let request = aws.elb.describe_listener_certificates().listener_arn(listener);
    let pages = aws
        .pages(
            &elb::DESCRIBE_LISTENER_CERTIFICATES,
            "look at the listener's certificates",
            |marker| request.clone().set_marker(marker).send(),
            |page| page.next_marker(),
        )
        .await;
    let pages = unless_gone(pages)?.unwrap_or_default();
    let all = pages.into_iter().flat_map(|page| page.certificates.unwrap_or_default());
    let others = all.filter(|it| it.is_default() != Some(true));
    Ok(others.filter_map(|it| it.certificate_arn).map(Text::from).collect())
}

/// Parts those that other environments have put beside it from the rest, each with who it is of, and
/// leaves out what is of another resource of this one. `own` are the listener's own already.
pub(super) async fn apart(
    aws: &Aws,
    scope: &Scope,
    listener: &str,
    own: &[String],
    there: BTreeSet<Text>,
) -> Result<(BTreeSet<Text>, Vec<String>)> {
    let (mut ours, mut others) = (BTreeSet::new(), Vec::new());
    let own_name = format!("{}/{}", scope.stack, scope.environment);
    for certificate in there {
        let arn = certificate.resolved();
        // Those of IAM have no such tags.
        let is_asked = !own.iter().any(|it| it == arn) && arn.contains(":acm:");
        let tags = if is_asked { acm::tags(aws, arn).await? } else { None };
        let is_elsewhere = tags.as_ref().is_some_and(|it| is_put_at(it, listener));
        match tags.as_ref().and_then(named_owner).filter(|owner| *owner != own_name) {
            Some(owner) => {
                others.push(format!("the certificate {arn} of {owner}, not made by this stack"));
            }
            None if is_elsewhere => {}
            None => drop(ours.insert(certificate)),
        }
    }
    Ok((ours, others))
}

/// Adds those that are not there yet.
pub(super) async fn add(
    aws: &Aws,
    listener: &str,
    there: &BTreeSet<Text>,
    spec: &ListenerSpec,
) -> Result<()> {
    let new: Vec<&str> = spec.certificates.difference(there).map(Text::resolved).collect();
    put(aws, listener, &new).await
}

/// Adds these.
pub(super) async fn put(aws: &Aws, listener: &str, arns: &[&str]) -> Result<()> {
    if arns.is_empty() {
        return Ok(());
    }
    let request = aws
        .elb
        .add_listener_certificates()
        .listener_arn(listener)
        .set_certificates(Some(written(arns)));
    let added = aws
        .send(&elb::ADD_LISTENER_CERTIFICATES, "add certificates to the listener", || {
            request.clone().send()
        })
        .await;
    match added {
        Err(failure) => Err(certificate::not_usable(aws, arns, failure).await),
        Ok(_) => Ok(()),
    }
}

/// Takes those off that are not wanted.
pub(super) async fn remove(
    aws: &Aws,
    listener: &str,
    there: &BTreeSet<Text>,
    spec: &ListenerSpec,
) -> Result<()> {
    let old = there.difference(&spec.certificates);
    // What everybody is shown by now is none of these.
    let old: Vec<&str> =
        old.filter(|it| Some(*it) != spec.certificate.as_ref()).map(Text::resolved).collect();
    take(aws, listener, &old).await
}

/// Takes these off.
pub(super) async fn take(aws: &Aws, listener: &str, arns: &[&str]) -> Result<()> {
    if arns.is_empty() {
        return Ok(());
    }
    let request = aws
        .elb
        .remove_listener_certificates()
        .listener_arn(listener)
        .set_certificates(Some(written(arns)));
    let removed = aws
        .send(&elb::REMOVE_LISTENER_CERTIFICATES, "take certificates off the listener", || {
            request.clone().send()
        })
        .await;
    unless_gone(removed)?;
    Ok(())
}

fn written(arns: &[&str]) -> Vec<Certificate> {
    arns.iter().map(|arn| Certificate::builder().certificate_arn(*arn).build()).collect()
}
