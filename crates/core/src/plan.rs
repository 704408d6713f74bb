//! A plan: what to do, in order, and why. The plan is the execution graph.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Action, Address, Code, Cycle, Diagnostic, Difference, Fallen, Graph, Impact, Live, Notice,
    Outputs, Place, Replacement, Roles, Scope, Stray, Unrecorded, Unseen,
};

/// Numbers a step within its plan.
pub type StepId = usize;

/// Why there is a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The stack has it and AWS does not.
    Missing,
    /// It is not as the stack says.
    Differs,
    /// Somebody has changed the tags that say whose it is.
    Unsigned,
    /// It must be replaced, in this way.
    Replaced(Replacement),
    /// AWS has not finished with it.
    Unfinished,
    /// The stack no longer has it.
    Unwanted,
    /// A newer generation has taken its place.
    Superseded,
    /// It was made twice: the reply to the first create got lost.
    Twin,
}

/// Which half of a change a step is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Half {
    /// Gives what is needed, and takes nothing away.
    First,
    /// Takes away what nobody needs any more, or leads requests to what is ready now.
    Second,
}

/// One thing to do to one resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// The resource.
    pub address: Address,
    /// Where it is made, changed or deleted.
    #[serde(default, skip_serializing_if = "Place::is_home")]
    pub place: Place,
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// Which half of a change it is, where that is made in two steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half: Option<Half>,
    /// The generation that is made, changed or deleted.
    pub generation: u32,
    /// What users notice.
    pub impact: Impact,
    /// What users notice and why, where there is a reason to give; the worst first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<Notice>,
    /// The fields that differ; for a replacement all that do, not only those that force it.
    pub differences: Vec<Difference>,
    /// The spec wanted, references unresolved; none for a delete.
    pub wanted: Option<Value>,
    /// The resource as it is; none for a create. For the second half of a change, as the first
    /// leaves it, references unresolved.
    pub live: Option<Live>,
    /// The steps that must have succeeded before this one begins.
    pub after: BTreeSet<StepId>,
    /// How long AWS typically takes, in seconds.
    pub typical: u32,
}

/// Something that the stack no longer has and that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stays {
    /// The resource.
    pub address: Address,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Place::is_home")]
    pub place: Place,
    /// Its identifier.
    pub id: String,
    /// Why, and what to do about that.
    pub because: String,
}

/// A difference that stays, since AWS cannot make the change. The rest of the plan goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// The resource.
    pub address: Address,
    /// The field. Where it was changed outside, nobody has asked for the change, and there is only
    /// nothing that would put it back.
    pub difference: Difference,
    /// What to do instead.
    pub advice: String,
}

impl Refused {
    /// What a person reads about it, without its place.
    pub fn diagnostic(&self) -> Diagnostic {
        let Self { address, difference: Difference { path, before, after, drift, .. }, advice } =
            self;
        let diagnostic = if *drift {
            let title = format!(
                "{address}: {path} was changed outside from {after} to {before}, and cannot be \
                 changed back"
            );
            Diagnostic::warning(Code::CannotChange, title)
        } else {
            let title = format!("{address}: {path} cannot change from {before} to {after}");
            Diagnostic::error(Code::CannotChange, title)
        };
        diagnostic.help(advice.as_str())
    }
}

/// How many resources a plan touches, and how. A replacement counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Made where there was none.
    pub create: usize,
    /// Changed where they are.
    pub update: usize,
    /// Replaced.
    pub replace: usize,
    /// Deleted.
    pub delete: usize,
    /// Waited for.
    pub wait: usize,
}

/// An image that is built here and was published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The image.
    pub address: Address,
    /// A service that runs it, by which it is published.
    pub service: String,
    /// Its current release: `web-2`.
    pub release: String,
    /// Whether what it is built from has changed since; none where only a build would say.
    pub changed: Option<bool>,
}

