//! What a listener or a rule does with a request: forward it, redirect it, answer it.

use std::collections::BTreeSet;

use deployer_core::{Destination, Opaque, Problem, Ref};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TargetGroup;

/// The most target groups of one action (quotas for application load balancers in the ELB user
/// guide).
const MOST_GROUPS: usize = 5;

/// The highest weight (ELB API reference, `TargetGroupTuple`).
const MOST_WEIGHT: u32 = 999;

/// The most characters of the host, the path and the query of a redirect (ELB API reference,
/// `RedirectActionConfig`).
const LONGEST_PART: usize = 128;

/// The most characters of an answer (ELB API reference, `FixedResponseActionConfig`).
const LONGEST_BODY: usize = 1024;

/// What an answer may be (ELB API reference, `FixedResponseActionConfig`).
const TYPES: [&str; 5] =
    ["text/plain", "text/css", "text/html", "application/javascript", "application/json"];

/// What a listener or a rule does with a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Passes it to the targets of a group.
    Forward(Ref<TargetGroup>),
    /// Passes it to the targets of one of several groups, each of which gets its share of the
    /// requests.
    Split(BTreeSet<Share>),
    /// Passes it to the targets of one of two groups, as ECS shifts requests between them.
    Shift(Pair),
    /// Sends the client elsewhere.
    Redirect(Redirect),
    /// Answers by itself.
    Respond(Respond),
}

/// Target groups that are bound to a listener or a rule and get no requests. ECS registers no task
/// in a group that is bound to nothing.
pub type Reserves = BTreeSet<Ref<TargetGroup>>;

/// What a target group gets of the requests that several share.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Share {
    /// The target group.
    pub group: Ref<TargetGroup>,
    /// Its part of the sum of all weights, 1 to 999.
    pub weight: u32,
}

/// Two target groups between which ECS shifts requests. What each of them gets is ECS's to say, and
/// no difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Pair {
    /// The one that gets requests until ECS shifts them.
    pub group: Ref<TargetGroup>,
    /// The other one.
    pub alternate: Ref<TargetGroup>,
}

/// Where a client is sent. `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` stand for
/// those of the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Redirect {
    /// `HTTP`, `HTTPS` or `#{protocol}`.
    #[serde(default = "same_protocol")]
    pub protocol: String,
    /// The host.
    #[serde(default = "same_host")]
    pub host: String,
    /// The port.
    #[serde(default = "same_port")]
    pub port: String,
    /// The path, from the leading slash.
    #[serde(default = "same_path")]
    pub path: String,
    /// The query, without the question mark.
    #[serde(default = "same_query")]
    pub query: String,
    /// Whether clients may remember it (301) or not (302).
    #[serde(default)]
    pub permanent: bool,
}

/// An answer the load balancer gives by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Respond {
    /// The status code, such as 404: of 200 to 299, or 400 to 599.
    pub status: u16,
    /// The content type: `text/plain`, `text/css`, `text/html`, `application/javascript` or
    /// `application/json`.
    #[serde(default = "plain")]
    pub content_type: String,
    /// The text, of at most 1024 characters.
    #[serde(default)]
    pub body: String,
}

impl Action {
    /// The target groups that get requests, or may get them.
    pub fn groups(&self) -> BTreeSet<&Ref<TargetGroup>> {
        match self {
            Self::Forward(group) => [group].into(),
            Self::Split(shares) => shares.iter().map(|share| &share.group).collect(),
            Self::Shift(Pair { group, alternate }) => [group, alternate].into(),
            Self::Redirect(_) | Self::Respond(_) => BTreeSet::new(),
        }
    }

    /// Where it leads requests.
    pub(crate) fn destination(&self) -> Destination {
        match self {
            Self::Forward(_) | Self::Split(_) => {
                Destination::Groups(self.groups().into_iter().map(Into::into).collect())
            }
            // ECS leads requests nowhere but where tasks are.
            Self::Shift(Pair { group, .. }) => Destination::Groups([group.into()].into()),
            Self::Redirect(redirect) => {
                Destination::Redirect(format!("are redirected to {}", redirect.target()))
            }
            Self::Respond(respond) => Destination::Answer(format!("get {}", respond.status)),
        }
    }

