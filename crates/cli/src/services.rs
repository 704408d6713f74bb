//! What the commands for services share: which are meant, a plan for a few of them, and how far
//! their rollouts are.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use deployer_core::{Address, Desired, Home, Live, Phase, Plan, Scope, Snapshot, Stack};
use deployer_engine::{
    AnyRollouts, Journal, Places, Rollout, RolloutState, Serving, follow_rollout, serving,
};
use serde_json::Value;

use crate::args::TargetArgs;
use crate::exit::{Error, Exit, RequestError};
use crate::masking::said;
use crate::perform::whole;
use crate::render;
use crate::session::{Known, Session};
use crate::wire::document::Position;
use crate::wire::run::{RolledOut, RunLine};
use crate::workload::{is_meant, services};
use crate::world::Connect;

/// The services that are meant; all where none is named.
pub(crate) fn chosen<'s>(
    asked: &[String],
    snapshot: &'s Snapshot,
) -> Result<Vec<&'s Live>, RequestError> {
    let all = services(snapshot);
    let none = |asked: &str| RequestError::NoService {
        asked: asked.to_owned(),
        known: all.iter().map(|live| live.address.name.clone()).collect(),
    };
    if asked.is_empty() {
        return if all.is_empty() { Err(RequestError::NoServices) } else { Ok(all) };
    }
    let mut meant: Vec<&Live> = Vec::new();
    for asked in asked {
        let is_asked_for = |live: &&&Live| is_meant(asked, &live.address);
        let live = all.iter().find(is_asked_for).ok_or_else(|| none(asked))?;
        if !meant.iter().any(|other| other.address == live.address) {
            meant.push(live);
        }
    }
    Ok(meant)
}

/// The scope with the tags that a service has, so that what is done to it changes none.
pub(crate) fn as_tagged(snapshot: &Snapshot, services: &[&Live]) -> Scope {
    let tags = services.first().map(|live| live.tags.clone()).unwrap_or_default();
    Scope { tags, ..snapshot.scope.clone() }
}

/// These resources as they are to be, and nothing else.
pub(crate) fn alone(
    snapshot: &Snapshot,
    resources: BTreeMap<Address, Desired>,
) -> (Stack, Snapshot) {
    let mut seen = snapshot.clone();
    seen.lives.retain(|live| resources.contains_key(&live.address));
    let stack = Stack {
        scope: snapshot.scope.clone(),
        region: snapshot.region.clone(),
        home: Home::default(),
        roles: snapshot.roles.clone(),
        resources,
        outputs: BTreeMap::new(),
    };
    (stack, seen)
}

/// A resource as it is.
pub(crate) fn as_is(live: &Live) -> Desired {
    Desired { place: live.place.clone(), spec: live.spec.clone() }
}

/// A rollout in words.
pub(crate) fn words(rollout: &Rollout) -> String {
    let because = |what: &str| match &rollout.reason {
        Some(reason) => format!("{what}: {}", said(reason)),
        None => what.to_owned(),
    };
    match rollout.state {
        _ if rollout.question().is_some() => "waits for an answer".to_owned(),
        RolloutState::Pending => "begins".to_owned(),
        RolloutState::UnderWay => under_way(rollout),
        RolloutState::GoingBack => because("going back"),
        RolloutState::Succeeded => "done".to_owned(),
        RolloutState::RolledBack => because("rolled back"),
        RolloutState::Stopped => "stopped".to_owned(),
        RolloutState::Failed => because("failed"),
        RolloutState::Unknown => rollout.status.clone(),
    }
}

/// How far one is that is under way: its tasks, its traffic, and whether it is only watched still.
fn under_way(rollout: &Rollout) -> String {
    let Some(to) = &rollout.to else { return "under way".to_owned() };
    let traffic = to.traffic.map(|share| format!(", {share:.0}% of the traffic"));
    let is_baking = rollout.stage.as_deref() == Some("BAKE_TIME");
    let bake = rollout.bake.filter(|_| is_baking);
    let bake = bake.map(|minutes| format!(", watched for {minutes} min"));
    let (traffic, bake) = (traffic.unwrap_or_default(), bake.unwrap_or_default());
    format!("under way: {} of {}{traffic}{bake}", to.running, to.wanted)
}

