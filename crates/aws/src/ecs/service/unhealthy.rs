//! A target of a load balancer that fails its health check, in the words of ECS.

use crate::Aws;
use crate::elb;

/// What ECS says of a target that fails its health check: `(port 8080) is unhealthy in
/// (target-group ARN) due to (reason …)` (ECS developer guide, "Amazon ECS service event messages").
pub(super) struct Unhealthy<'a> {
    port: &'a str,
    group: &'a str,
    reason: &'a str,
}

impl<'a> Unhealthy<'a> {
    /// Reads the words of an event; none where they say something else.
    pub(super) fn read(words: &'a str) -> Option<Self> {
        let (port, rest) =
            words.strip_prefix("(port ")?.split_once(") is unhealthy in (target-group ")?;
        let (group, rest) = rest.split_once(") due to (reason ")?;
        Some(Self { port, group, reason: rest.trim_end_matches(')') })
    }

    /// What was asked and what came of it, in one line. What the target group expects only helps
    /// to explain, so one that cannot be read is no failure.
    pub(super) async fn verdict(&self, aws: &Aws) -> String {
        let request = aws.elb.describe_target_groups().target_group_arns(self.group);
        let answer = aws
            .send(&elb::DESCRIBE_TARGET_GROUPS, "look at the target group", || {
                request.clone().send()
            })
            .await;
        let group = answer.ok().and_then(|answer| answer.target_groups?.pop());
        let path = group.as_ref().and_then(|group| group.health_check_path());
        let matcher = group.as_ref().and_then(|group| group.matcher());
        let expected = matcher.and_then(|it| it.http_code().or_else(|| it.grpc_code()));
        self.words(path, expected)
    }

    /// The same by what is known of the target group.
    pub(super) fn words(&self, path: Option<&str>, expected: Option<&str>) -> String {
        let Self { port, reason, .. } = self;
        let asked = match path {
            Some(path) => format!("GET {path} on port {port}"),
            None => format!("the health check on port {port}"),
        };
        match self.why() {
            Why::Answered(codes) => {
                let expected =
                    expected.map(|codes| format!("; expected {codes}")).unwrap_or_default();
                format!("{asked} answered {codes}{expected}")
            }
            Why::Refused => format!("{asked} was not answered"),
            Why::TooLate | Why::Other => format!("{asked} failed: {reason}"),
        }
    }

    /// What to do about it, `name` being the container that is to answer.
    pub(super) fn advice(&self, name: &str) -> String {
        let port = self.port;
        let listens = format!(
            "check that `{name}` listens on port {port}, and on all addresses (0.0.0.0): nobody \
             reaches 127.0.0.1 from outside"
        );
        match self.why() {
            Why::Answered(_) => format!(
                "check that `{name}` passes its health check on port {port}: see in its log why it \
                 answers so, or expect it with `path:` and `codes:` of `health:`"
            ),
            Why::Refused => listens,
            Why::TooLate => format!(
                "{listens}; that its security group lets the load balancer in; and that it answers \
                 within the `timeout:` of `health:`"
            ),
            Why::Other => format!("check that `{name}` passes its health check on port {port}"),
        }
    }

    /// Elastic Load Balancing, "Health checks for your target groups": the reason codes and what is
    /// said with each.
    fn why(&self) -> Why<'a> {
        match self.reason.strip_prefix("Health checks failed with these codes: ") {
            Some(codes) => Why::Answered(codes.trim_matches(['[', ']'])),
            None if self.reason == "Health checks failed" => Why::Refused,
            None if self.reason.contains("timed out") => Why::TooLate,
            None => Why::Other,
        }
    }
}

/// Why a target fails its health check.
enum Why<'a> {
    /// With other codes than are expected.
    Answered(&'a str),
    /// Nothing listens, or the connection broke.
    Refused,
    /// Nothing came in time.
    TooLate,
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: &str =
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web-http/7";

    fn event(reason: &str) -> String {
        format!("(port 8080) is unhealthy in (target-group {GROUP}) due to (reason {reason})")
    }

    #[test]
    fn a_failed_health_check_is_said_as_what_was_asked_and_answered() {
        let words = |reason: &str, path: Option<&str>, expected: Option<&str>| {
            let event = event(reason);
            let unhealthy = Unhealthy::read(&event).unwrap();
            assert_eq!(unhealthy.group, GROUP);
            unhealthy.words(path, expected)
        };
        let codes = "Health checks failed with these codes: [500]";
        let asked = Some("/healthz");
        assert_eq!(
            words(codes, asked, Some("200")),
            "GET /healthz on port 8080 answered 500; expected 200"
        );
        assert_eq!(words(codes, None, None), "the health check on port 8080 answered 500");
        assert_eq!(
            words("Health checks failed", asked, Some("200")),
            "GET /healthz on port 8080 was not answered"
        );
        assert_eq!(
            words("Request timed out", asked, None),
            "GET /healthz on port 8080 failed: Request timed out"
        );
    }

    #[test]
    fn what_to_do_about_it_goes_by_the_reason() {
        for (reason, part) in [
            ("Health checks failed with these codes: [404]", "`codes:`"),
            ("Health checks failed", "127.0.0.1"),
            ("Request timed out", "security group"),
        ] {
            let event = event(reason);
            let advice = Unhealthy::read(&event).unwrap().advice("web");
            assert!(advice.contains(part), "{reason}: {advice}");
        }
    }
}
