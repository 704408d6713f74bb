//! What to do about a failure of AWS.

use deployer_core::Cause;
use deployer_engine::Operation;

use crate::said::{is_mistrust, is_refused_by_a_proxy};

/// How a message of EC2 begins whose reason is encoded, so that only those see it who may (EC2 API
/// reference, `UnauthorizedOperation`).
const ENCODED: &str = "Encoded authorization failure message:";

/// Advice that can be typed, where there is some. What to do about credentials depends on where they
/// come from: see [`crate::surroundings`].
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
        Cause::Denied => Some(permit(operation, message)),
        Cause::Unreachable => Some("check the network, the region and AWS_ENDPOINT_URL".to_owned()),
        Cause::Refused if is_mistrust(message) => Some(
            "if a proxy of your network reads what is sent, name its certificate with \
             AWS_CA_BUNDLE: a file in PEM"
                .to_owned(),
        ),
        Cause::Refused if is_refused_by_a_proxy(message) => Some(
            "the proxy that HTTPS_PROXY names did not let it through: check its user and password, \
             and whether it permits this host; NO_PROXY names what goes without it"
                .to_owned(),
        ),
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
