//! Names that are still taken by what is on its way out. What comes free within minutes, such as the
//! name of a queue or a state machine, the step waits for.

use deployer_core::{Action, Address, KindInfo, Stack, Step};
use deployer_engine::{Concern, Foreseen, Result};
use deployer_kinds::Secret;
use futures_util::future::try_join_all;

use crate::Aws;
use crate::ownership::named_owner;
use crate::secrets;
use crate::send::unless_gone;

/// Looks at the names of secrets that are to be made: one that is scheduled for deletion keeps its
/// name for a week to a month (`DeleteSecret` in the Secrets Manager API reference). One of this
/// environment is brought back by the create.
pub(super) async fn look(aws: &Aws, stack: &Stack, steps: &[&Step]) -> Result<Vec<Foreseen>> {
    let kind = KindInfo::of::<Secret>();
    let made = steps.iter().filter(|step| step.action == Action::Create);
    let made = made.filter(|step| step.address.kind == kind.name);
    let looks = made.map(async |step| {
        let name = kind.physical_name(&stack.scope, &step.address, step.generation);
        secret(aws, stack, &step.address, &name).await
    });
    Ok(try_join_all(looks).await?.into_iter().flatten().collect())
}

async fn secret(
    aws: &Aws,
    stack: &Stack,
    address: &Address,
    name: &str,
) -> Result<Option<Foreseen>> {
    let request = aws.secrets.describe_secret().secret_id(name);
    let purpose = "look at the name of the secret";
    let answer = aws.send(&secrets::DESCRIBE_SECRET, purpose, || request.clone().send()).await;
    let Some(secret) = unless_gone(answer)?.filter(|it| it.deleted_date().is_some()) else {
        return Ok(None);
    };
    if named_owner(&secrets::tags(secret.tags())) == Some(stack.scope.to_string()) {
        return Ok(None);
    }
    let title = format!(
        "the name `{name}` is taken until a secret is deleted that was not made by this stack"
    );
    let help = format!(
        "wait until it is gone, or bring it back with `aws secretsmanager restore-secret \
         --secret-id {name}` and take it over with `deployer adopt {address} {name}`"
    );
    Ok(Some((Some(address.clone()), Concern::sure("", title, help))))
}