    /// What ELB refuses of it, where it stands in a field.
    pub(crate) fn problems(&self, field: &str, reserves: Option<&Reserves>) -> Vec<Problem> {
        let bound: BTreeSet<_> =
            self.groups().into_iter().chain(reserves.into_iter().flatten()).collect();
        let mut problems = match self {
            Self::Forward(_) => Vec::new(),
            Self::Shift(Pair { group, alternate }) => (group == alternate)
                .then(|| {
                    let message = "requests are shifted between two target groups";
                    let help = "name another one as `alternate`";
                    Problem::new(format!("{field}.shift"), message, help)
                })
                .into_iter()
                .collect(),
            Self::Split(shares) => split_problems(shares, &format!("{field}.split")),
            Self::Redirect(redirect) => redirect.problems(&format!("{field}.redirect")),
            Self::Respond(respond) => respond.problems(&format!("{field}.respond")),
        };
        if bound.len() > MOST_GROUPS {
            let message = format!("{} target groups are too many for one rule", bound.len());
            problems.push(Problem::new(field, message, "expected at most 5"));
        }
        problems
    }
}

/// Whether two bind a target group in common: one that is bound at a load balancer cannot be at
/// another one meanwhile (`TargetGroupAssociationLimit` of `CreateListener` and `CreateRule` in the
/// ELB API reference).
pub(crate) fn share_groups(
    one: (&Opaque<Action>, &Option<Reserves>),
    other: (&Opaque<Action>, &Option<Reserves>),
) -> bool {
    let bound = |(action, reserves): (&Opaque<Action>, &Option<Reserves>)| -> Reserves {
        let groups = action.known().map(Action::groups).unwrap_or_default();
        groups.into_iter().chain(reserves.iter().flatten()).cloned().collect()
    };
    !bound(one).is_disjoint(&bound(other))
}

/// What is bound beside a forward that there is while another one is to take its place; none where
/// that needs no other group.
pub(crate) fn reserved(
    live: &Opaque<Action>,
    reserves: Option<&Reserves>,
    wanted: &Opaque<Action>,
) -> Option<Reserves> {
    let (was, will) = (live.known()?.groups(), wanted.known()?.groups());
    let mut new = will.difference(&was).map(|group| (*group).clone()).peekable();
    new.peek()?;
    // Of what ELB answers otherwise nothing can be bound.
    (!was.is_empty()).then(|| new.chain(reserves.into_iter().flatten().cloned()).collect())
}

/// Whether requests are led, as it is, to the groups that they are to be shifted between, and to no
/// others: what each of them gets is ECS's to say.
pub(crate) fn is_shifted(
    live: &Opaque<Action>,
    reserves: Option<&Reserves>,
    wanted: &Opaque<Action>,
) -> bool {
    let (Some(live), Some(Action::Shift(pair))) = (live.known(), wanted.known()) else {
        return false;
    };
    let bound: BTreeSet<_> =
        live.groups().into_iter().chain(reserves.into_iter().flatten()).collect();
    bound == [&pair.group, &pair.alternate].into()
}

fn split_problems(shares: &BTreeSet<Share>, field: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let groups: BTreeSet<_> = shares.iter().map(|share| &share.group).collect();
    if groups.len() < 2 || groups.len() < shares.len() {
        let help = "name two target groups or more, each of them once";
        problems.push(Problem::new(field, "requests are split among several groups", help));
    }
    for share in shares.iter().filter(|share| !(1..=MOST_WEIGHT).contains(&share.weight)) {
        let message = format!("{} is not a valid weight here", share.weight);
        let help = "expected 1 to 999; what gets no requests stands in `reserves:`";
        problems.push(Problem::new(field, message, help));
    }
    problems
}

