//! The certificates of a listener: the one that everybody is shown who asks for nothing else, and
//! those beside it.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{Certificate, Listener, ProtocolEnum};
use deployer_core::Text;
use deployer_engine::Result;
use deployer_kinds::ListenerSpec;

use crate::acm::certificate;
use crate::missing::Required;
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

/// Adds those that are not there yet.
pub(super) async fn add(
    aws: &Aws,
    listener: &str,
    there: &BTreeSet<Text>,
    spec: &ListenerSpec,
) -> Result<()> {
    let new: Vec<&str> = spec.certificates.difference(there).map(Text::resolved).collect();
    if new.is_empty() {
        return Ok(());
    }
    let request = aws
        .elb
        .add_listener_certificates()
        .listener_arn(listener)
        .set_certificates(Some(written(&new)));
    let added = aws
        .send(&elb::ADD_LISTENER_CERTIFICATES, "add certificates to the listener", || {
            request.clone().send()
        })
        .await;
    match added {
        Err(failure) => Err(certificate::not_usable(aws, &new, failure).await),
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
    if old.is_empty() {
        return Ok(());
    }
    let request = aws
        .elb
        .remove_listener_certificates()
        .listener_arn(listener)
        .set_certificates(Some(written(&old)));
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
