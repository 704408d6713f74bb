//! What is said by which a cause is known in more than one place: AWS's codes, and words where there
//! is no type that could be asked.

use std::error::Error;

/// Codes of calls that came too fast. Most arrive with HTTP status 400, so only the code tells.
pub(crate) const THROTTLED: &[&str] = &[
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
pub(crate) const DENIED: &[&str] =
    &["AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"];

/// Codes that leave open whether the call took effect.
pub(crate) const AMBIGUOUS: &[&str] = &[
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

/// Whether the host's name could not be resolved, or a connection to it not be made in time, in the
/// words of hyper and of the SDK: their errors have no types that could be asked.
pub(crate) fn is_unresolved(words: &str) -> bool {
    words == "dns error" || words.starts_with("HTTP connect timeout")
}

/// Whether the other side showed a certificate that nobody trusts here, in the words of rustls.
pub(crate) fn is_mistrust(words: &str) -> bool {
    words.starts_with("invalid peer certificate")
}

/// Whether a proxy did not let the request through, in the words of hyper.
pub(crate) fn is_refused_by_a_proxy(words: &str) -> bool {
    ["tunnel error: unsuccessful", "tunnel error: proxy authorization required"].contains(&words)
}

/// An error and all that is behind it, one after another.
pub(crate) fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// What the last of them says.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}