impl Redirect {
    /// To where a client is sent that goes on as it was.
    pub fn nowhere() -> Self {
        Self {
            protocol: same_protocol(),
            host: same_host(),
            port: same_port(),
            path: same_path(),
            query: same_query(),
            permanent: false,
        }
    }

    /// Where a client is sent, as a person says it: `HTTPS`, `http://www.example.com:80/`.
    fn target(&self) -> String {
        let Self { protocol, host, port, path, .. } = self;
        if (host, path) == (&same_host(), &same_path()) && protocol == "HTTPS" && port == "443" {
            return "HTTPS".to_owned();
        }
        format!("{}://{host}:{port}{path}", protocol.to_lowercase())
    }

    /// What ELB refuses (its API reference, `RedirectActionConfig`).
    fn problems(&self, field: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |key: &str, message: String, help: &str| {
            let at = if key.is_empty() { field.to_owned() } else { format!("{field}.{key}") };
            problems.push(Problem::new(at, message, help));
        };
        let Self { protocol, host, port, path, query, .. } = self;
        if !["HTTP", "HTTPS", &same_protocol()].contains(&protocol.as_str()) {
            let help = "expected `HTTP`, `HTTPS` or `#{protocol}`";
            wrong("protocol", format!("`{protocol}` is not a protocol of a redirect"), help);
        }
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
        if *port != same_port() && !is_port(port) {
            wrong("port", format!("`{port}` is not a port"), "expected 1 to 65535, or `#{port}`");
        }
        if !path.starts_with('/') {
            wrong("path", format!("`{path}` does not begin with `/`"), "write the whole path");
        }
        if query.starts_with('?') {
            wrong("query", format!("`{query}` begins with `?`"), "leave the question mark out");
        }
        if host.is_empty() {
            wrong("host", "a redirect leads to some host".to_owned(), "leave `host` out to stay");
        }
        for (key, value) in [("host", host), ("path", path), ("query", query)] {
            if value.len() > LONGEST_PART {
                let message = format!("{} characters are too many for a {key}", value.len());
                wrong(key, message, "expected at most 128");
            }
        }
        // "You must modify at least one of the following components to avoid a redirect loop:
        // protocol, port, hostname or path."
        let stays = Self { query: same_query(), permanent: false, ..self.clone() };
        if stays == Self::nowhere() {
            let help = "change one of `protocol`, `host`, `port` and `path`";
            wrong("", "this redirect leads to where the client is".to_owned(), help);
        }
        problems
    }
}

impl Respond {
    /// What ELB refuses (its API reference, `FixedResponseActionConfig`).
    fn problems(&self, field: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let Self { status, content_type, body } = self;
        if !matches!(status, 200..=299 | 400..=599) {
            let message = format!("a load balancer does not answer {status}");
            let help = "expected 200 to 299 or 400 to 599; `redirect` is for what is elsewhere";
            problems.push(Problem::new(format!("{field}.status"), message, help));
        }
        if !TYPES.contains(&content_type.as_str()) {
            let message = format!("a load balancer answers nothing of the type `{content_type}`");
            let help = format!("expected one of {}", TYPES.join(", "));
            problems.push(Problem::new(format!("{field}.content-type"), message, help));
        }
        let length = body.chars().count();
        if length > LONGEST_BODY {
            let message = format!("an answer of {length} characters is too long");
            let at = format!("{field}.body");
            problems.push(Problem::new(at, message, "expected 1024 characters at most"));
        }
        problems
    }
}

fn same_protocol() -> String {
    "#{protocol}".to_owned()
}

fn same_host() -> String {
    "#{host}".to_owned()
}

fn same_port() -> String {
    "#{port}".to_owned()
}

fn same_path() -> String {
    "/#{path}".to_owned()
}

fn same_query() -> String {
    "#{query}".to_owned()
}

