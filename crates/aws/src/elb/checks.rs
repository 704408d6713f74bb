//! What is wrong with load balancers, and with the targets that they lead to.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{
    TargetHealthDescription, TargetHealthReasonEnum as Reason, TargetHealthStateEnum as State,
};
use deployer_core::Ref;
use deployer_engine::{Checks, Finding, Found, Result, Stage};
use deployer_kinds::{LoadBalancer, TargetGroup, TargetGroupSpec};

use super::inventory;
use super::target_group::{state, targets};
use crate::Aws;
use crate::elb;

/// How many targets are named of those that fail for one reason.
const NAMED: usize = 3;

impl Checks<Aws> for LoadBalancer {
    /// States: `LoadBalancerState` in the Elastic Load Balancing API reference.
    async fn findings(aws: &Aws, live: &Found<Self>) -> Result<Vec<Finding>> {
        let name = &live.badge.name;
        let of = |problem: String, help: &str| Finding::new(Stage::Entrance, problem, help);
        let mut findings = Vec::new();
        match live.state.as_str() {
            "failed" => findings.push(of(
                format!("the load balancer `{name}` has failed"),
                "remove it from the stack and apply, then the other way round; AWS support knows why",
            )),
            "active_impaired" => findings.push(of(
                format!("the load balancer `{name}` cannot grow as it should"),
                "its subnets need eight free addresses each: `deployer status` and the VPC console \
                 show them",
            )),
            _ => {}
        }
        let request = aws.elb.describe_listeners().load_balancer_arn(&live.output.id);
        let answer = aws
            .send(&elb::DESCRIBE_LISTENERS, "find the listeners", || request.clone().send())
            .await?;
        if answer.listeners().is_empty() {
            findings.push(of(
                format!("nothing listens at the load balancer `{name}`"),
                "give it `http:` or `domains:`, and apply; what somebody has deleted comes back \
                 with `deployer apply`",
            ));
        }
        Ok(findings)
    }
}

impl Checks<Aws> for TargetGroup {
    async fn findings(aws: &Aws, live: &Found<Self>) -> Result<Vec<Finding>> {
        let targets = targets(aws, &live.output.id).await?;
        if targets.is_empty() && is_reserve(aws, &live.output.id, &live.spec).await? {
            return Ok(Vec::new());
        }
        Ok(judge(&live.badge.name, &live.spec, &targets))
    }
}

/// Whether a group is the one of a pair that no requests are led to now: its service shifts them
/// between the two, and has its tasks in the other.
async fn is_reserve(aws: &Aws, group: &str, spec: &TargetGroupSpec) -> Result<bool> {
    let Some(balancer) = spec.load_balancer.as_ref().and_then(Ref::known) else { return Ok(false) };
    let mut actions = Vec::new();
    for listener in inventory::listeners(aws, balancer).await? {
        if let Some(arn) = listener.listener_arn() {
            let rules = inventory::rules(aws, arn).await?;
            actions.extend(rules.into_iter().flat_map(|rule| rule.actions.unwrap_or_default()));
        }
        actions.extend(listener.default_actions.unwrap_or_default());
    }
    let forwards = actions.iter().filter_map(|action| action.forward_config());
    let shares = forwards.flat_map(|forward| forward.target_groups());
    let own = shares.filter(|share| share.target_group_arn() == Some(group));
    let weights: Vec<i32> = own.map(|share| share.weight().unwrap_or(1)).collect();
    Ok(!weights.is_empty() && weights.iter().all(|weight| *weight == 0))
}

/// What is wrong with the targets of a group.
fn judge(name: &str, spec: &TargetGroupSpec, all: &[TargetHealthDescription]) -> Vec<Finding> {
    let of = |problem: String, help: String| Finding::new(Stage::Targets, problem, help);
    let count = |wanted: State| all.iter().filter(|it| state(it) == Some(&wanted)).count();
    let (healthy, ill) = (count(State::Healthy), count(State::Unhealthy));
    if healthy + ill + count(State::Initial) + count(State::Unused) == 0 {
        let help = "its service has no task that runs: what is said of that is why";
        return vec![of(format!("`{name}` leads nowhere: it has no targets"), help.to_owned())];
    }
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut first = None;
    for target in all.iter().filter(|it| state(it) == Some(&State::Unhealthy)) {
        let health = target.target_health();
        let reason = health.and_then(|it| it.reason());
        first = first.or(reason);
        let address = target.target().and_then(|it| it.id()).unwrap_or("a target");
        let said = health.and_then(|it| it.description());
        reasons.entry(words(reason, said, spec)).or_default().push(address);
    }
    let mut findings = Vec::new();
    if ill > 0 {
        let problem = format!("{ill} of {} targets of `{name}` fail its checks", healthy + ill);
        let details = reasons.iter().map(|(reason, addresses)| {
            let named = addresses.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
            let more = addresses.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{named}{more}: {reason}")
        });
        findings.push(of(problem, advice(first)).because(details));
    }
    if count(State::Unused) == all.len() {
        let help = "no listener leads to it, or none in the zones of its targets: `deployer drift` \
                    shows whether somebody has taken a rule away";
        findings.push(of(format!("`{name}` is not used"), help.to_owned()));
    }
    findings
}

