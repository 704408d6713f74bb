//! Changes to the rules of a security group: AuthorizeSecurityGroupIngress and -Egress,
//! UpdateSecurityGroupRuleDescriptionsIngress and -Egress, RevokeSecurityGroupIngress and -Egress,
//! CreateTags.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{ResourceType, SecurityGroupRule, SecurityGroupRuleDescription, Tag};
use deployer_engine::{Context, Identity, Result};
use deployer_kinds::SecurityGroupSpec;

use super::rules::{self, Key, Standing};
use crate::Aws;
use crate::ec2::{self, ownership_tags, tagged};
use crate::ownership;
use crate::send::{unless_gone, unless_taken};

/// The rules a group has now.
pub(super) async fn standing(cx: &Context<'_, Aws>, id: &str) -> Result<Vec<Standing>> {
    let rules = rules::describe(cx.cloud, &[id]).await?;
    rules.iter().map(|rule| rules::read(rule, |part, proof| cx.vouches(part, proof))).collect()
}

/// Makes the rules of a group what the spec says. What is to be let through is let through before
/// anything is cut off.
pub(super) async fn apply(
    cx: &Context<'_, Aws>,
    id: &str,
    standing: &[Standing],
    spec: &SecurityGroupSpec,
) -> Result<()> {
    let wanted = wanted(spec);
    let changes = Changes::between(standing, &wanted);
    adopt(cx, &changes.adopted).await?;
    for side in [Side::Ingress, Side::Egress] {
        side.authorize(cx, id, &changes.added).await?;
        side.describe(cx.cloud, id, &changes.described).await?;
        side.revoke(cx.cloud, id, &changes.revoked).await?;
    }
    Ok(())
}

fn wanted(spec: &SecurityGroupSpec) -> BTreeMap<Key, &str> {
    let ingress =
        spec.ingress.iter().map(|rule| (Key::of_ingress(rule), rule.description.as_str()));
    let egress = spec.egress.iter().map(|rule| (Key::of_egress(rule), rule.description.as_str()));
    ingress.chain(egress).collect()
}

#[derive(Debug, Default, PartialEq)]
struct Changes<'a> {
    /// Rules that stand and are not ours, though the stack wants them.
    adopted: Vec<(&'a str, &'a Key)>,
    added: Vec<(&'a Key, &'a str)>,
    /// Whether it is egress, the rule, and the text it gets.
    described: Vec<(bool, &'a str, &'a str)>,
    /// Whether it is egress, and the rule.
    revoked: Vec<(bool, &'a str)>,
}

impl<'a> Changes<'a> {
    fn between(standing: &'a [Standing], wanted: &'a BTreeMap<Key, &'a str>) -> Self {
        let mut changes = Self::default();
        for (key, description) in wanted {
            let Some(rule) = standing.iter().find(|rule| rule.key.as_ref() == Some(key)) else {
                changes.added.push((key, description));
                continue;
            };
            if !rule.counts() || rule.is_shadow() {
                changes.adopted.push((&rule.id, key));
            }
            if rule.description != *description {
                changes.described.push((rule.is_egress, &rule.id, description));
            }
        }
        let is_wanted =
            |rule: &&Standing| rule.key.as_ref().is_some_and(|key| wanted.contains_key(key));
        let is_open = wanted.keys().any(Key::is_open);
        let unwanted = standing
            .iter()
            .filter(|rule| rule.counts() && !is_wanted(rule) && !(is_open && rule.is_shadow()));
        changes.revoked.extend(unwanted.map(|rule| (rule.is_egress, rule.id.as_str())));
        changes
    }
}

/// A rule that somebody made by hand and the stack wants becomes ours: AWS takes no second one.
async fn adopt(cx: &Context<'_, Aws>, rules: &[(&str, &Key)]) -> Result<()> {
    for (rule, key) in rules {
        let tags = ownership_tags(&identity_of(cx, key));
        let request = cx.cloud.ec2.create_tags().resources(*rule).set_tags(Some(tags));
        cx.cloud
            .send(&ec2::CREATE_TAGS, "tag a rule of the security group", || request.clone().send())
            .await?;
    }
    Ok(())
}

/// Gives our rules the tags of the user's own that the group has, and takes the others off.
pub(super) async fn retag(cx: &Context<'_, Aws>, id: &str) -> Result<()> {
    let tags = ownership::own(cx.identity);
    if tags.is_empty() && cx.identity.dropped.is_empty() {
        return Ok(());
    }
    let rules = rules::describe(cx.cloud, &[id]).await?;
    let is_behind = |rule: &SecurityGroupRule| {
        let has = ec2::tags(rule.tags());
        let lacks = tags.iter().any(|(key, value)| has.get(key) != Some(value));
        lacks || cx.identity.dropped.iter().any(|key| has.contains_key(key))
    };
    let mut behind = Vec::new();
    for rule in rules.iter().filter(|rule| is_behind(rule)) {
        let standing = rules::read(rule, |part, proof| cx.vouches(part, proof))?;
        behind.extend(standing.is_ours().then_some(standing.id));
    }
    if !tags.is_empty() && !behind.is_empty() {
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let request = cx.cloud.ec2.create_tags().set_resources(Some(behind.clone()));
        let request = request.set_tags(Some(tags.collect()));
        cx.cloud
            .send(&ec2::CREATE_TAGS, "tag the rules of the security group", || {
                request.clone().send()
            })
            .await?;
    }
    ec2::untag(cx, &behind).await
}

