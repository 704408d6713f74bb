//! Turns the SDK's errors into failures the engine can decide on: by what a code means for the very
//! call, for its service, and anywhere; and by what the connection did.

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use deployer_core::{Cause, Failure, one_line};
use deployer_engine::Operation;

use crate::advice::advice;
use crate::credentials;
use crate::fence::Fenced;
use crate::said::{
    AMBIGUOUS, DENIED, THROTTLED, chain, innermost, is_mistrust, is_refused_by_a_proxy,
    is_unresolved,
};

/// Codes of credentials that are expired, unknown or wrong.
const CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Codes of things that are held by another or in a state that ends by itself.
const BUSY: &[&str] =
    &["ConcurrentModificationException", "OperationAborted", "ResourceInUseException"];

/// What services say of a role that IAM has just made and that they do not see yet, each with a
/// code of its own: ECS of a task's role (terraform-ecs-fargate#8), of a service's (Terraform's AWS
/// provider, `internal/service/ecs/service.go`) and of its linked one (containers-roadmap#2614),
/// RDS of its linked one (eks-workshop-v2#1609, terraform-aws-rds#364) and of the one that its
/// monitoring takes (the same provider, `internal/service/rds/instance.go`), IAM itself of a role
/// in a policy. The others are the words of services that no kind of ours hands a role to yet.
const YOUNG_ROLES: &[&str] = &[
    "Role is not valid",
    "Unable to assume the service linked role",
    "Unable to assume role",
    "verify that the ECS service role being passed has the proper permissions",
    "Verify that you have permission to create service linked role. Otherwise wait",
    "Missing necessary credentials",
    "Invalid principal in policy",
    "IAM role ARN value is invalid or does not include the required permissions for: \
     ENHANCED_MONITORING",
    "is unable to assume",
    // RunTask, which refuses where a service would ask again (terraform-provider-aws#20341).
    "was unable to assume the role",
    "cannot be assumed",
    "Role validation failed",
];

/// Says what an error of the SDK means. `purpose` reads after "could not ".
pub(crate) fn failure<E>(
    operation: &Operation,
    purpose: &str,
    error: &SdkError<E, HttpResponse>,
) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let unavailable = chain(error).find_map(|source| source.downcast_ref::<CredentialsError>());
    if let (Some(error), None) = (unavailable, error.as_service_error()) {
        return credentials::failure(operation.attempted(purpose), error);
    }
    let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
    let code = meta.and_then(|meta| meta.code()).map(ToOwned::to_owned);
    let message = meta
        .and_then(|meta| meta.message())
        .map_or_else(|| innermost(error), |message| message.trim_end_matches('.').to_owned());
    let message = one_line(&message);
    let cause = match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            by_code(operation, code.as_deref().unwrap_or_default(), &message, status)
        }
        _ if chain(error).any(|source| source.is::<Fenced>()) => Cause::Busy,
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => by_source(error),
        _ => Cause::Ambiguous,
    };
    Failure {
        cause,
        attempted: operation.attempted(purpose),
        help: advice(operation, cause, code.as_deref(), &message),
        message,
        code,
        request: meta.and_then(|meta| meta.extra("aws_request_id")).map(ToOwned::to_owned),
        exhausted: false,
    }
}

fn by_code(operation: &Operation, code: &str, message: &str, status: u16) -> Cause {
    let is_one_of = |codes: &[&str]| codes.contains(&code);
    if YOUNG_ROLES.iter().any(|words| message.contains(words)) {
        return Cause::NotYet;
    }
    if let Some(cause) = operation.meaning(code, message) {
        return cause;
    }
    match () {
        () if is_one_of(THROTTLED) => Cause::Throttled,
        () if is_one_of(DENIED) => Cause::Denied,
        () if is_one_of(CREDENTIALS) => Cause::Credentials,
        () if is_one_of(BUSY) => Cause::Busy,
        // The operation would have said so if it were the very thing that it is about.
        () if is_not_found(code) => Cause::Missing,
        () if is_taken(code) => Cause::Taken,
        () if is_one_of(AMBIGUOUS) || status >= 500 => Cause::Ambiguous,
        () => Cause::Refused,
    }
}

