//! What the account keeps of an environment, as parameters of Systems Manager: PutParameter,
//! GetParametersByPath, GetParameter, DeleteParameter, AddTagsToResource, RemoveTagsFromResource.
//!
//! They are called `/deployer/STACK/ENVIRONMENT/…`. PutParameter without `Overwrite` fails with
//! `ParameterAlreadyExists` for all but the first (Systems Manager API reference), which is what
//! makes a lock of it. Standard parameters cost nothing. That GetParametersByPath shows what was
//! written before it is an assumption; nothing is known to the contrary.

use std::collections::BTreeSet;

use aws_sdk_ssm::types::{Parameter as Described, ParameterType, Tag};
use deployer_core::{Arn, Scope};
use deployer_engine::{Lease, Parameter, Parameters, Result, Secrecy};

use crate::Aws;
use crate::missing::Required;
use crate::moment::since;
use crate::send::{unless_gone, unless_taken};
use crate::ssm::{self, PAGE, PARAMETER, tag};

impl Parameters for Aws {
    async fn parameters(&self, scope: &Scope) -> Result<Vec<Parameter>> {
        let folder = folder(scope);
        let described = beneath(self, &folder, "read what the account keeps of it").await?;
        Ok(described.iter().filter_map(|described| found(&folder, described)).collect())
    }

    async fn environments(&self, stack: &str) -> Result<BTreeSet<String>> {
        let folder = format!("/deployer/{stack}/");
        let described = beneath(self, &folder, "look for other environments of it").await?;
        let names =
            described.iter().filter_map(|described| described.name()?.strip_prefix(&folder));
        Ok(names.filter_map(|name| Some(name.split_once('/')?.0.to_owned())).collect())
    }

    async fn reveal(&self, scope: &Scope, name: &str) -> Result<Option<String>> {
        let request = self.parameters.get_parameter().name(path(scope, name)).with_decryption(true);
        let answer =
            self.send(&ssm::GET_PARAMETER, "read the private key", || request.clone().send());
        Ok(unless_gone(answer.await)?.and_then(|answer| answer.parameter?.value))
    }

    async fn make(&self, scope: &Scope, name: &str, value: &str, secrecy: Secrecy) -> Result<bool> {
        let kind = match secrecy {
            Secrecy::Open => ParameterType::String,
            Secrecy::Secret => ParameterType::SecureString,
        };
        let request = self.parameters.put_parameter().name(path(scope, name)).value(value);
        let tags = scope.tags.iter().map(|(key, value)| tag(key, value)).collect();
        let request = request.r#type(kind).set_tags(Some(tags));
        let purpose = format!("make the parameter {name}");
        let result = self.send(&ssm::PUT_PARAMETER, &purpose, || request.clone().send()).await;
        Ok(unless_taken(result)?.is_some())
    }

    async fn write(&self, scope: &Scope, name: &str, value: &str) -> Result<u64> {
        let request = self.parameters.put_parameter().name(path(scope, name)).value(value);
        let request = request.r#type(ParameterType::String).overwrite(true);
        let purpose = format!("write the parameter {name}");
        let answer = self.send(&ssm::PUT_PARAMETER, &purpose, || request.clone().send()).await?;
        u64::try_from(answer.version).ok().required("the version of a parameter")
    }

    async fn retag(&self, scope: &Scope, name: &str, dropped: &BTreeSet<String>) -> Result<()> {
        let tags: Vec<Tag> = scope.tags.iter().map(|(key, value)| tag(key, value)).collect();
        let purpose = format!("tag the parameter {name}");
        if !tags.is_empty() {
            let request = self.parameters.add_tags_to_resource().set_tags(Some(tags));
            let request = request.resource_type(PARAMETER).resource_id(path(scope, name));
            let result =
                self.send(&ssm::ADD_TAGS_TO_RESOURCE, &purpose, || request.clone().send()).await;
            unless_gone(result)?;
        }
        if !dropped.is_empty() {
            let dropped = dropped.iter().cloned().collect();
            let request = self.parameters.remove_tags_from_resource().set_tag_keys(Some(dropped));
            let request = request.resource_type(PARAMETER).resource_id(path(scope, name));
            let result = self
                .send(&ssm::REMOVE_TAGS_FROM_RESOURCE, &purpose, || request.clone().send())
                .await;
            unless_gone(result)?;
        }
        Ok(())
    }

    async fn remove(&self, scope: &Scope, name: &str) -> Result<()> {
        let request = self.parameters.delete_parameter().name(path(scope, name));
        let purpose = format!("delete the parameter {name}");
        let result = self.send(&ssm::DELETE_PARAMETER, &purpose, || request.clone().send()).await;
        unless_gone(result).map(drop)
    }

    fn fence(&self, lease: Lease) {
        self.fence.close_with(lease);
    }
}

async fn beneath(aws: &Aws, folder: &str, purpose: &str) -> Result<Vec<Described>> {
    let request = aws.parameters.get_parameters_by_path().path(folder);
    let request = request.recursive(true).max_results(PAGE);
    let pages = aws
        .pages(
            &ssm::GET_PARAMETERS_BY_PATH,
            purpose,
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    let all: Vec<Described> =
        pages.into_iter().flat_map(|page| page.parameters.unwrap_or_default()).collect();
    // By a path only parameters of one's own account are read.
    let arn = all.iter().find_map(|described| Arn::read(described.arn()?));
    if let Some(arn) = arn {
        aws.whose.get_or_init(|| arn.account.to_owned());
    }
    Ok(all)
}

fn folder(scope: &Scope) -> String {
    format!("/deployer/{}/{}/", scope.stack, scope.environment)
}

fn path(scope: &Scope, name: &str) -> String {
    folder(scope) + name
}

fn found(folder: &str, described: &Described) -> Option<Parameter> {
    let is_secret = described.r#type() == Some(&ParameterType::SecureString);
    Some(Parameter {
        name: described.name()?.strip_prefix(folder)?.to_owned(),
        // The text of a secret one is encrypted.
        value: described.value().filter(|_| !is_secret).unwrap_or_default().to_owned(),
        version: u64::try_from(described.version()).unwrap_or_default(),
        age: described.last_modified_date().and_then(since),
    })
}
