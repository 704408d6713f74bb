//! Turns the SDK's errors into failures the engine can decide on: by error code and by what the
//! connection did. Where a service has one code for everything, the call that knows its words
//! looks at those (`task_definition`).

use std::error::Error;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use deployer_core::{Cause, Failure};

use crate::fence::Fenced;

/// Codes of calls that came too fast. Most arrive with HTTP status 400, so only the code tells.
const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TooManyUpdates",
];

/// Codes of calls that the credentials do not permit.
const DENIED: &[&str] =
    &["AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"];

/// Codes of credentials that are expired, unknown or wrong.
const CREDENTIALS: &[&str] = &[
    "AuthFailure",
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
const BUSY: &[&str] = &[
    "ClusterContainsServicesException",
    "ClusterContainsTasksException",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "DeleteConflict",
    "DependencyViolation",
    "IncorrectState",
    "InvalidDBInstanceState",
    "InvalidDBSubnetGroupStateFault",
    "InvalidIPAddress.InUse",
    "OperationAborted",
    "OperationAbortedException",
    "ResourceInUse",
    "ResourceInUseException",
    "ServiceNotActiveException",
    "UpdateInProgressException",
];

/// Codes of things that are not there, beside all that end in `NotFound` and the like.
const GONE: &[&str] = &["NoSuchEntity", "InvalidAllocationID.NotFound", "NatGatewayNotFound"];

/// Codes that leave open whether the call took effect.
const AMBIGUOUS: &[&str] = &[
    "InternalError",
    "InternalFailure",
    "InternalServerError",
    "RequestTimeout",
    "ServerException",
    "ServiceFailure",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "Unavailable",
];

/// Says what an error of the SDK means. `attempted` reads after "could not ".
pub(crate) fn failure<E>(attempted: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
    let code = meta.and_then(|meta| meta.code()).map(ToOwned::to_owned);
    let cause = match error {
        SdkError::ServiceError(context) => {
            by_code(code.as_deref().unwrap_or_default(), context.raw().status().as_u16())
        }
        _ if chain(error).any(|source| source.is::<Fenced>()) => Cause::Busy,
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => by_source(error),
        _ => Cause::Ambiguous,
    };
    let message = meta
        .and_then(|meta| meta.message())
        .map_or_else(|| innermost(error), |message| message.trim_end_matches('.').to_owned());
    Failure {
        cause,
        attempted: attempted.to_owned(),
        help: advice(cause, code.as_deref(), &message, attempted),
        message,
        code,
        request: meta.and_then(|meta| meta.extra("aws_request_id")).map(ToOwned::to_owned),
    }
}

fn by_code(code: &str, status: u16) -> Cause {
    let is_one_of = |codes: &[&str]| codes.contains(&code);
    match () {
        () if is_one_of(THROTTLED) => Cause::Throttled,
        () if is_one_of(DENIED) => Cause::Denied,
        () if is_one_of(CREDENTIALS) => Cause::Credentials,
        () if is_one_of(BUSY) => Cause::Busy,
        () if is_one_of(GONE) || is_not_found(code) => Cause::Gone,
        () if is_one_of(AMBIGUOUS) || status >= 500 => Cause::Ambiguous,
        () => Cause::Refused,
    }
}

/// `InvalidVpcID.NotFound`, `LoadBalancerNotFound`, `DBInstanceNotFoundFault`,
/// `ClusterNotFoundException`.
fn is_not_found(code: &str) -> bool {
    let stem = code.trim_end_matches("Exception").trim_end_matches("Fault");
    stem.ends_with("NotFound")
}

/// `EntityAlreadyExists`, `RepositoryAlreadyExistsException`, `DBInstanceAlreadyExists`,
/// `InvalidGroup.Duplicate`, `ResourceExistsException`.
fn is_taken(code: &str) -> bool {
    code.contains("AlreadyExists")
        || ["InvalidGroup.Duplicate", "ResourceExistsException"].contains(&code)
}

/// A call that never left, or whose reply never came.
fn by_source(error: &(dyn Error + 'static)) -> Cause {
    for source in chain(error) {
        if source.is::<CredentialsError>() {
            return Cause::Credentials;
        }
        // Refused, or no such host: the call cannot have had an effect.
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
    // The resolver's own error reads "failed to lookup address information" and is no io::Error
    // of a kind that tells; nothing was sent in that case either, but a timeout looks the same.
    Cause::Ambiguous
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn advice(cause: Cause, code: Option<&str>, message: &str, attempted: &str) -> Option<String> {
    match cause {
        Cause::Credentials if is_of_the_clock(code, message) => Some(
            "set this machine's clock: AWS takes what was signed within five minutes of its own \
             time"
                .to_owned(),
        ),
        // EC2 says so of temporary credentials that have run out as well.
        Cause::Credentials if code == Some("RequestExpired") => Some(
            "log in again, such as with `aws sso login`, and check this machine's clock".to_owned(),
        ),
        Cause::Credentials => {
            Some("log in again, such as with `aws sso login`, and check AWS_PROFILE".to_owned())
        }
        Cause::Denied => {
            let action = attempted.rsplit_once('(').map(|(_, action)| action.trim_end_matches(')'));
            action.map(|action| format!("allow `{action}` to these credentials"))
        }
        Cause::Refused if code.is_some_and(is_taken) => Some(
            "the account has one of that name which does not carry this stack's tags: delete that \
             one, or name the stack, the environment or the resource differently"
                .to_owned(),
        ),
        Cause::Unreachable => Some("check the network, the region and AWS_ENDPOINT_URL".to_owned()),
        _ => None,
    }
}

/// Whether a signature was refused for its time alone, in the words of the services (IAM user
/// guide, troubleshooting of signed requests; EC2 API reference, error codes).
fn is_of_the_clock(code: Option<&str>, message: &str) -> bool {
    let words = ["Signature expired", "Signature not yet current"];
    code == Some("RequestTimeTooSkewed") || words.iter().any(|words| message.starts_with(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_decides_whatever_its_status_is() {
        assert_eq!(by_code("RequestLimitExceeded", 503), Cause::Throttled);
        assert_eq!(by_code("ThrottlingException", 400), Cause::Throttled);
        assert_eq!(by_code("DependencyViolation", 400), Cause::Busy);
        assert_eq!(by_code("InternalError", 500), Cause::Ambiguous);
        assert_eq!(by_code("Mystery", 502), Cause::Ambiguous);
        assert_eq!(by_code("ValidationError", 400), Cause::Refused);
    }

    #[test]
    fn every_service_spells_not_found_in_its_own_way() {
        for code in [
            "InvalidVpcID.NotFound",
            "LoadBalancerNotFound",
            "DBSubnetGroupNotFoundFault",
            "ClusterNotFoundException",
            "NoSuchEntity",
        ] {
            assert_eq!(by_code(code, 400), Cause::Gone, "{code}");
        }
    }
}
