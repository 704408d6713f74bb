//! Roles of IAM: `CreateRole`, `UpdateAssumeRolePolicy`, `PutRolePolicy`, `DeleteRolePolicy`,
//! `AttachRolePolicy`, `DetachRolePolicy`, `PutRolePermissionsBoundary`,
//! `GetAccountAuthorizationDetails`, `DeleteRole`.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput;
use aws_sdk_iam::types::{EntityType, RoleDetail};
use deployer_core::{Arn, Cause, Failure, Partition, Phase, Scope};
use deployer_engine::{Context, Found, Resource, Result, Survey};
use deployer_kinds::{Role, RoleOutput, RoleSpec};

use crate::Aws;
use crate::iam::policy::Trust;
use crate::iam::{self, policy};
use crate::missing::Required;
use crate::ownership::{Owned, readable};
use crate::send::unless_gone;

impl Resource<Aws> for Role {
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let own = path(survey.scope);
        let has_all =
            |arns: &BTreeSet<String>| survey.are_all::<Self>(arns.iter().map(String::as_str));
        let roles = details(survey.cloud, has_all).await?;
        roles
            .iter()
            .filter(|role| role.path().is_some_and(|path| path.ends_with(&own)))
            .filter_map(|role| {
                let tags = iam::tags(role.tags());
                let owned = Owned::named::<Self>(survey.scope, role.role_name(), &tags)?;
                readable(survey, &owned, role.arn(), found(&owned, role))
            })
            .collect()
    }

    fn misnamed(scope: &Scope, output: &RoleOutput) -> Option<String> {
        let path = path(scope);
        let is_there = output.id.ends_with(&format!("{path}{}", output.name));
        (!is_there).then(|| format!("role{path}"))
    }

    /// From the same list: by its name it takes a call for each thing that the list has at once.
    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let is_it = |arn: &str| arn == id || arn.rsplit('/').next() == Some(id);
        let roles = details(survey.cloud, |arns| arns.iter().any(|arn| is_it(arn))).await?;
        let read = |role: &RoleDetail| {
            let tags = iam::tags(role.tags());
            found(&Owned::read::<Self>(survey.scope, role.role_name(), &tags), role)
        };
        roles.iter().find(|role| role.arn().is_some_and(is_it)).map(read).transpose()
    }

    async fn create(cx: &Context<'_, Aws>, spec: &RoleSpec) -> Result<RoleOutput> {
        let name = &cx.identity.name;
        let account = &cx.cloud.account().await?;
        let partition = Partition::of(&cx.cloud.region).name();
        let request = cx
            .cloud
            .iam
            .create_role()
            .path(format!("{}{}", spec.path.trim_end_matches('/'), path(&cx.identity.scope)))
            .role_name(name)
            .set_permissions_boundary(spec.boundary.clone())
            .assume_role_policy_document(trust(spec).document(partition, account))
            .set_tags(Some(iam::tagged(cx.identity)));
        let made =
            cx.cloud.send(&iam::CREATE_ROLE, "create the role", || request.clone().send()).await?;
        let output = RoleOutput { id: made.role.required("the role")?.arn, name: name.clone() };
        let none = RoleSpec { inline: BTreeMap::new(), managed: [].into(), ..spec.clone() };
        change(cx, &output, &none, spec).await?;
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
        iam::remember(cx, &output.name).await
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let name = &live.output.name;
        let none = RoleSpec { inline: BTreeMap::new(), managed: [].into(), ..live.spec.clone() };
        change(cx, &live.output, &live.spec, &none).await?;
        let request = cx.cloud.iam.delete_role().role_name(name);
        cx.cloud.send(&iam::DELETE_ROLE, "delete the role", || request.clone().send()).await?;
        Ok(Vec::new())
    }
}

/// The roles of the account with their policies and tags, up to the page with which `has_all` is
/// content, which is handed the ARNs so far. The list leaves descriptions out, so a role of ours
/// has none.
///
/// IAM may put less than it was asked for on a page though there is more (API reference,
/// `MaxItems`). That its pages are full otherwise is an assumption, and costs calls where it fails.
pub(super) async fn details(
    aws: &Aws,
    has_all: impl Fn(&BTreeSet<String>) -> bool,
) -> Result<Vec<RoleDetail>> {
    let mut arns = BTreeSet::new();
    if has_all(&arns) {
        return Ok(Vec::new());
    }
    let request =
        aws.iam.get_account_authorization_details().filter(EntityType::Role).max_items(1000);
    let pages = aws
        .pages_until(
            &iam::GET_ACCOUNT_AUTHORIZATION_DETAILS,
            "find the roles",
            |token| request.clone().set_marker(token).send(),
            |page| page.marker(),
            |page: &GetAccountAuthorizationDetailsOutput| {
                arns.extend(page.role_detail_list().iter().filter_map(|role| role.arn.clone()));
                has_all(&arns)
            },
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.role_detail_list.unwrap_or_default()).collect())
}

