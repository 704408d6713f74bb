//! AWS Certificate Manager: its kind, and how tags are written, read and rewritten.

pub(crate) mod certificate;
mod checks;
mod operations;
pub(crate) mod verify;

use aws_sdk_acm::types::Tag;
use deployer_engine::{Context, Identity, Result, unless_gone_for_good};

use crate::Aws;
use crate::missing::Required;
use crate::ownership::{self, Kept, Tags};
use crate::send::unless_gone;

pub(crate) use operations::*;

/// The tags of a new resource, for the call that makes it.
pub(crate) fn tagged(identity: &Identity) -> Vec<Tag> {
    let tags = ownership::tags(identity, &Kept::new()).into_iter();
    tags.map(|(key, value)| tag(key, Some(value))).collect()
}

fn tag(key: String, value: Option<String>) -> Tag {
    Tag::builder().key(key).set_value(value).build().expect("it has a key")
}

/// Writes who a certificate is, and what it was last given.
pub(crate) async fn remember(cx: &Context<'_, Aws>, arn: &str) -> Result<()> {
    let tags = tagged(cx.identity);
    let request = cx.cloud.acm.add_tags_to_certificate().certificate_arn(arn).set_tags(Some(tags));
    cx.cloud
        .send(&ADD_TAGS_TO_CERTIFICATE, "tag the certificate", || request.clone().send())
        .await?;
    let dropped = ownership::dropped(cx.identity);
    if !dropped.is_empty() {
        let dropped = dropped.into_iter().map(|key| tag(key, None)).collect();
        let request = cx
            .cloud
            .acm
            .remove_tags_from_certificate()
            .certificate_arn(arn)
            .set_tags(Some(dropped));
        cx.cloud
            .send(&REMOVE_TAGS_FROM_CERTIFICATE, "take tags off", || request.clone().send())
            .await?;
    }
    Ok(())
}

/// Gives a certificate one more tag, or takes it off again.
pub(crate) async fn tag_with(aws: &Aws, arn: &str, key: &str, value: Option<&str>) -> Result<()> {
    let tag = tag(key.to_owned(), value.map(ToOwned::to_owned));
    if value.is_some() {
        let request = aws.acm.add_tags_to_certificate().certificate_arn(arn).tags(tag);
        aws.send(&ADD_TAGS_TO_CERTIFICATE, "note where the certificate is put", || {
            request.clone().send()
        })
        .await?;
    } else {
        let request = aws.acm.remove_tags_from_certificate().certificate_arn(arn).tags(tag);
        let removed =
            aws.send(&REMOVE_TAGS_FROM_CERTIFICATE, "take tags off", || request.clone().send());
        unless_gone(removed.await)?;
    }
    Ok(())
}

/// The tags of a certificate that has just been listed; none when it is gone.
pub(crate) async fn tags(aws: &Aws, arn: &str) -> Result<Option<Tags>> {
    let request = aws.acm.list_tags_for_certificate().certificate_arn(arn);
    let ask = || {
        aws.send(&LIST_TAGS_FOR_CERTIFICATE, "read the certificate's tags", || {
            request.clone().send()
        })
    };
    let answer = unless_gone_for_good(ask).await?;
    answer
        .map(|answer| {
            let tags = answer.tags.required("the tags of a certificate")?;
            Ok(ownership::collect(tags.iter().map(|tag| (Some(tag.key()), tag.value()))))
        })
        .transpose()
}