fn plain() -> String {
    "text/plain".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(text: &str) -> Action {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_elb_refuses_is_refused_with_its_place() {
        for (text, at) in [
            (r#"{"redirect":{}}"#, vec!["action.redirect"]),
            (r#"{"redirect":{"query":"a=b"}}"#, vec!["action.redirect"]),
            (r#"{"redirect":{"path":"new"}}"#, vec!["action.redirect.path"]),
            (
                r#"{"redirect":{"port":"0","host":""}}"#,
                vec!["action.redirect.port", "action.redirect.host"],
            ),
            (r#"{"redirect":{"protocol":"https","port":"443"}}"#, vec!["action.redirect.protocol"]),
            (r#"{"redirect":{"host":"www.#{host}"}}"#, vec![]),
            (r#"{"respond":{"status":302}}"#, vec!["action.respond.status"]),
            (
                r#"{"respond":{"status":503,"content-type":"image/png"}}"#,
                vec!["action.respond.content-type"],
            ),
            (r#"{"split":[{"group":{"id":"a"},"weight":1}]}"#, vec!["action.split"]),
            (
                r#"{"split":[{"group":{"id":"a"},"weight":0},{"group":{"id":"b"},"weight":9}]}"#,
                vec!["action.split"],
            ),
            (
                r#"{"split":[{"group":{"id":"a"},"weight":999},{"group":{"id":"b"},"weight":1}]}"#,
                vec![],
            ),
        ] {
            let problems = action(text).problems("action", None);
            let found: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
            assert_eq!(found, at, "{text}");
        }
        let long = Respond { status: 200, content_type: plain(), body: "ä".repeat(1025) };
        assert_eq!(long.problems("respond").len(), 1);
        let reserves: Reserves = ["a", "b", "c", "d", "e"].map(Ref::physical).into();
        let forward = action(r#"{"forward":{"id":"f"}}"#);
        assert_eq!(forward.problems("action", Some(&reserves)).len(), 1, "six are bound");
    }

    #[test]
    fn what_ecs_shifts_is_no_difference_once_both_groups_are_bound() {
        let pair = r#"{"shift":{"group":{"id":"blue"},"alternate":{"id":"green"}}}"#;
        let pair = Opaque::Known(action(pair));
        let forward = |to: &str| Opaque::Known(Action::Forward(Ref::physical(to)));
        let reserves = |group: &str| -> Reserves { [Ref::physical(group)].into() };
        assert!(is_shifted(&forward("blue"), Some(&reserves("green")), &pair));
        assert!(is_shifted(&forward("green"), Some(&reserves("blue")), &pair));
        assert!(!is_shifted(&forward("blue"), None, &pair), "the other one is bound to nothing");
        assert!(!is_shifted(&forward("blue"), Some(&reserves("old")), &pair));
        let half = r#"{"split":[{"group":{"id":"blue"},"weight":90},{"group":{"id":"green"},"weight":10}]}"#;
        assert!(is_shifted(&Opaque::Known(action(half)), None, &pair), "in the midst of it");
    }

    #[test]
    fn a_group_that_comes_is_bound_beside_those_that_are() {
        let web = Opaque::Known(action(r#"{"forward":{"id":"web"}}"#));
        let both =
            r#"{"split":[{"group":{"id":"web"},"weight":9},{"group":{"id":"new"},"weight":1}]}"#;
        let both = Opaque::Known(action(both));
        let idle: Reserves = [Ref::physical("idle")].into();
        let new = [Ref::physical("new")];
        assert_eq!(reserved(&web, None, &both), Some(new.clone().into()));
        let with_idle: Reserves = new.into_iter().chain(idle.clone()).collect();
        assert_eq!(reserved(&web, Some(&idle), &both), Some(with_idle));
        assert_eq!(reserved(&both, None, &web), None, "all of it is bound");
        let answer = Opaque::Known(action(r#"{"respond":{"status":404}}"#));
        assert_eq!(reserved(&answer, None, &web), None);
    }
}