/// Why a target fails, in words (`TargetHealth` in the Elastic Load Balancing API reference).
fn words(reason: Option<&Reason>, said: Option<&str>, spec: &TargetGroupSpec) -> String {
    let said = said.unwrap_or("it is unhealthy");
    let check = spec.health_check.known();
    let asked = check.map_or("the check", |check| check.path.as_str());
    match reason {
        Some(Reason::ResponseCodeMismatch) => {
            let codes = said.rsplit_once('[').map(|(_, codes)| codes.trim_end_matches(']'));
            let expected = check.map_or("", |check| check.codes.as_str());
            format!("GET {asked} answered {}; expected {expected}", codes.unwrap_or(said))
        }
        Some(Reason::Timeout) => {
            let seconds = check.map_or(0, |check| check.timeout);
            format!("no answer within {seconds} s")
        }
        Some(Reason::FailedHealthChecks) => "nothing listens, or the connection broke".to_owned(),
        _ => said.to_owned(),
    }
}

/// What to do about targets that fail for this reason.
fn advice(reason: Option<&Reason>) -> String {
    match reason {
        Some(Reason::ResponseCodeMismatch) => {
            "look why it answers so: `deployer logs`; or name another `path` or other `codes` under \
             `health:`"
        }
        Some(Reason::Timeout) => {
            "look whether the container listens on the port at all addresses (0.0.0.0) and answers in \
             time, and whether its security group lets the load balancer in: `deployer drift`"
        }
        _ => {
            "look whether the container listens on the port at all addresses (0.0.0.0): `deployer \
             logs`"
        }
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::{TargetDescription, TargetHealth};
    use serde_json::json;

    use super::*;

    fn target(
        id: &str,
        state: State,
        reason: Option<Reason>,
        said: &str,
    ) -> TargetHealthDescription {
        let health = TargetHealth::builder().state(state).set_reason(reason).description(said);
        let target = TargetDescription::builder().id(id).build();
        TargetHealthDescription::builder().target(target).target_health(health.build()).build()
    }

    fn spec() -> TargetGroupSpec {
        let spec = json!({
            "vpc": "vpc-1", "port": 8080, "health-check": { "path": "/ready", "codes": "200-299" },
        });
        serde_json::from_value(spec).expect("a spec")
    }

    #[test]
    fn targets_that_fail_are_named_by_why() {
        let mismatch = "Health checks failed with these codes: [500]";
        let all = [
            target("10.0.0.1", State::Healthy, None, ""),
            target("10.0.0.2", State::Unhealthy, Some(Reason::ResponseCodeMismatch), mismatch),
            target("10.0.0.3", State::Unhealthy, Some(Reason::ResponseCodeMismatch), mismatch),
            target("10.0.0.4", State::Unhealthy, Some(Reason::Timeout), "Request timed out"),
        ];
        let [finding] = &judge("web", &spec(), &all)[..] else { panic!("one finding") };
        assert_eq!(finding.problem, "3 of 4 targets of `web` fail its checks");
        assert_eq!(
            finding.details,
            [
                "10.0.0.2, 10.0.0.3: GET /ready answered 500; expected 200-299",
                "10.0.0.4: no answer within 5 s",
            ]
        );
    }

    #[test]
    fn a_group_without_targets_or_without_a_listener_is_wrong() {
        let problems = |all: &[TargetHealthDescription]| {
            let found = judge("web", &spec(), all);
            found.into_iter().map(|it| it.problem).collect::<Vec<_>>()
        };
        assert_eq!(problems(&[]), ["`web` leads nowhere: it has no targets"]);
        let leaving = target("10.0.0.1", State::Draining, None, "");
        assert_eq!(problems(std::slice::from_ref(&leaving)).len(), 1);
        let unused = target("10.0.0.1", State::Unused, Some(Reason::NotInUse), "");
        assert_eq!(problems(&[unused]), ["`web` is not used"]);
        let starting = target("10.0.0.1", State::Initial, None, "");
        assert!(problems(&[starting, leaving]).is_empty());
    }
}
