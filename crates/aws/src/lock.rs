//! Who is writing, as parameters of Systems Manager: PutParameter, GetParametersByPath,
//! DeleteParameter.
//!
//! One parameter is one claim, `/deployer/STACK/ENVIRONMENT/lock/EPOCH`. PutParameter without
//! `Overwrite` fails with `ParameterAlreadyExists` for all but the first (Systems Manager API
//! reference), which is what makes it a lock. Standard parameters cost nothing.

use std::time::Duration;

use aws_sdk_ssm::types::{Parameter, ParameterType};
use aws_smithy_types::DateTime;
use deployer_core::Scope;
use deployer_engine::{Claim, Claims, Holder, Lease, Result};

use crate::Aws;
use crate::missing::Required;
use crate::send::{unless_gone, unless_taken};
use crate::ssm;

impl Claims for Aws {
    async fn claims(&self, scope: &Scope) -> Result<Vec<Claim>> {
        let request = self.lock.get_parameters_by_path().path(folder(scope));
        let pages = self
            .pages(
                &ssm::GET_PARAMETERS_BY_PATH,
                "look who holds the lock",
                |token| request.clone().set_next_token(token).send(),
                |page| page.next_token(),
            )
            .await?;
        let mut claims: Vec<Claim> =
            pages.iter().flat_map(|page| page.parameters()).filter_map(read).collect();
        claims.sort_by_key(|claim| claim.epoch);
        Ok(claims)
    }

    async fn claim(&self, scope: &Scope, epoch: u64, holder: &Holder) -> Result<bool> {
        let request = self
            .lock
            .put_parameter()
            .name(name(scope, epoch))
            .value(written(holder))
            .r#type(ParameterType::String);
        let result =
            self.send(&ssm::PUT_PARAMETER, "take the lock", || request.clone().send()).await;
        Ok(unless_taken(result)?.is_some())
    }

    async fn renew(&self, scope: &Scope, epoch: u64, holder: &Holder) -> Result<u64> {
        let request = self
            .lock
            .put_parameter()
            .name(name(scope, epoch))
            .value(written(holder))
            .r#type(ParameterType::String)
            .overwrite(true);
        let answer =
            self.send(&ssm::PUT_PARAMETER, "renew the lock", || request.clone().send()).await?;
        u64::try_from(answer.version).ok().required("the version of the lock")
    }

    async fn release(&self, scope: &Scope, epoch: u64) -> Result<()> {
        let request = self.lock.delete_parameter().name(name(scope, epoch));
        let result = self
            .send(&ssm::DELETE_PARAMETER, "give the lock back", || request.clone().send())
            .await;
        unless_gone(result).map(drop)
    }

    fn fence(&self, lease: Lease) {
        self.fence.close_with(lease);
    }
}

fn folder(scope: &Scope) -> String {
    format!("/deployer/{}/{}/lock", scope.stack, scope.environment)
}

fn name(scope: &Scope, epoch: u64) -> String {
    format!("{}/{epoch}", folder(scope))
}

/// A claim that cannot be read is somebody's all the same; a parameter whose name is no number is
/// no claim.
fn read(parameter: &Parameter) -> Option<Claim> {
    let (_, epoch) = parameter.name()?.rsplit_once('/')?;
    Some(Claim {
        epoch: epoch.parse().ok()?,
        version: u64::try_from(parameter.version()).unwrap_or_default(),
        holder: serde_json::from_str(parameter.value().unwrap_or_default()).unwrap_or_default(),
        age: parameter.last_modified_date().and_then(age),
    })
}

fn written(holder: &Holder) -> String {
    serde_json::to_string(holder).expect("a holder is plain text")
}

/// How long ago AWS's clock showed this time, by the clock of this machine.
#[expect(clippy::disallowed_methods, reason = "the claim's time is AWS's; there is no other now")]
fn age(time: &DateTime) -> Option<Duration> {
    let time = Duration::try_from_secs_f64(time.as_secs_f64()).ok()?;
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH + time).ok()
}