fn found(owned: &Owned, role: &RoleDetail) -> Result<Found<Role>> {
    let id = role.arn().required("the ARN of a role")?;
    let arn = Arn::read(id).required("the account of a role")?;
    let trust = role.assume_role_policy_document().required("the trust policy of a role")?;
    let Trust { services, own_account_only, conditions } =
        Trust::read(&policy::decoded(trust), arn.partition, arn.account);
    let mut inline = BTreeMap::new();
    for own in role.role_policy_list() {
        let name = own.policy_name().required("the name of a policy")?;
        let document = own.policy_document().required("the text of a policy")?;
        inline.insert(name.to_owned(), policy::statements(&policy::decoded(document)));
    }
    let managed = role.attached_managed_policies().iter();
    let boundary = role.permissions_boundary().and_then(|it| it.permissions_boundary_arn());
    let profiles = role.instance_profile_list().iter();
    let before = before_ours(role.path().required("the path of a role")?);
    Ok(Found {
        badge: owned.badge(),
        spec: RoleSpec {
            services,
            own_account_only,
            conditions,
            inline,
            managed: managed
                .map(|policy| policy.policy_arn().map(ToOwned::to_owned))
                .collect::<Option<_>>()
                .required("the ARN of a managed policy")?,
            boundary: boundary.map(ToOwned::to_owned),
            path: before,
        },
        output: RoleOutput {
            id: id.to_owned(),
            name: role.role_name().required("the name of a role")?.to_owned(),
        },
        phase: Phase::Ready,
        state: String::new(),
        foreign: profiles.map(|it| format!("it is in instance profile {}", it.arn())).collect(),
    })
}

/// What is made under this path is ours; tags say which it is.
fn path(scope: &Scope) -> String {
    format!("/deployer/{}/{}/", scope.stack, scope.environment)
}

/// What comes before the part of a path by which a role is ours. One that is taken over may be
/// elsewhere.
fn before_ours(path: &str) -> String {
    let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
    let before = match words.as_slice() {
        [before @ .., "deployer", _, _] => before,
        all => all,
    };
    before.iter().fold("/".to_owned(), |path, word| format!("{path}{word}/"))
}

/// Who may take a role.
fn trust(spec: &RoleSpec) -> Trust {
    let RoleSpec { services, own_account_only, conditions, .. } = spec.clone();
    Trust { services, own_account_only, conditions }
}

/// Makes of a role as it is the role it should be.
async fn change(
    cx: &Context<'_, Aws>,
    role: &RoleOutput,
    from: &RoleSpec,
    to: &RoleSpec,
) -> Result<()> {
    let (client, name) = (&cx.cloud.iam, &role.name);
    if (&from.services, from.own_account_only) != (&to.services, to.own_account_only) {
        let arn = Arn::read(&role.id).required("the account of a role")?;
        // What others have added stays.
        let trust = Trust { conditions: from.conditions.clone(), ..trust(to) };
        let request = client
            .update_assume_role_policy()
            .role_name(name)
            .policy_document(trust.document(arn.partition, arn.account));
        cx.cloud
            .send(&iam::UPDATE_ASSUME_ROLE_POLICY, "set the role's trust", || {
                request.clone().send()
            })
            .await?;
    }
    if let Some(boundary) = to.boundary.as_ref().filter(|it| Some(*it) != from.boundary.as_ref()) {
        let request =
            client.put_role_permissions_boundary().role_name(name).permissions_boundary(boundary);
        cx.cloud
            .send(&iam::PUT_ROLE_PERMISSIONS_BOUNDARY, "limit the role", || request.clone().send())
            .await
            .map_err(|failure| missing_policy(failure, boundary))?;
    }
    for (policy, statements) in &to.inline {
        if from.inline.get(policy) != Some(statements) {
            let request = client
                .put_role_policy()
                .role_name(name)
                .policy_name(policy)
                .policy_document(policy::document(statements));
            cx.cloud
                .send(&iam::PUT_ROLE_POLICY, "give the role a policy", || request.clone().send())
                .await?;
        }
    }
    for policy in to.managed.difference(&from.managed) {
        let request = client.attach_role_policy().role_name(name).policy_arn(policy);
        cx.cloud
            .send(&iam::ATTACH_ROLE_POLICY, "attach a policy", || request.clone().send())
            .await
            .map_err(|failure| missing_policy(failure, policy))?;
    }
    for policy in from.inline.keys().filter(|policy| !to.inline.contains_key(*policy)) {
        let request = client.delete_role_policy().role_name(name).policy_name(policy);
        unless_gone(
            cx.cloud
                .send(&iam::DELETE_ROLE_POLICY, "take a policy away", || request.clone().send())
                .await,
        )?;
    }
    for policy in from.managed.difference(&to.managed) {
        let request = client.detach_role_policy().role_name(name).policy_arn(policy);
        unless_gone(
            cx.cloud
                .send(&iam::DETACH_ROLE_POLICY, "detach a policy", || request.clone().send())
                .await,
        )?;
    }
    Ok(())
}

fn missing_policy(failure: Failure, policy: &str) -> Failure {
    if failure.cause == Cause::Missing {
        failure.help(format!("check that the managed policy `{policy}` exists"))
    } else {
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::before_ours;

    #[test]
    fn what_comes_before_our_part_of_a_path_is_the_stacks() {
        for (path, before) in [
            ("/deployer/notes/dev/", "/"),
            ("/apps/deployer/notes/dev/", "/apps/"),
            ("/a/deployer/b/deployer/deployer/dev/", "/a/deployer/b/"),
            ("/", "/"),
            ("/theirs/", "/theirs/"),
        ] {
            assert_eq!(before_ours(path), before, "{path}");
        }
    }
}