impl<W: Connect> Session<'_, W> {
    /// What services run and ran.
    pub(crate) async fn serving<'a>(
        &self,
        places: &Places<W::Cloud>,
        services: &[&'a Live],
        snapshot: &Snapshot,
    ) -> Result<Vec<Serving<'a>>, Error> {
        let registry = self.world.registry();
        let mut all = Vec::new();
        for live in services {
            let looking = serving(&registry, places, (live, &snapshot.lives), &snapshot.roles);
            let found = self.unless_cancelled(looking).await?;
            all.push(found.map_err(|failure| Error::Cloud(vec![failure]))?);
        }
        Ok(all)
    }

    /// Waits for services to settle whose outputs say what has just begun there.
    pub(crate) async fn settle_services(
        &mut self,
        (snapshot, begun): (&Snapshot, BTreeMap<Address, Value>),
        connected: &Arc<Places<W::Cloud>>,
        journal: &Arc<Journal<W::Cloud>>,
    ) -> Result<Exit, Error> {
        let lives = snapshot.lives.iter().filter(|live| snapshot.is_current(live));
        let lives: Vec<Live> = lives
            .filter_map(|live| {
                let output = begun.get(&live.address)?.clone();
                Some(Live { output, phase: Phase::Settling, ..live.clone() })
            })
            .collect();
        let resources = lives.iter().map(|live| (live.address.clone(), as_is(live))).collect();
        let (stack, snapshot) = alone(&Snapshot { lives, ..snapshot.clone() }, resources);
        let plan = self.plan(None, &stack, &snapshot, &TargetArgs::default())?;
        self.carry(&plan, connected, journal).await
    }

    /// Does what a plan for services says.
    pub(crate) async fn carry(
        &mut self,
        plan: &Plan,
        connected: &Arc<Places<W::Cloud>>,
        journal: &Arc<Journal<W::Cloud>>,
    ) -> Result<Exit, Error> {
        if plan.is_empty() && !self.is_json {
            return Ok(whole(plan));
        }
        let outcome = self.perform(connected, journal, plan).await?;
        Ok(self.conclude(plan, &outcome, &BTreeMap::new()))
    }

    /// Follows a rollout until it is over, or waits for another answer than the one of `answered`.
    /// None where that was interrupted: the rollout goes on.
    pub(crate) async fn follow(
        &self,
        known: &Known<W::Cloud>,
        (live, id): (&Live, &str),
        answered: Option<&str>,
    ) -> Result<Option<Rollout>, Error> {
        let registry = self.world.registry();
        let rollouts = registry.rollouts(&live.address.kind);
        let Some(rollouts) = rollouts else { return Err(RequestError::NoServices.into()) };
        let cloud = self.reach(known, live).await?;
        let watching = self.watch(rollouts, (&cloud, live), id, answered);
        match self.unless_cancelled(watching).await {
            Ok(followed) => followed.map(Some).map_err(|failure| Error::Cloud(vec![failure])),
            Err(Error::Interrupted) => {
                let text = format!("{} is followed no more; its rollout goes on", live.address);
                self.warn(&render::notice("interrupted:", &text, &self.err, self.margin()));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Shows how far a rollout is until it is over, or waits for another answer than the one of
    /// `answered`.
    pub(crate) async fn watch(
        &self,
        rollouts: &dyn AnyRollouts<W::Cloud>,
        (cloud, live): (&W::Cloud, &Live),
        id: &str,
        answered: Option<&str>,
    ) -> deployer_engine::Result<Rollout> {
        let mut before = String::new();
        let hear = |rollout: &Rollout| {
            let what = Position::of(&live.address, &live.place);
            self.line(RunLine::Rollout(Box::new(RolledOut { what, rollout: rollout.into() })));
            let text = words(rollout);
            if text != before {
                self.note(&format!("{}  {text}\n", self.err.faint.style(&live.address)));
                before = text;
            }
            match rollout.question() {
                Some(hold) if Some(hold.id.as_str()) != answered => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        };
        follow_rollout(rollouts, (cloud, live), id, hear).await
    }

    /// Whether a rollout that was to go back has; says so where it has not.
    pub(crate) fn must_be_back(&self, live: &Live, ended: &Rollout) -> bool {
        let is_back = ended.state == RolloutState::RolledBack;
        if !is_back {
            let text = format!("{} did not go back: {}", live.address, words(ended));
            self.warn(&render::notice("warning:", &text, &self.err, self.margin()));
        }
        is_back
    }
}
