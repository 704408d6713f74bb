//! Certificates of ours at listeners of others: `AddListenerCertificates`,
//! `DescribeListenerCertificates`, `RemoveListenerCertificates`.
//!
//! What a listener has of certificates carries no tags. The tags of the certificate say where it was
//! put, and as what: `deployer:at:app/edge/50dc/f2f7` is the generation and the name.

use deployer_core::{Phase, Ref, Text};
use deployer_engine::{Badge, Concern, Context, Found, Resource, Result, Survey};
use deployer_kinds::{
    Certificate, ListenerCertificate, ListenerCertificateOutput, ListenerCertificateSpec,
};

use crate::Aws;
use crate::acm;
use crate::elb::certificates;
use crate::elb::placement::{key, listener, places};
use crate::index::TagIndex;
use crate::ownership::Owned;

impl Resource<Aws> for ListenerCertificate {
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let index = survey.shared.get::<TagIndex>();
        let mut all = Vec::new();
        for arn in index.nominated::<Certificate>(survey, "acm").await {
            // The index may have those from before it was put anywhere.
            let Some(tags) = acm::tags(survey.cloud, &arn).await? else { continue };
            if Owned::tagged::<Certificate>(survey.scope, &tags).is_none() {
                continue;
            }
            for (path, generation, name) in places(&tags) {
                let Some(listener) = listener(&arn, path) else { continue };
                let there = certificates::beside_id(survey.cloud, &listener).await?;
                if there.contains(&Text::from(arn.as_str())) {
                    all.push(found(name, generation, &listener, &arn));
                }
            }
        }
        Ok(all)
    }

    async fn verify(aws: &Aws, spec: &ListenerCertificateSpec) -> Result<Vec<Concern>> {
        let Some(arn) = spec.certificate.known() else { return Ok(Vec::new()) };
        Ok(acm::verify::verify(aws, "certificate", arn).await?.into_iter().collect())
    }

    /// The tag comes first: what is at a listener without one would be nobody's.
    async fn create(
        cx: &Context<'_, Aws>,
        spec: &ListenerCertificateSpec,
    ) -> Result<ListenerCertificateOutput> {
        let (listener, certificate) = (spec.listener.id(), spec.certificate.id());
        let what = format!("{} {}", cx.identity.generation, cx.identity.address.name);
        acm::tag_with(cx.cloud, certificate, &key(listener), Some(&what)).await?;
        certificates::put(cx.cloud, listener, &[certificate]).await?;
        Ok(output(listener, certificate))
    }

    /// Nothing of it can change where it is.
    async fn update(
        _cx: &Context<'_, Aws>,
        live: &Found<Self>,
        _spec: &ListenerCertificateSpec,
    ) -> Result<ListenerCertificateOutput> {
        Ok(live.output.clone())
    }

    /// The certificate's tags have it, and stay.
    async fn remember(_cx: &Context<'_, Aws>, _output: &ListenerCertificateOutput) -> Result<()> {
        Ok(())
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let (listener, certificate) = (live.spec.listener.id(), live.spec.certificate.id());
        let tags = acm::tags(cx.cloud, certificate).await?.unwrap_or_default();
        let mut places = places(&tags);
        // Under another name it stays there.
        if places.any(|(at, _, name)| key(listener) == key(at) && name != live.badge.name) {
            return Ok(Vec::new());
        }
        certificates::take(cx.cloud, listener, &[certificate]).await?;
        acm::tag_with(cx.cloud, certificate, &key(listener), None).await?;
        Ok(Vec::new())
    }
}

fn output(listener: &str, certificate: &str) -> ListenerCertificateOutput {
    ListenerCertificateOutput { id: format!("{listener} {certificate}") }
}

fn found(
    name: &str,
    generation: u32,
    listener: &str,
    certificate: &str,
) -> Found<ListenerCertificate> {
    Found {
        badge: Badge { name: name.to_owned(), generation, ..Badge::default() },
        spec: ListenerCertificateSpec {
            listener: Ref::physical(listener),
            certificate: Ref::physical(certificate),
        },
        output: output(listener, certificate),
        phase: Phase::Ready,
        state: String::new(),
        foreign: Vec::new(),
    }
}
