//! Roles of IAM: `CreateRole`, `UpdateAssumeRolePolicy`, `PutRolePolicy`, `DeleteRolePolicy`,
//! `AttachRolePolicy`, `DetachRolePolicy`, `GetAccountAuthorizationDetails`, `DeleteRole`.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{EntityType, RoleDetail, Tag};
use deployer_core::{Cause, Failure, Phase, Scope};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{Role, RoleOutput, RoleSpec};

use crate::Aws;
use crate::call::{call, pages, unless_gone};
use crate::missing::Required;
use crate::ownership::{self, Kept, Owned};
use crate::policy;

impl Resource<Aws> for Role {
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        // One call for the account's roles with their policies and tags. It leaves descriptions
        // out, so a role of ours has none.
        let request = survey
            .cloud
            .iam
            .get_account_authorization_details()
            .filter(EntityType::Role)
            .max_items(1000);
        let pages = pages(
            "find the roles (iam:GetAccountAuthorizationDetails)",
            |token| request.clone().set_marker(token).send(),
            |page| page.marker(),
        )
        .await?;
        let path = path(survey.scope);
        let roles = pages.iter().flat_map(|page| page.role_detail_list());
        roles
            .filter(|role| role.path() == Some(&path))
            .filter_map(|role| {
                let tags = role.tags().iter().map(|tag| (Some(tag.key()), Some(tag.value())));
                let tags = ownership::collect(tags);
                let owned = Owned::named::<Self>(survey, role.arn(), role.role_name(), &tags)?;
                Some(found(owned, role))
            })
            .collect()
    }

    async fn create(cx: &Context<'_, Aws>, spec: &RoleSpec) -> Result<RoleOutput> {
        let (iam, name) = (&cx.cloud.iam, &cx.identity.name);
        let request = iam
            .create_role()
            .path(path(&cx.identity.scope))
            .role_name(name)
            .assume_role_policy_document(policy::trust(&spec.services))
            .set_tags(Some(tagged(cx)));
        let made = call("create the role (iam:CreateRole)", || request.clone().send()).await;
        let made = made.map_err(|failure| match failure.code.as_deref() {
            Some("EntityAlreadyExists") => failure.help(format!(
                "another has made the role `{name}`, perhaps for another region: delete it, or \
                 give the stack another name"
            )),
            _ => failure,
        })?;
        let output = RoleOutput { id: made.role.required("the role")?.arn, name: name.clone() };
        let none = RoleSpec { inline: BTreeMap::new(), managed: [].into(), ..spec.clone() };
        // IAM itself may not see its new role for some seconds.
        change(cx, &output, &none, spec).await.map_err(|mut failure| {
            if failure.cause == Cause::Gone {
                failure.cause = Cause::NotYet;
            }
            failure
        })?;
        Ok(output)
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &RoleSpec,
    ) -> Result<RoleOutput> {
        change(cx, &live.output, &live.spec, spec).await?;
        Ok(live.output.clone())
    }

    async fn remember(cx: &Context<'_, Aws>, output: &RoleOutput) -> Result<()> {
        let tags = tagged(cx);
        let request = cx.cloud.iam.tag_role().role_name(&output.name).set_tags(Some(tags));
        call("tag the role (iam:TagRole)", || request.clone().send()).await?;
        Ok(())
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let name = &live.output.name;
        let none = RoleSpec { inline: BTreeMap::new(), managed: [].into(), ..live.spec.clone() };
        change(cx, &live.output, &live.spec, &none).await?;
        let request = cx.cloud.iam.delete_role().role_name(name);
        call("delete the role (iam:DeleteRole)", || request.clone().send()).await?;
        Ok(Vec::new())
    }
}

fn found(owned: Owned, role: &RoleDetail) -> Result<Found<Role>> {
    let trust = role.assume_role_policy_document().required("the trust policy of a role")?;
    let mut inline = BTreeMap::new();
    for own in role.role_policy_list() {
        let name = own.policy_name().required("the name of a policy")?;
        let document = own.policy_document().required("the text of a policy")?;
        inline.insert(name.to_owned(), policy::statements(&policy::decoded(document)));
    }
    let managed = role.attached_managed_policies().iter();
    let boundary = role.permissions_boundary().and_then(|it| it.permissions_boundary_arn());
    let profiles = role.instance_profile_list().iter();
    let foreign = boundary.map(|arn| format!("it has the permissions boundary {arn}"));
    Ok(Found {
        badge: owned.badge(),
        spec: RoleSpec {
            services: policy::services(&policy::decoded(trust)),
            inline,
            managed: managed
                .map(|policy| policy.policy_arn().map(ToOwned::to_owned))
                .collect::<Option<_>>()
                .required("the ARN of a managed policy")?,
        },
        output: RoleOutput {
            id: role.arn().required("the ARN of a role")?.to_owned(),
            name: role.role_name().required("the name of a role")?.to_owned(),
        },
        phase: Phase::Ready,
        state: String::new(),
        foreign: foreign
            .into_iter()
            .chain(profiles.map(|it| format!("it is in instance profile {}", it.arn())))
            .collect(),
    })
}

/// What is made under this path is ours; tags say which it is.
fn path(scope: &Scope) -> String {
    format!("/deployer/{}/{}/", scope.stack, scope.environment)
}

fn tagged(cx: &Context<'_, Aws>) -> Vec<Tag> {
    let tags = ownership::tags(cx.identity, &Kept::new()).into_iter();
    tags.map(|(key, value)| {
        Tag::builder().key(key).value(value).build().expect("it has a key and a value")
    })
    .collect()
}

/// Makes of a role as it is the role it should be.
async fn change(
    cx: &Context<'_, Aws>,
    role: &RoleOutput,
    from: &RoleSpec,
    to: &RoleSpec,
) -> Result<()> {
    let (iam, name) = (&cx.cloud.iam, &role.name);
    if from.services != to.services {
        let request = iam
            .update_assume_role_policy()
            .role_name(name)
            .policy_document(policy::trust(&to.services));
        call("set the role's trust (iam:UpdateAssumeRolePolicy)", || request.clone().send())
            .await?;
    }
    for (policy, statements) in &to.inline {
        if from.inline.get(policy) != Some(statements) {
            let request = iam
                .put_role_policy()
                .role_name(name)
                .policy_name(policy)
                .policy_document(policy::document(statements));
            call("give the role a policy (iam:PutRolePolicy)", || request.clone().send()).await?;
        }
    }
    for policy in to.managed.difference(&from.managed) {
        let request = iam.attach_role_policy().role_name(name).policy_arn(policy);
        call("attach a policy (iam:AttachRolePolicy)", || request.clone().send())
            .await
            .map_err(|failure| missing_policy(failure, policy))?;
    }
    for policy in from.inline.keys().filter(|policy| !to.inline.contains_key(*policy)) {
        let request = iam.delete_role_policy().role_name(name).policy_name(policy);
        unless_gone(
            call("take a policy away (iam:DeleteRolePolicy)", || request.clone().send()).await,
        )?;
    }
    for policy in from.managed.difference(&to.managed) {
        let request = iam.detach_role_policy().role_name(name).policy_arn(policy);
        unless_gone(
            call("detach a policy (iam:DetachRolePolicy)", || request.clone().send()).await,
        )?;
    }
    Ok(())
}

/// NoSuchEntity is said of the policy as well as of the role.
fn missing_policy(failure: Failure, policy: &str) -> Failure {
    if failure.cause == Cause::Gone {
        failure.help(format!("check that the managed policy `{policy}` exists"))
    } else {
        failure
    }
}
