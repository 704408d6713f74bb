//! Why there are no credentials: whether that passes by itself, and what was said.
//!
//! Where credentials come from is asked before a call is sent, so whatever went wrong, the call had
//! no effect.

use std::error::Error;
use std::io;

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use deployer_core::{Cause, Failure};

use crate::said::{AMBIGUOUS, DENIED, THROTTLED, chain, innermost, is_mistrust, is_unresolved};

/// What STS says when it could not ask an identity provider for its keys: in a code of its own, or
/// in that of a token that is wrong (STS API reference, `AssumeRoleWithWebIdentity`;
/// aws-cli#7194, aws-sdk-rust#827).
const ASKS_AGAIN: &str = "IDPCommunicationError";
const NO_KEY: &str = "retrieve verification key";

/// How the SDK speaks of a container's credentials that answered with a fault of their own: there
/// is no type that could be asked.
const CONTAINER_FAULT: &str = "Non-success status from HTTP credential provider: StatusCode(5";

/// The SDK's words for a call that took too long, and for an answer that is none.
const UNANSWERED: [&str; 2] = ["request has timed out", "response error"];

/// What a service said that was asked for credentials.
struct Answer {
    code: String,
    message: String,
    status: u16,
    request: Option<String>,
}

/// What it means that there are no credentials. `attempted` reads after "could not ".
pub(crate) fn failure(attempted: String, error: &CredentialsError) -> Failure {
    if let Some(answer) = chain(error).find_map(answer) {
        let cause = of_answer(&answer);
        let message = match cause {
            Cause::Unsent => format!("there are no credentials yet: {}", answer.message),
            _ => answer.message,
        };
        return Failure {
            code: Some(answer.code),
            request: answer.request,
            ..Failure::new(cause, attempted, message)
        };
    }
    let why = innermost(error);
    let cause = match () {
        () if chain(error).any(|source| is_unresolved(&source.to_string())) => Cause::Unreachable,
        () if passes(error) => Cause::Unsent,
        () => Cause::Credentials,
    };
    let message = match error {
        _ if cause != Cause::Credentials => format!("there are no credentials yet: {why}"),
        CredentialsError::CredentialsNotLoaded(_) => "there are no credentials".to_owned(),
        _ if chain(error).any(|source| source.is::<io::Error>()) => {
            format!("a file that credentials come from cannot be read: {why}")
        }
        _ => why,
    };
    Failure::new(cause, attempted, message)
}

fn of_answer(answer: &Answer) -> Cause {
    let Answer { code, message, status, .. } = answer;
    let is_one_of = |codes: &[&str]| codes.contains(&code.as_str());
    match () {
        () if *status >= 500 || is_one_of(AMBIGUOUS) || is_one_of(THROTTLED) => Cause::Unsent,
        () if code.starts_with(ASKS_AGAIN) || message.contains(NO_KEY) => Cause::Unsent,
        () if is_one_of(DENIED) || code == "ForbiddenException" => Cause::Denied,
        () => Cause::Credentials,
    }
}

/// Whether whoever gives credentials did not answer, or has a fault that is not ours.
fn passes(error: &CredentialsError) -> bool {
    let mistrusts = chain(error).any(|source| is_mistrust(&source.to_string()));
    !mistrusts && chain(error).any(is_passing)
}

fn is_passing(source: &(dyn Error + 'static)) -> bool {
    if let Some(error) = source.downcast_ref::<CredentialsError>() {
        return matches!(error, CredentialsError::ProviderTimedOut(_));
    }
    if let Some(error) = source.downcast_ref::<ConnectorError>() {
        return error.is_timeout() || error.is_io() || error.as_other().is_some();
    }
    if let Some(error) = source.downcast_ref::<ImdsError>() {
        return match error {
            ImdsError::ErrorResponse(answer) => answer.response().status().is_server_error(),
            error => matches!(error, ImdsError::IoError(_)),
        };
    }
    let words = source.to_string();
    UNANSWERED.contains(&words.as_str()) || words.starts_with(CONTAINER_FAULT)
}

fn answer(source: &(dyn Error + 'static)) -> Option<Answer> {
    said::<AssumeRoleError>(source)
        .or_else(|| said::<AssumeRoleWithWebIdentityError>(source))
        .or_else(|| said::<GetRoleCredentialsError>(source))
}

fn said<E>(source: &(dyn Error + 'static)) -> Option<Answer>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let SdkError::ServiceError(context) = source.downcast_ref::<SdkError<E, HttpResponse>>()?
    else {
        return None;
    };
    let meta = context.err().meta();
    let message = meta.message().unwrap_or("it did not say why").trim_end_matches('.');
    Some(Answer {
        code: meta.code().unwrap_or_default().to_owned(),
        message: message.to_owned(),
        status: context.raw().status().as_u16(),
        request: meta.extra("aws_request_id").map(ToOwned::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    /// What STS says to a token, as a profile wraps it once more.
    fn refused(code: &str, message: &str, status: u16) -> CredentialsError {
        let meta = ErrorMetadata::builder().code(code).message(message).build();
        let status = StatusCode::try_from(status).expect("a status");
        let raw = HttpResponse::new(status, SdkBody::empty());
        let error = AssumeRoleWithWebIdentityError::generic(meta);
        let error = CredentialsError::provider_error(SdkError::service_error(error, raw));
        CredentialsError::provider_error(error)
    }

    fn cause(error: &CredentialsError) -> Cause {
        failure("plan".to_owned(), error).cause
    }

    #[test]
    fn what_passes_is_told_apart_from_what_is_final() {
        let io = || io::Error::from(io::ErrorKind::ConnectionReset);
        let dispatch = |error| SdkError::<AssumeRoleError, HttpResponse>::dispatch_failure(error);
        for passing in [
            refused("IDPCommunicationError", "An error occurred", 400),
            refused("InvalidIdentityToken", "Couldn't retrieve verification key from your", 400),
            refused("InternalFailure", "", 500),
            refused("Throttling", "Rate exceeded", 400),
            CredentialsError::provider_timed_out(std::time::Duration::from_secs(5)),
            CredentialsError::provider_error(dispatch(ConnectorError::io(io().into()))),
            CredentialsError::provider_error(dispatch(ConnectorError::timeout(io().into()))),
            CredentialsError::provider_error(format!("{CONTAINER_FAULT}03)")),
        ] {
            assert_eq!(cause(&passing), Cause::Unsent, "{passing:?}");
        }
        let mistrust = io::Error::other("invalid peer certificate: UnknownIssuer");
        for lasting in [
            refused("InvalidIdentityToken", "The audience is wrong", 400),
            refused("ExpiredTokenException", "Token expired", 400),
            CredentialsError::not_loaded("nobody has any"),
            CredentialsError::invalid_configuration("two profiles are each other's source"),
            CredentialsError::provider_error(io::Error::from(io::ErrorKind::NotFound)),
            CredentialsError::provider_error(dispatch(ConnectorError::io(mistrust.into()))),
            CredentialsError::provider_error(dispatch(ConnectorError::user("no such".into()))),
        ] {
            assert_eq!(cause(&lasting), Cause::Credentials, "{lasting:?}");
        }
        assert_eq!(cause(&refused("AccessDenied", "Not authorized", 403)), Cause::Denied);
    }
}
