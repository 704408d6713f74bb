//! Values by hand for the tests of rendering and reporting.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use deployer_core::{
    Action, Address, Cause, Desired, Difference, Event, Failure, Fallen, Half, Home, Impact, Live,
    Notice, Outputs, Phase, Place, Plan, Published, Reason, Replacement, Roles, Scope, Snapshot,
    Stack, Standing, Stays, Step, StepId, Stray, Unseen, What,
};
use serde_json::{Value, json};

/// Whose resources they are.
pub(crate) fn scope() -> Scope {
    Scope {
        stack: "notes".to_owned(),
        environment: "prod".to_owned(),
        origin: None,
        tags: BTreeMap::new(),
    }
}

/// A plan with a step of every sort.
pub(crate) fn plan() -> Plan {
    Plan {
        scope: scope(),
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
        role: None,
        roles: Roles::new(),
        fingerprint: "5eed".to_owned(),
        steps: steps().into_iter().enumerate().map(|(id, step)| Step { id, ..step }).collect(),
        known: Outputs::new(),
        outputs: BTreeMap::new(),
        unrecorded: vec![],
        refused: vec![],
        left_behind: vec!["default".to_owned()],
        failed: vec![],
        images: vec![],
        stays: vec![stays()],
        unseen: vec![unseen()],
        strays: vec![Stray {
            address: "db-instance/main".parse().unwrap(),
            place: Place::default(),
            id: "notes-restored".to_owned(),
            because: "its tags are copied: it is not called notes-prod-main".to_owned(),
            uses: BTreeSet::new(),
        }],
        foreign: BTreeMap::from([(
            Address::new("security-group", "web"),
            vec!["ingress 3389 from 198.51.100.7/32, described as \"temporary\"".to_owned()],
        )]),
    }
}

fn steps() -> Vec<Step> {
    vec![
        step("db-instance/main", Action::Await, Reason::Unfinished, 540),
        Step {
            impact: Impact::None,
            wanted: Some(json!({
                "description": "from the office",
                "ingress": [{ "port": 5432, "from": "203.0.113.0/24" }],
                "vpc": { "ref": "vpc/main" },
            })),
            ..step("security-group/office", Action::Create, Reason::Missing, 2)
        },
        Step {
            half: Some(Half::First),
            differences: vec![difference("ingress", ingress(&[22, 80]), ingress(&[22, 80, 443]))],
            ..step("security-group/web", Action::Update, Reason::Differs, 1)
        },
        Step {
            differences: vec![difference("port", json!(8080), json!(9090))],
            ..replaced("target-group/web", Replacement::CreateFirst, 2)
        },
        Step {
            differences: vec![
                difference(
                    "containers.web.environment.API_TOKEN",
                    json!("s3cr3t"),
                    json!("t0p-s3cr3t"),
                ),
                difference("containers.web.environment.RUST_LOG", json!("info"), json!("debug")),
                difference(
                    "containers.web.image",
                    json!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/notes@sha256:1f0c"),
                    json!("123456789012.dkr.ecr.eu-west-1.amazonaws.com/notes@sha256:9be2"),
                ),
            ],
            ..replaced("task-definition/web", Replacement::Supersede, 1)
        },
        Step {
            impact: Impact::Rolling,
            differences: vec![
                Difference {
                    unknown: true,
                    drift: false,
                    ..difference(
                        "task-definition",
                        json!({ "id": "notes-prod-web:3" }),
                        json!({ "ref": "task-definition/web" }),
                    )
                },
                difference("count", json!(1), json!(2)),
            ],
            after: BTreeSet::from([3, 4]),
            ..step("service/web", Action::Update, Reason::Differs, 120)
        },
        Step {
            action: Action::Delete,
            after: BTreeSet::from([3, 5]),
            typical: 1,
            ..replaced("target-group/web", Replacement::CreateFirst, 1)
        },
        Step {
            impact: Impact::Outage,
            ..step("nat-gateway/b", Action::Delete, Reason::Unwanted, 60)
        },
        Step {
            half: Some(Half::Second),
            impact: Impact::Outage,
            notices: vec![Notice::new(
                Impact::Outage,
                "the internet no longer reaches service/web on port 22",
            )],
            differences: vec![difference("ingress", ingress(&[22, 80, 443]), ingress(&[80, 443]))],
            after: BTreeSet::from([4]),
            ..step("security-group/web", Action::Update, Reason::Differs, 1)
        },
    ]
}

/// A plan with nothing to do.
pub(crate) fn empty_plan() -> Plan {
    let bare = Plan { foreign: BTreeMap::new(), strays: vec![], left_behind: vec![], ..plan() };
    Plan { steps: vec![], stays: vec![], unseen: vec![], ..bare }
}

/// An account that has nothing.
pub(crate) fn snapshot() -> Snapshot {
    let Plan { scope, account, region, .. } = plan();
    Snapshot {
        scope,
        account,
        region,
        roles: Roles::new(),
        lives: vec![],
        strays: vec![],
        disputes: vec![],
        unseen: vec![],
        origin: None,
    }
}

/// A repository that keeps its images.
fn stays() -> Stays {
    Stays {
        address: "repository/old".parse().unwrap(),
        place: Place::default(),
        id: "notes-prod-old".to_owned(),
        because: "it holds images; with `force-delete: true` they go too".to_owned(),
    }
}

/// What a denied tagging index keeps from being seen.
pub(crate) fn unseen() -> Unseen {
    let failure = Failure {
        code: Some("AccessDeniedException".to_owned()),
        ..Failure::new(
            Cause::Denied,
            "read the tagging index (tag:GetResources)",
            "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: tag:GetResources",
        )
    };
    Unseen {
        what: BTreeSet::from(["listener".to_owned(), "listener-rule".to_owned()]),
        failure: failure.help("allow `tag:GetResources` to these credentials"),
    }
}