/// What to do to make one environment of a stack what it should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Stack and environment.
    pub scope: Scope,
    /// The account it was made for.
    pub account: String,
    /// The region it was made for.
    pub region: String,
    /// The role that leads to that account, where the stack names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The roles that lead to the other accounts.
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
    /// The fingerprint of the snapshot it was made from.
    pub fingerprint: String,
    /// The steps, numbered from zero, each after all it waits for.
    pub steps: Vec<Step>,
    /// What stays as it is although the stack says otherwise, by address and path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<Refused>,
    /// What is known of the resources that exist already.
    pub known: Outputs,
    /// The names that outputs are printed under.
    pub outputs: BTreeMap<String, crate::Text>,
    /// What was found on our resources that is not ours; reported, never touched.
    pub foreign: BTreeMap<Address, Vec<String>>,
    /// The releases that failed: they are not current, and are not rolled out again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<Fallen>,
    /// The images of services that are built here and published already, which a plan takes as
    /// they are. They are reported; the command that shows a plan compares them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Published>,
    /// What carries our tags and is not ours; reported, never touched.
    pub strays: Vec<Stray>,
    /// Environments of the stack that still exist and that it no longer names. They are reported;
    /// the command that shows a plan looks for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// What is to go and stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stays: Vec<Stays>,
    /// What could not be looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<Unseen>,
    /// What is ours and not in the record yet. Not part of a saved plan, which anybody may have
    /// written: who applies one finds it anew.
    #[serde(skip)]
    pub unrecorded: Vec<Unrecorded>,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether nothing that the stack asks for is refused.
    pub fn is_whole(&self) -> bool {
        self.asked_in_vain().next().is_none()
    }

    /// What the stack asks for and AWS cannot do.
    pub fn asked_in_vain(&self) -> impl Iterator<Item = &Refused> {
        self.refused.iter().filter(|refused| !refused.difference.drift)
    }

    /// Whether it does just what another does. What is only reported may differ: what else was
    /// found, and what AWS calls the state of things.
    pub fn does_the_same_as(&self, other: &Self) -> bool {
        let whole = |plan: &Self| {
            let Self { scope, account, region, role, roles, fingerprint, .. } = plan.clone();
            (scope, account, region, role, roles, fingerprint)
        };
        let step = |step: &Step| {
            let live = step.live.clone().map(|live| {
                let Live { address, place, generation, serial, spec, output, .. } = live;
                (address, place, generation, serial, spec, output)
            });
            (Step { live: None, ..step.clone() }, live)
        };
        let refused = |plan: &Self| plan.refused.clone();
        whole(self) == whole(other)
            && refused(self) == refused(other)
            && (&self.known, &self.outputs) == (&other.known, &other.outputs)
            && self.steps.iter().map(step).eq(other.steps.iter().map(step))
    }

    /// The worst that users notice of it.
    pub fn impact(&self) -> Impact {
        self.steps.iter().map(|step| step.impact).max().unwrap_or_default()
    }

    /// The reason for that, where there is one to give; none where nobody notices.
    pub fn worst(&self) -> Option<&Notice> {
        let worst = Some(self.impact()).filter(|impact| *impact > Impact::None)?;
        let mut notices = self.steps.iter().flat_map(|step| &step.notices);
        notices.find(|notice| notice.impact == worst)
    }

    /// What waits for what.
    pub fn graph(&self) -> Graph<StepId> {
        Graph::new(self.steps.iter().map(|step| (step.id, step.after.clone())))
    }

    /// How long it typically takes, in seconds: the longest chain of steps.
    pub fn typical(&self) -> u32 {
        let mut ends: Vec<u32> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let start = step.after.iter().map(|before| ends[*before]).max().unwrap_or(0);
            ends.push(start + step.typical);
        }
        ends.into_iter().max().unwrap_or(0)
    }

    /// Counts what it does.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for step in &self.steps {
            match (step.action, step.reason) {
                (Action::Create, Reason::Replaced(_)) => summary.replace += 1,
                (Action::Update, Reason::Missing) | (Action::Delete, Reason::Replaced(_)) => {}
                (Action::Create, _) => summary.create += 1,
                (Action::Update, _) if step.half == Some(Half::First) => {}
                (Action::Update, _) => summary.update += 1,
                (Action::Await, _) => summary.wait += 1,
                (Action::Delete, _) => summary.delete += 1,
            }
        }
        summary
    }

    /// The plan cut down to these resources and what their steps wait for. What goes for a while
    /// comes back, targeted or not.
    #[must_use]
    pub fn only(mut self, targets: &BTreeSet<Address>) -> Self {
        let makes: BTreeMap<&Address, StepId> = self
            .steps
            .iter()
            .filter(|step| step.action == Action::Create)
            .map(|step| (&step.address, step.id))
            .collect();
        let mut kept = BTreeSet::new();
        let mut next: Vec<StepId> = self
            .steps
            .iter()
            .filter(|step| targets.contains(&step.address))
            .map(|step| step.id)
            .collect();
        while let Some(id) = next.pop() {
            if kept.insert(id) {
                let step = &self.steps[id];
                next.extend(&step.after);
                if let Reason::Replaced(_) = step.reason {
                    next.extend(makes.get(&step.address));
                }
            }
        }
        self.steps.retain(|step| kept.contains(&step.id));
        self.renumber();
        let Self { steps, refused, .. } = &mut self;
        refused.retain(|refused| {
            targets.contains(&refused.address)
                || steps.iter().any(|step| step.address == refused.address)
        });
        self
    }

    /// In which wave each step can begin: those of the first at once, and each other one after the
    /// last of what it waits for.
    pub fn waves(&self) -> Vec<usize> {
        let mut waves: Vec<usize> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let before = step.after.iter().filter_map(|id| waves.get(*id));
            waves.push(before.max().map_or(0, |wave| wave + 1));
        }
        waves
    }

    /// Orders the steps by when they can begin, each after all it waits for, and numbers them in
    /// that order.
    ///
    /// # Errors
    /// The addresses of steps that wait for each other.
    pub(crate) fn arrange(&mut self) -> Result<(), Cycle<Address>> {
        let order = self.graph().order().map_err(|Cycle(ring)| {
            Cycle(ring.into_iter().map(|id| self.steps[id].address.clone()).collect())
        })?;
        let places: BTreeMap<StepId, usize> =
            order.into_iter().enumerate().map(|(place, id)| (id, place)).collect();
        self.steps.sort_by_key(|step| places[&step.id]);
        self.renumber();
        let waves = self.waves();
        self.steps.sort_by_key(|step| waves[step.id]);
        self.renumber();
        Ok(())
    }

    /// Numbers the steps by their place and carries the new numbers into `after`.
    fn renumber(&mut self) {
        let numbers: BTreeMap<StepId, StepId> =
            self.steps.iter().enumerate().map(|(place, step)| (step.id, place)).collect();
        for step in &mut self.steps {
            step.id = numbers[&step.id];
            step.after = step.after.iter().filter_map(|id| numbers.get(id).copied()).collect();
        }
    }
}