/// `InvalidVpcID.NotFound`, `LoadBalancerNotFound`, `DBInstanceNotFoundFault`,
/// `ClusterNotFoundException`, `NoSuchEntity`.
fn is_not_found(code: &str) -> bool {
    let stem = code.trim_end_matches("Exception").trim_end_matches("Fault");
    stem.ends_with("NotFound") || stem.starts_with("NoSuch")
}

/// `EntityAlreadyExists`, `DBInstanceAlreadyExists`, `Resource.AlreadyAssociated`,
/// `InvalidGroup.Duplicate`, `DuplicateListener`.
fn is_taken(code: &str) -> bool {
    ["AlreadyExists", "AlreadyAssociated", "Duplicate"].iter().any(|word| code.contains(word))
}

/// A call that never left, or whose reply never came.
fn by_source(error: &(dyn Error + 'static)) -> Cause {
    for source in chain(error) {
        if is_unresolved(&source.to_string()) {
            return Cause::Unreachable;
        }
        if is_mistrust(&source.to_string()) || is_refused_by_a_proxy(&source.to_string()) {
            return Cause::Refused;
        }
        // Nobody was there: the call cannot have had an effect.
        if let Some(kind) = source.downcast_ref::<io::Error>().map(io::Error::kind) {
            return match kind {
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::AddrNotAvailable
                | io::ErrorKind::NotFound => Cause::Unreachable,
                _ => Cause::Ambiguous,
            };
        }
    }
    Cause::Ambiguous
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ec2, ecs, elb, iam, logs, rds, scheduler, sqs, step_functions};

    #[track_caller]
    fn means(operation: &Operation, code: &str, message: &str, cause: Cause) {
        assert_eq!(by_code(operation, code, message, 400), cause, "{operation}: {code}");
    }

    #[test]
    fn a_code_decides_whatever_its_status_is() {
        let by_code = |code, status| by_code(&ec2::CREATE_VPC, code, "", status);
        assert_eq!(by_code("RequestLimitExceeded", 503), Cause::Throttled);
        assert_eq!(by_code("ThrottlingException", 400), Cause::Throttled);
        assert_eq!(by_code("DependencyViolation", 400), Cause::Busy);
        assert_eq!(by_code("InternalError", 500), Cause::Ambiguous);
        assert_eq!(by_code("Mystery", 502), Cause::Ambiguous);
        assert_eq!(by_code("ValidationError", 400), Cause::Refused);
    }

    #[test]
    fn every_service_spells_not_found_in_its_own_way() {
        for (operation, code) in [
            (&ec2::DELETE_VPC, "InvalidVpcID.NotFound"),
            (&elb::DELETE_LOAD_BALANCER, "LoadBalancerNotFound"),
            (&rds::DELETE_DB_SUBNET_GROUP, "DBSubnetGroupNotFoundFault"),
            (&ecs::DELETE_CLUSTER, "ClusterNotFoundException"),
            (&iam::DELETE_ROLE, "NoSuchEntity"),
            (&logs::DELETE_LOG_GROUP, "ResourceNotFoundException"),
        ] {
            means(operation, code, "", Cause::Gone);
        }
    }

    #[test]
    fn what_is_not_there_is_gone_only_where_the_call_is_about_it() {
        for (operation, code) in [
            (&ec2::CREATE_SUBNET, "InvalidVpcID.NotFound"),
            (&ec2::CREATE_NAT_GATEWAY, "InvalidAllocationID.NotFound"),
            (&ec2::CREATE_ROUTE, "InvalidNatGatewayID.NotFound"),
            (&elb::CREATE_LISTENER, "LoadBalancerNotFound"),
            (&elb::MODIFY_LISTENER, "TargetGroupNotFound"),
            (&ecs::CREATE_SERVICE, "ClusterNotFoundException"),
            (&rds::CREATE_DB_INSTANCE, "DBSubnetGroupNotFoundFault"),
            (&rds::CREATE_DB_INSTANCE_READ_REPLICA, "DBInstanceNotFound"),
        ] {
            means(operation, code, "", Cause::Missing);
        }
        let policy = "Policy arn:aws:iam::aws:policy/Nope does not exist or is not attachable";
        means(&iam::ATTACH_ROLE_POLICY, "NoSuchEntity", policy, Cause::Missing);
        let role = "The role with name web cannot be found";
        means(&iam::ATTACH_ROLE_POLICY, "NoSuchEntity", role, Cause::Gone);
    }

    #[test]
    fn an_address_that_its_gateway_still_holds_is_neither_gone_nor_forbidden() {
        let held = "You do not have permission to access the specified resource";
        means(&ec2::RELEASE_ADDRESS, "AuthFailure", held, Cause::Busy);
        means(&ec2::RELEASE_ADDRESS, "InvalidNetworkInterfaceID.NotFound", "", Cause::Busy);
        means(&ec2::RELEASE_ADDRESS, "InvalidAllocationID.NotFound", "", Cause::Gone);
        let wrong = "AWS was not able to validate the provided access credentials";
        means(&ec2::RELEASE_ADDRESS, "AuthFailure", wrong, Cause::Credentials);
        means(&ec2::CREATE_VPC, "AuthFailure", held, Cause::Credentials);
    }

    #[test]
    fn what_one_service_does_not_see_yet_of_another_is_missing_and_not_refused() {
        means(&elb::CREATE_LOAD_BALANCER, "InvalidSecurityGroup", "", Cause::Missing);
        let gateway = "VPC vpc-1 has no internet gateway";
        means(&elb::CREATE_LOAD_BALANCER, "InvalidSubnet", gateway, Cause::Missing);
        let vpc = "The VPC ID 'vpc-1' is not found";
        means(&elb::CREATE_TARGET_GROUP, "ValidationError", vpc, Cause::Missing);
        let port = "Port must be between 1 and 65535";
        means(&elb::CREATE_TARGET_GROUP, "ValidationError", port, Cause::Refused);
        means(&ec2::CREATE_NAT_GATEWAY, "Resource.AlreadyAssociated", "", Cause::Busy);
        for operation in [&rds::CREATE_DB_SUBNET_GROUP, &rds::MODIFY_DB_SUBNET_GROUP] {
            means(operation, "InvalidSubnet", "", Cause::Missing);
        }
        means(&elb::SET_SUBNETS, "InvalidSubnet", gateway, Cause::Missing);
        means(&elb::SET_SECURITY_GROUPS, "InvalidSecurityGroup", "", Cause::Missing);
        let apart = "route table rtb-1 and network gateway igw-1 belong to different networks";
        for operation in [&ec2::CREATE_ROUTE, &ec2::REPLACE_ROUTE] {
            means(operation, "InvalidParameterValue", apart, Cause::Missing);
            means(operation, "InvalidParameterValue", "no such range", Cause::Refused);
        }
        for operation in [&ecs::CREATE_SERVICE, &ecs::UPDATE_SERVICE] {
            means(operation, "ClientException", "TaskDefinition not found.", Cause::Missing);
            means(operation, "ClientException", "no such network", Cause::Refused);
        }
        let group = "Invalid security group , groupId= sg-1, groupName=.";
        for operation in [&rds::CREATE_DB_INSTANCE, &rds::MODIFY_DB_INSTANCE] {
            means(operation, "InvalidParameterValue", group, Cause::Missing);
            means(operation, "InvalidParameterValue", "Invalid storage size", Cause::Refused);
        }
        means(&ec2::DELETE_SECURITY_GROUP, "InvalidGroup.InUse", "", Cause::Busy);
        means(&rds::DELETE_DB_PARAMETER_GROUP, "InvalidDBParameterGroupState", "", Cause::Busy);
    }

    #[test]
    fn a_role_that_was_just_made_is_not_yet_there_whoever_says_so() {
        for (operation, code, message) in [
            (&ecs::REGISTER_TASK_DEFINITION, "ClientException", "Role is not valid"),
            (
                &rds::CREATE_DB_INSTANCE,
                "InvalidParameterValue",
                "Unable to create the resource. Verify that you have permission to create service \
                 linked role. Otherwise wait and try again later",
            ),
            (
                &rds::CREATE_DB_SUBNET_GROUP,
                "InvalidParameterValue",
                "Missing necessary credentials. Please check http://docs.aws.amazon.com/",
            ),
            (
                &ecs::CREATE_SERVICE,
                "InvalidParameterException",
                "Unable to assume the service linked role. Please verify that it exists",
            ),
            (
                &ecs::UPDATE_SERVICE,
                "InvalidParameterException",
                "Unable to assume role and validate the listeners configured on your load \
                 balancer. Please verify that the ECS service role being passed has the proper \
                 permissions",
            ),
            (
                &rds::MODIFY_DB_INSTANCE,
                "InvalidParameterValue",
                "IAM role ARN value is invalid or does not include the required permissions for: \
                 ENHANCED_MONITORING",
            ),
        ] {
            means(operation, code, message, Cause::NotYet);
        }
        means(&ecs::REGISTER_TASK_DEFINITION, "ClientException", "No such cpu", Cause::Refused);
    }

    #[test]
    fn what_a_job_needs_and_is_young_or_on_its_way_out_is_waited_for() {
        let untrusted = "Neither the global service principal states.amazonaws.com, nor the \
                         regional one is authorized to assume the provided role";
        let unruled = "'arn:aws:iam::1:role/job' is not authorized to create managed-rule";
        for operation in
            [&step_functions::CREATE_STATE_MACHINE, &step_functions::UPDATE_STATE_MACHINE]
        {
            means(operation, "AccessDeniedException", untrusted, Cause::NotYet);
            means(operation, "AccessDeniedException", unruled, Cause::NotYet);
            means(operation, "AccessDeniedException", "User: ci is not", Cause::Denied);
            means(operation, "StateMachineDeleting", "", Cause::Busy);
        }
        let unassumed = "The execution role you provide must allow AWS EventBridge Scheduler to \
                         assume the role";
        for operation in [&scheduler::CREATE_SCHEDULE, &scheduler::UPDATE_SCHEDULE] {
            means(operation, "ValidationException", unassumed, Cause::NotYet);
            means(operation, "ValidationException", "Invalid Schedule Expression", Cause::Refused);
        }
        means(&scheduler::CREATE_SCHEDULE_GROUP, "ConflictException", "", Cause::Taken);
        let recent = "AWS.SimpleQueueService.QueueDeletedRecently";
        means(&sqs::CREATE_QUEUE, recent, "", Cause::Busy);
        let missing = "AWS.SimpleQueueService.NonExistentQueue";
        means(&sqs::CREATE_QUEUE, missing, "", Cause::Missing);
        means(&sqs::DELETE_QUEUE, missing, "", Cause::Gone);
    }

    #[test]
    fn what_is_there_already_is_told_apart_from_what_is_refused() {
        means(&ec2::CREATE_ROUTE, "RouteAlreadyExists", "", Cause::Taken);
        means(&ec2::CREATE_SECURITY_GROUP, "InvalidGroup.Duplicate", "", Cause::Taken);
        means(&elb::SET_RULE_PRIORITIES, "PriorityInUse", "", Cause::Taken);
        means(&iam::CREATE_SERVICE_LINKED_ROLE, "InvalidInput", "has been taken", Cause::Taken);
        means(&iam::CREATE_ROLE, "InvalidInput", "", Cause::Refused);
    }

    #[test]
    fn a_name_that_does_not_resolve_is_an_endpoint_that_cannot_be_reached() {
        #[derive(Debug, thiserror::Error)]
        #[error("dns error")]
        struct Unresolved(#[source] io::Error);
        let error = io::Error::other("failed to lookup address information");
        assert_eq!(by_source(&Unresolved(error)), Cause::Unreachable);
        assert_eq!(by_source(&io::Error::other("connection reset")), Cause::Ambiguous);
    }
}
