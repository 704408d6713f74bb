//! Service-linked roles: the roles that AWS's own services take in an account.
//!
//! A service makes its role at its first use, and that first use may fail because the role is not
//! visible yet (as the ECS containers roadmap reports). So the role is made beforehand. It belongs
//! to the account, carries no tags, and is never deleted here.

use deployer_core::Cause;
use deployer_engine::Result;

use crate::Aws;
use crate::iam;

/// Makes the service-linked role of a service, such as `ecs.amazonaws.com`, unless it is there.
///
/// Credentials that may not make it are no failure: the role is there in every account that has
/// used the service before, and where it is not, the service's own call says so.
pub(crate) async fn ensure(aws: &Aws, service: &str) -> Result<()> {
    let request = aws.iam.create_service_linked_role().aws_service_name(service);
    match aws
        .send(&iam::CREATE_SERVICE_LINKED_ROLE, "make the service-linked role", || {
            request.clone().send()
        })
        .await
    {
        Ok(_) => Ok(()),
        Err(failure) if matches!(failure.cause, Cause::Denied | Cause::Taken) => {
            tracing::debug!(%failure, "takes the service-linked role to be there");
            Ok(())
        }
        Err(failure) => Err(failure),
    }
}