/// What the tags of a rule say: which group it is in, with a proof that is for this rule alone.
fn identity_of(cx: &Context<'_, Aws>, key: &Key) -> Identity {
    Identity { proof: cx.prove_part(&key.part()), ..cx.identity.clone() }
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Ingress,
    Egress,
}

impl Side {
    fn is(self, is_egress: bool) -> bool {
        (self == Self::Egress) == is_egress
    }

    /// Adds rules, each in a call of its own: each carries a proof of its own.
    async fn authorize(
        self,
        cx: &Context<'_, Aws>,
        id: &str,
        added: &[(&Key, &str)],
    ) -> Result<()> {
        for (key, description) in added.iter().filter(|(key, _)| self.is(key.is_egress)) {
            let added = self.authorize_one(cx, id, key, description).await;
            // A look just now did not show it.
            unless_taken(added)?;
        }
        Ok(())
    }

    async fn authorize_one(
        self,
        cx: &Context<'_, Aws>,
        id: &str,
        key: &Key,
        description: &str,
    ) -> Result<()> {
        let permission = key.permission(id, description);
        let tags = tagged(&identity_of(cx, key), ResourceType::SecurityGroupRule);
        let ec2 = &cx.cloud.ec2;
        match self {
            Self::Ingress => {
                let request = ec2
                    .authorize_security_group_ingress()
                    .group_id(id)
                    .ip_permissions(permission)
                    .tag_specifications(tags);
                cx.cloud
                    .send(&ec2::AUTHORIZE_SECURITY_GROUP_INGRESS, "add an ingress rule", || {
                        request.clone().send()
                    })
                    .await
                    .map(drop)
            }
            Self::Egress => {
                let request = ec2
                    .authorize_security_group_egress()
                    .group_id(id)
                    .ip_permissions(permission)
                    .tag_specifications(tags);
                cx.cloud
                    .send(&ec2::AUTHORIZE_SECURITY_GROUP_EGRESS, "add an egress rule", || {
                        request.clone().send()
                    })
                    .await
                    .map(drop)
            }
        }
    }

    async fn describe(self, aws: &Aws, id: &str, described: &[(bool, &str, &str)]) -> Result<()> {
        let texts: Vec<SecurityGroupRuleDescription> = described
            .iter()
            .filter(|(is_egress, ..)| self.is(*is_egress))
            .map(|(_, rule, text)| {
                SecurityGroupRuleDescription::builder()
                    .security_group_rule_id(*rule)
                    .description(*text)
                    .build()
            })
            .collect();
        if texts.is_empty() {
            return Ok(());
        }
        match self {
            Self::Ingress => {
                let request = aws
                    .ec2
                    .update_security_group_rule_descriptions_ingress()
                    .group_id(id)
                    .set_security_group_rule_descriptions(Some(texts));
                aws.send(
                    &ec2::UPDATE_SECURITY_GROUP_RULE_DESCRIPTIONS_INGRESS,
                    "describe ingress rules",
                    || request.clone().send(),
                )
                .await
                .map(drop)
            }
            Self::Egress => {
                let request = aws
                    .ec2
                    .update_security_group_rule_descriptions_egress()
                    .group_id(id)
                    .set_security_group_rule_descriptions(Some(texts));
                aws.send(
                    &ec2::UPDATE_SECURITY_GROUP_RULE_DESCRIPTIONS_EGRESS,
                    "describe egress rules",
                    || request.clone().send(),
                )
                .await
                .map(drop)
            }
        }
    }

    async fn revoke(self, aws: &Aws, id: &str, revoked: &[(bool, &str)]) -> Result<()> {
        let rules: Vec<String> = revoked
            .iter()
            .filter(|(is_egress, _)| self.is(*is_egress))
            .map(|(_, rule)| (*rule).to_owned())
            .collect();
        if rules.is_empty() || unless_gone(self.revoke_all(aws, id, &rules).await)?.is_some() {
            return Ok(());
        }
        // Somebody was quicker with one of them, and EC2 has removed none of the others.
        for rule in rules.chunks(1) {
            unless_gone(self.revoke_all(aws, id, rule).await)?;
        }
        Ok(())
    }

    async fn revoke_all(self, aws: &Aws, id: &str, rules: &[String]) -> Result<()> {
        let rules = Some(rules.to_vec());
        match self {
            Self::Ingress => {
                let request = aws
                    .ec2
                    .revoke_security_group_ingress()
                    .group_id(id)
                    .set_security_group_rule_ids(rules);
                aws.send(&ec2::REVOKE_SECURITY_GROUP_INGRESS, "remove ingress rules", || {
                    request.clone().send()
                })
                .await
                .map(drop)
            }
            Self::Egress => {
                let request = aws
                    .ec2
                    .revoke_security_group_egress()
                    .group_id(id)
                    .set_security_group_rule_ids(rules);
                aws.send(&ec2::REVOKE_SECURITY_GROUP_EGRESS, "remove egress rules", || {
                    request.clone().send()
                })
                .await
                .map(drop)
            }
        }
    }
}
