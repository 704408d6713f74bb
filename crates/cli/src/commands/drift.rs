//! `deployer drift`: what was changed outside.

use std::collections::BTreeSet;

use deployer_core::{Action, Address, Difference, Plan, Reason, Snapshot};
use deployer_engine::Look;
use serde_json::json;

use crate::args::{StackArgs, TargetArgs};
use crate::exit::{Error, Exit};
use crate::render;
use crate::session::Session;
use crate::world::Connect;

/// What `drift` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Show what was changed outside",
    long_about = "Show what was changed outside.\n\n\
        Each resource carries a mark of what it was last given, so what somebody changed in the \
        console is told apart from what the file changed since. What others own, such as a \
        count that a scaler sets, and what AWS moves by itself are no drift. Exits with 3 when \
        there is some; `deployer apply` puts it back.",
    after_long_help = "\
Examples:
  deployer drift --env prod
  deployer drift --env prod --json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: StackArgs,
}

/// What was changed outside.
pub(crate) struct Drift {
    /// Fields that are not as they were last given, by resource: before is what was given.
    pub(crate) changed: Vec<(Address, Vec<Difference>)>,
    /// Resources that are not there: deleted, or never made.
    pub(crate) missing: Vec<Address>,
    /// What others attached, by resource.
    pub(crate) attached: Vec<(Address, Vec<String>)>,
    /// Fields that AWS does not show, or that this version cannot read, by resource: whether they
    /// have changed is not known, and no drift.
    pub(crate) unread: Vec<(Address, BTreeSet<String>)>,
}

/// Looks what is there, and shows what nobody wrote into the file.
pub(crate) async fn run<W: Connect>(
    args: Args,
    session: &mut Session<'_, W>,
) -> Result<Exit, Error> {
    let (project, _, snapshot) = session.look(&args.stack, Some(Look::Close)).await?;
    let targets = TargetArgs::default();
    let plan = session.plan(Some(&project.source), &project.stack, &snapshot, &targets)?;
    let drift = Drift::of(&plan, &snapshot);
    if session.is_json {
        session.print(&format!("{:#}\n", as_json(&plan, &drift)));
    } else {
        let width = session.terminal.width;
        session.print(&render::drift(&plan.scope, &drift, &session.out, width));
        session.tell(&render::strays(&plan.strays, &session.err, width));
    }
    Ok(if drift.is_none() { Exit::Done } else { Exit::Pending })
}

impl Drift {
    fn of(plan: &Plan, snapshot: &Snapshot) -> Self {
        let unread = snapshot.lives.iter().map(|live| (live.address.clone(), live.unread()));
        let changed = plan.steps.iter().filter_map(|step| {
            let drifted: Vec<Difference> =
                step.differences.iter().filter(|it| it.drift).map(turned).collect();
            (!drifted.is_empty()).then(|| (step.address.clone(), drifted))
        });
        let missing = plan
            .steps
            .iter()
            .filter(|step| (step.action, step.reason) == (Action::Create, Reason::Missing));
        Self {
            changed: changed.collect(),
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

fn as_json(plan: &Plan, drift: &Drift) -> serde_json::Value {
    let changed = drift.changed.iter().map(|(address, differences)| {
        let fields = differences.iter().map(|Difference { path, before, after, .. }| {
            json!({ "path": path, "given": before, "now": after })
        });
        json!({ "address": address, "fields": fields.collect::<Vec<_>>() })
    });
    let attached =
        drift.attached.iter().map(|(address, what)| json!({ "address": address, "what": what }));
    let unread =
        drift.unread.iter().map(|(address, paths)| json!({ "address": address, "paths": paths }));
    json!({
        "scope": plan.scope,
        "account": plan.account,
        "region": plan.region,
        "changed": changed.collect::<Vec<_>>(),
        "missing": drift.missing,
        "attached": attached.collect::<Vec<_>>(),
        "unread": unread.collect::<Vec<_>>(),
        "strays": plan.strays,
    })
}
