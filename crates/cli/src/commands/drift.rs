//! `deployer drift`: what was changed outside.

use std::collections::BTreeMap;

use deployer_core::{Action, Address, Difference, Plan, Reason, Snapshot};
use deployer_engine::Look;

use crate::answer::{Answer, Form, Page, document};
use crate::args::{StackArgs, TargetArgs};
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::masking::masked;
use crate::render::{self, Drift};
use crate::session::Session;
use crate::wire::state::{self, Attached, Changed, Field, Unread};
use crate::world::Connect;

/// What `drift` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Show what was changed outside",
    long_about = "Show what was changed outside.\n\n\
        Each resource carries a mark of what it was last given, so what somebody changed in the \
        console is distinguished from what the file changed since. What others own, such as a \
        count that a scaler sets, and what AWS moves by itself are no drift. Exits with 3 when \
        there is some. `deployer apply` puts back what was changed and makes what is missing; what \
        others attached, such as a rule that somebody added by hand, it leaves alone.",
    after_long_help = "\
Examples:
  deployer drift --env prod
  deployer drift --env prod --json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: StackArgs,
}

impl Command for Args {
    const FORM: Form = Form::Document(document::<state::Drift>);

    /// Looks what is there, and shows what nobody wrote into the file.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let (project, _, snapshot) = session.look(&self.stack, Some(Look::Close)).await?;
        // What is not done needs no permission.
        let unprotect = snapshot.lives.iter().map(|live| live.address.clone()).collect();
        let targets = TargetArgs { unprotect, ..TargetArgs::default() };
        let plan = session.plan(Some(&project), &project.stack, &snapshot, &targets)?;
        let is_new = snapshot.lives.is_empty();
        let shown = Shown { plan: &plan, drift: Drift { is_new, ..Drift::of(&plan, &snapshot) } };
        session.answer(&shown);
        session.note(&render::failed(&plan.failed, &session.err, session.margin()));
        session.note(&render::strays(&plan.strays, &session.err, session.margin()));
        session.note(&render::unseen(&plan.unseen, &session.err, session.margin()));
        Ok(if shown.drift.is_none() { Exit::Done } else { Exit::Pending })
    }
}

impl Drift {
    /// What a plan finds to differ from what was last given.
    pub(super) fn of(plan: &Plan, snapshot: &Snapshot) -> Self {
        let unread = snapshot.lives.iter().map(|live| (live.address.clone(), live.unread()));
        let changed = plan.steps.iter().filter_map(|step| {
            let drifted: Vec<Difference> =
                step.differences.iter().filter(|it| it.drift).map(turned).collect();
            (!drifted.is_empty()).then(|| (step.address.clone(), drifted))
        });
        let mut changed: BTreeMap<Address, Vec<Difference>> = changed.collect();
        // What cannot be put back was changed outside all the same.
        for refused in plan.refused.iter().filter(|refused| refused.difference.drift) {
            let fields = changed.entry(refused.address.clone()).or_default();
            fields.push(turned(&refused.difference));
        }
        let missing = plan
            .steps
            .iter()
            .filter(|step| (step.action, step.reason) == (Action::Create, Reason::Missing));
        Self {
            is_new: false,
            changed: changed.into_iter().collect(),
            missing: missing.map(|step| step.address.clone()).collect(),
            attached: plan.foreign.clone().into_iter().collect(),
            unread: unread.filter(|(_, paths)| !paths.is_empty()).collect(),
        }
    }

    fn is_none(&self) -> bool {
        self.changed.is_empty() && self.missing.is_empty() && self.attached.is_empty()
    }
}

/// A plan leads from what is to what should be; drift led the other way.
fn turned(difference: &Difference) -> Difference {
    let (before, after) = (difference.after.clone(), difference.before.clone());
    Difference { before, after, ..difference.clone() }
}

/// Drift as it is shown.
struct Shown<'a> {
    plan: &'a Plan,
    drift: Drift,
}

impl Answer for Shown<'_> {
    type Wire = state::Drift;

    fn wire(&self) -> state::Drift {
        let Drift { changed, missing, attached, unread, is_new: _ } = &self.drift;
        let field = |difference: &Difference| {
            let Difference { path, before, after, .. } = difference.clone();
            let (given, now) = (masked(&path, &before), masked(&path, &after));
            Field { path, given, now }
        };
        let changed = changed.iter().map(|(address, fields)| Changed {
            address: address.to_string(),
            fields: fields.iter().map(field).collect(),
        });
        let attached = attached
            .iter()
            .map(|(address, what)| Attached { address: address.to_string(), what: what.clone() });
        let unread = unread
            .iter()
            .map(|(address, paths)| Unread { address: address.to_string(), paths: paths.clone() });
        state::Drift {
            scope: self.plan.scope.to_string(),
            account: self.plan.account.clone(),
            region: self.plan.region.clone(),
            changed: changed.collect(),
            missing: missing.iter().map(ToString::to_string).collect(),
            attached: attached.collect(),
            unread: unread.collect(),
            failed: self.plan.failed.iter().map(Into::into).collect(),
            strays: self.plan.strays.iter().map(Into::into).collect(),
            unseen: self.plan.unseen.iter().map(Into::into).collect(),
        }
    }

    fn text(&self, page: &Page) -> String {
        render::drift(&self.plan.scope, &self.drift, &page.theme, page.width)
    }
}
