//! What would be done.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{Action, Half, Impact, Reason};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::document::{Position, scope};
use super::state::{Fallen, Stray, Unseen};
use crate::masking::masked;

/// A plan, and what follows from all of its steps.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Planned {
    /// The plan.
    plan: Plan,
    /// How many resources it touches, and how. A replacement counts once.
    summary: Summary,
    /// The worst that users notice.
    impact: Impact,
    /// How long AWS typically takes for all of it, in seconds.
    typical: u32,
}

impl From<&deployer_core::Plan> for Planned {
    fn from(plan: &deployer_core::Plan) -> Self {
        let deployer_core::Summary { create, update, replace, delete, wait } = plan.summary();
        Self {
            plan: plan.into(),
            summary: Summary { create, update, replace, delete, wait },
            impact: plan.impact(),
            typical: plan.typical(),
        }
    }
}

/// How many resources are touched, and how.
#[derive(Serialize, JsonSchema)]
struct Summary {
    /// Made where there was none.
    create: usize,
    /// Changed where they are.
    update: usize,
    /// Replaced.
    replace: usize,
    /// Deleted.
    delete: usize,
    /// Waited for.
    wait: usize,
}

/// What to do, in order.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Plan {
    /// The stack and the environment: `notes/prod`.
    scope: String,
    /// The account, twelve digits.
    account: String,
    /// The region.
    region: String,
    /// The steps, each after everything it waits for.
    steps: Vec<Step>,
    /// What stays as it is although the stack says otherwise, since AWS cannot change it.
    refused: Vec<Refused>,
    /// What is on resources of ours and is not in the stack, by address.
    foreign: BTreeMap<String, Vec<String>>,
    /// The images that are built here and published already, which a plan takes as they are:
    /// `deployer publish` rolls out what changed.
    images: Vec<Published>,
    /// The releases that failed, which are not rolled out again.
    failed: Vec<Fallen>,
    /// What carries our tags and is not ours.
    strays: Vec<Stray>,
    /// Environments that are still there and that the stack no longer names.
    left_behind: Vec<String>,
    /// What the stack no longer has and that is left as it is.
    stays: Vec<Stays>,
    /// What could not be looked at.
    unseen: Vec<Unseen>,
}

impl From<&deployer_core::Plan> for Plan {
    fn from(plan: &deployer_core::Plan) -> Self {
        let foreign = plan.foreign.iter();
        Self {
            scope: scope(&plan.scope),
            account: plan.account.clone(),
            region: plan.region.clone(),
            steps: plan.steps.iter().map(Step::from).collect(),
            refused: plan.refused.iter().map(Refused::from).collect(),
            foreign: foreign.map(|(address, what)| (address.to_string(), what.clone())).collect(),
            images: plan.images.iter().map(Published::from).collect(),
            failed: plan.failed.iter().map(Fallen::from).collect(),
            strays: plan.strays.iter().map(Stray::from).collect(),
            left_behind: plan.left_behind.clone(),
            stays: plan.stays.iter().map(Stays::from).collect(),
            unseen: plan.unseen.iter().map(Unseen::from).collect(),
        }
    }
}

/// Something that is left as it is although it is to go.
#[derive(Serialize, JsonSchema)]
struct Stays {
    #[serde(flatten)]
    what: Position,
    /// AWS's identifier of it.
    id: String,
    /// Why, and what to do about that.
    because: String,
}

impl From<&deployer_core::Stays> for Stays {
    fn from(stays: &deployer_core::Stays) -> Self {
        let what = Position::of(&stays.address, &stays.place);
        Self { what, id: stays.id.clone(), because: stays.because.clone() }
    }
}

/// A field that stays as it is.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Refused {
    /// The resource: `db-instance/main`.
    address: String,
    #[serde(flatten)]
    difference: Difference,
    /// What to do instead.
    help: String,
}

impl From<&deployer_core::Refused> for Refused {
    fn from(refused: &deployer_core::Refused) -> Self {
        Self {
            address: refused.address.to_string(),
            difference: Difference::from(&refused.difference),
            help: refused.advice.clone(),
        }
    }
}

/// An image that is built here and was published.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Published {
    /// The image.
    address: String,
    /// The service to publish: `deployer publish SERVICE`.
    service: String,
    /// Its current release: `web-2`.
    release: String,
    /// Whether what it is built from has changed since; null where only a build would say.
    changed: Option<bool>,
}

impl From<&deployer_core::Published> for Published {
    fn from(image: &deployer_core::Published) -> Self {
        let deployer_core::Published { address, service, release, changed } = image.clone();
        Self { address: address.to_string(), service, release, changed }
    }
}

/// One thing to do to one resource.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Step {
    /// Its number, by which `after` and the events of a run name it.
    id: usize,
    #[serde(flatten)]
    what: Position,
    /// What to do.
    action: Action,
    /// Why.
    reason: Reason,
    /// Which half of a change it is, where that takes two steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    half: Option<Half>,
    /// Which generation is made, changed or deleted: how often it was replaced, plus one.
    generation: u32,
    /// The worst that users notice.
    impact: Impact,
    /// What they notice and why, where there is a reason to name; the worst first.
    notices: Vec<Notice>,
    /// The fields that differ.
    differences: Vec<Difference>,
    /// AWS's identifier of what exists.
    current: Option<String>,
    /// All fields as they should be, secrets left out; null for a delete.
    wanted: Option<Value>,
    /// The steps that must have succeeded before it begins.
    after: BTreeSet<usize>,
    /// How long AWS typically takes, in seconds.
    typical: u32,
}

impl From<&deployer_core::Step> for Step {
    fn from(step: &deployer_core::Step) -> Self {
        let notice = |notice: &deployer_core::Notice| Notice {
            impact: notice.impact,
            because: notice.because.clone(),
        };
        Self {
            id: step.id,
            what: Position::of(&step.address, &step.place),
            action: step.action,
            reason: step.reason,
            half: step.half,
            generation: step.generation,
            impact: step.impact,
            notices: step.notices.iter().map(notice).collect(),
            differences: step.differences.iter().map(Difference::from).collect(),
            current: step.live.as_ref().map(|live| live.id().to_owned()),
            wanted: step.wanted.as_ref().map(|wanted| masked("", wanted)),
            after: step.after.clone(),
            typical: step.typical,
        }
    }
}

/// What users notice, and why.
#[derive(Serialize, JsonSchema)]
struct Notice {
    /// How bad it is.
    impact: Impact,
    /// Why.
    because: String,
}

/// One field that differs.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Difference {
    /// The field, as a path with dots: `health-check.path`.
    path: String,
    /// The value that AWS has; null when there is none.
    before: Value,
    /// The value wanted; null when there should be none.
    after: Value,
    /// Whether the value is known only once another resource exists.
    unknown: bool,
    /// Whether somebody changed it outside: the value wanted is the one that was applied last.
    drift: bool,
}

impl From<&deployer_core::Difference> for Difference {
    fn from(difference: &deployer_core::Difference) -> Self {
        let deployer_core::Difference { path, before, after, unknown, drift } = difference.clone();
        let (before, after) = (masked(&path, &before), masked(&path, &after));
        Self { path, before, after, unknown, drift }
    }
}
