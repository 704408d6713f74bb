//! What to do about a failure of AWS.

use deployer_core::Cause;
use deployer_engine::Operation;

/// How a message of EC2 begins whose reason is encoded, so that only those see it who may (EC2 API
/// reference, `UnauthorizedOperation`).
const ENCODED: &str = "Encoded authorization failure message:";

/// Advice that can be typed, where there is some.
pub(crate) fn advice(
    operation: &Operation,
    cause: Cause,
    code: Option<&str>,
    message: &str,
) -> Option<String> {
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
        // A region that an account has to opt in to takes no credentials before (IAM user guide,
        // "Managing AWS STS in an AWS Region").
        Cause::Credentials if code.is_some_and(is_of_the_region) => Some(
            "log in again, such as with `aws sso login`, check AWS_PROFILE, and if the region is \
             one to opt in to, enable it for the account"
                .to_owned(),
        ),
        Cause::Credentials => {
            Some("log in again, such as with `aws sso login`, and check AWS_PROFILE".to_owned())
        }
        Cause::Denied => Some(permit(operation, message)),
        Cause::Taken => Some(
            "the account has one of that name which does not carry this stack's tags: delete that \
             one, or name the stack, the environment or the resource differently"
                .to_owned(),
        ),
        Cause::Unreachable => Some("check the network, the region and AWS_ENDPOINT_URL".to_owned()),
        _ => None,
    }
}

/// What to permit. A call can be denied for an action that it implies, such as passing a role, and
/// AWS's message says which, if anything does.
fn permit(operation: &Operation, message: &str) -> String {
    if message.contains(ENCODED) {
        let others: Vec<String> = operation.also.iter().map(|also| format!("`{also}`")).collect();
        let one = if others.is_empty() { "it" } else { "which one it is" };
        let all = std::iter::once(format!("`{operation}`")).chain(others);
        return format!(
            "allow {} to these credentials; {one} is in the encoded message: `aws sts \
             decode-authorization-message --encoded-message` shows it",
            all.collect::<Vec<_>>().join(", ")
        );
    }
    let action = denied_action(message).map_or_else(|| operation.to_string(), str::to_owned);
    // A policy of an organisation that demands tags denies what comes without them.
    if message.contains("explicit deny") {
        return format!(
            "a policy denies `{action}`; if it demands tags, write them as `tags:` at the top of \
             the stack"
        );
    }
    format!("allow `{action}` to these credentials")
}

/// The action that a message says was denied: `… is not authorized to perform: iam:PassRole on
/// resource: …` (IAM user guide, "Troubleshoot access denied error messages").
fn denied_action(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("is not authorized to perform: ")?;
    let action = rest.split_whitespace().next()?.trim_end_matches([',', '.']);
    action.contains(':').then_some(action)
}

fn is_of_the_region(code: &str) -> bool {
    ["AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"].contains(&code)
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
    use crate::{ec2, ecs};

    #[test]
    fn the_action_that_was_really_denied_is_named() {
        let denied = |operation, message| advice(operation, Cause::Denied, None, message).unwrap();
        let passing = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: \
                       iam:PassRole on resource: arn:aws:iam::123456789012:role/web because no \
                       identity-based policy allows the iam:PassRole action";
        assert_eq!(
            denied(&ecs::REGISTER_TASK_DEFINITION, passing),
            "allow `iam:PassRole` to these credentials"
        );
        assert_eq!(
            denied(&ecs::CREATE_CLUSTER, "no"),
            "allow `ecs:CreateCluster` to these credentials"
        );
    }

    #[test]
    fn an_encoded_refusal_says_how_to_decode_it_and_what_it_may_be_about() {
        let message = "You are not authorized to perform this operation. Encoded authorization \
                       failure message: 4GIOHlTkIaWHQD0Q0m6XSnuUMCm";
        let advice = advice(&ec2::CREATE_VPC, Cause::Denied, None, message).unwrap();
        for told in ["`ec2:CreateVpc`, `ec2:CreateTags`", "decode-authorization-message"] {
            assert!(advice.contains(told), "{advice}");
        }
    }
}