/// Releases that failed: one after another that runs, and a first one.
pub(crate) fn failed() -> Vec<Fallen> {
    let fallen = |address: &str, release: &str, current: Option<&str>, because: &str| Fallen {
        address: address.parse().unwrap(),
        place: Place::default(),
        release: release.to_owned(),
        because: because.to_owned(),
        current: current.map(ToOwned::to_owned),
    };
    let ended = "Essential container in task exited; web ended with exit code 3";
    vec![
        fallen("image/web", "web-3", Some("web-2"), ended),
        fallen("image/api", "api-1", None, ended),
        fallen("task-definition/job", "notes-prod-job:7", Some("notes-prod-job:6"), ""),
    ]
}

/// Images that are built here: one as it was, one that changed, and one that nobody compared.
pub(crate) fn published() -> Vec<Published> {
    let published = |name: &str, changed| Published {
        address: Address::new("image", name),
        service: name.to_owned(),
        release: format!("{name}-2"),
        changed,
    };
    vec![published("api", Some(false)), published("web", Some(true)), published("work", None)]
}

/// The stack around the plan's service.
pub(crate) fn stack() -> Stack {
    let resources = [
        ("image/web", json!({ "repository": { "ref": "repository/notes" } })),
        ("repository/notes", json!({})),
        ("service/web", json!({ "task-definition": { "ref": "task-definition/web" } })),
        ("task-definition/web", json!({ "image": { "ref": "image/web" } })),
    ];
    Stack {
        scope: scope(),
        region: "eu-west-1".to_owned(),
        home: Home::default(),
        roles: Roles::new(),
        resources: resources
            .into_iter()
            .map(|(address, spec)| {
                (address.parse().unwrap(), Desired { place: Place::default(), spec })
            })
            .collect(),
        outputs: BTreeMap::new(),
    }
}

/// A resource that is there.
pub(crate) fn live(address: &str, id: &str, state: &str) -> Live {
    Live {
        address: address.parse().unwrap(),
        place: Place::default(),
        generation: 1,
        mark: None,
        serial: None,
        standing: Standing::Recorded,
        is_signed: true,
        tags: BTreeMap::new(),
        spec: Value::Null,
        output: json!({ "id": id }),
        phase: Phase::Ready,
        state: state.to_owned(),
        foreign: vec![],
    }
}

/// What AWS said when it refused.
pub(crate) fn refusal() -> Failure {
    Failure {
        code: Some("InvalidParameterException".to_owned()),
        request: Some("4f1c0f3e-7c1b-4a55-a1a7-6f0c2d9e8b11".to_owned()),
        help: Some("use a port that the container listens on".to_owned()),
        ..Failure::new(
            Cause::Refused,
            "update the service (ecs:UpdateService)",
            "The container web did not have a container port 9090 defined.",
        )
    }
}

/// The events of a run of the plan in which a step fails.
pub(crate) fn events() -> Vec<Event> {
    let throttled = Failure {
        code: Some("ThrottlingException".to_owned()),
        ..Failure::new(Cause::Throttled, "register it", "Rate exceeded")
    };
    vec![
        at(0, What::Begun { step: 0 }),
        at(0, What::Begun { step: 1 }),
        at(10, What::Begun { step: 2 }),
        at(20, What::Begun { step: 3 }),
        at(30, What::Begun { step: 4 }),
        at(300, What::Waiting { step: 0, on: "backing-up".to_owned() }),
        at(400, What::Retrying { step: 4, failure: throttled }),
        at(420, done(1, 420)),
        at(510, done(2, 500)),
        at(900, done(3, 880)),
        at(1200, What::Said { step: 4, line: "registered revision 4".to_owned() }),
        at(1210, done(4, 1180)),
        at(1220, What::Begun { step: 5 }),
        at(12_300, What::Waiting { step: 5, on: "1 of 2 tasks healthy".to_owned() }),
        at(
            63_000,
            What::Failed { step: 5, took: Duration::from_millis(61_780), failure: refusal() },
        ),
        at(63_000, What::NotBegun { step: 6, because: Some(Address::new("service", "web")) }),
        at(63_010, What::Begun { step: 7 }),
        at(120_000, What::Interrupted),
        at(121_000, What::Abandoned { step: 7, on: "deleting".to_owned() }),
        at(
            250_000,
            What::Done {
                step: 0,
                took: Duration::from_secs(250),
                left: vec!["snapshot notes-prod-main-before-upgrade".to_owned()],
            },
        ),
    ]
}

fn at(millis: u64, what: What) -> Event {
    Event { at: Duration::from_millis(millis), what }
}

fn done(step: StepId, millis: u64) -> What {
    What::Done { step, took: Duration::from_millis(millis), left: vec![] }
}

fn step(address: &str, action: Action, reason: Reason, typical: u32) -> Step {
    Step {
        id: 0,
        address: address.parse().unwrap(),
        place: Place::default(),
        action,
        reason,
        half: None,
        generation: 1,
        impact: Impact::None,
        notices: vec![],
        differences: vec![],
        wanted: (action != Action::Delete).then(|| json!({})),
        live: None,
        after: BTreeSet::new(),
        typical,
    }
}

fn ingress(ports: &[u16]) -> Value {
    ports.iter().map(|port| json!({ "port": port, "from": "0.0.0.0/0" })).collect()
}

fn replaced(address: &str, how: Replacement, typical: u32) -> Step {
    Step { generation: 2, ..step(address, Action::Create, Reason::Replaced(how), typical) }
}

fn difference(path: &str, before: Value, after: Value) -> Difference {
    Difference { path: path.to_owned(), before, after, unknown: false, drift: false }
}
