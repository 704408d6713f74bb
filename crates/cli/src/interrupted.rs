//! What becomes of the rollouts that an interrupted run followed: whoever is there is asked.

use std::mem;

use deployer_core::{Action, Live, Plan, Roles};
use deployer_engine::{Outcome as Ended, Places, RolloutState, Steering, steer};

use crate::render;
use crate::services::words;
use crate::session::Session;
use crate::workload::named;
use crate::world::Connect;

impl<W: Connect> Session<'_, W> {
    /// Notes what an interrupted run has left under way that the cloud may be rolling out. What was
    /// never there before has nothing to go back to.
    pub(crate) fn leave(&mut self, plan: &Plan, outcome: &Ended) {
        let registry = self.world.registry();
        let steps = outcome.abandoned.iter().map(|(step, _)| &plan.steps[*step]);
        let stays = steps.filter(|step| step.action != Action::Delete);
        let lives = stays.filter_map(|step| step.live.clone());
        self.left.extend(lives.filter(|live| registry.rollouts(&live.address.kind).is_some()));
    }

    /// Asks about each rollout that was left whether it goes on or goes back, and follows those that
    /// go back. Where nobody is asked they go on, and what takes one back is said. It needs no lock,
    /// as `rollback` needs none.
    pub(crate) async fn ask_about_rollouts(&mut self, places: &Places<W::Cloud>, roles: &Roles) {
        for live in mem::take(&mut self.left) {
            let asked = if self.is_attended() {
                self.ask_about(&live, places, roles).await
            } else {
                self.say_it_goes_on(&live);
                Ok(())
            };
            if let Err(failure) = asked {
                let text = format!("{}: {failure}", live.address);
                self.warn(&render::notice("warning:", &text, &self.err, self.margin()));
                self.say_it_goes_on(&live);
            }
        }
    }

    async fn ask_about(
        &mut self,
        live: &Live,
        places: &Places<W::Cloud>,
        roles: &Roles,
    ) -> deployer_engine::Result<()> {
        let registry = self.world.registry();
        let Some(rollouts) = registry.rollouts(&live.address.kind) else { return Ok(()) };
        let cloud = self.attended(places.at(&live.place, roles)).await?;
        let all = self.attended(rollouts.rollouts(&cloud, live)).await?;
        let is_under_way = matches!(
            all.first().map(|newest| newest.state),
            Some(RolloutState::Pending | RolloutState::UnderWay)
        );
        let Some(newest) = all.first().filter(|_| is_under_way) else {
            self.say_it_goes_on(live);
            return Ok(());
        };
        let address = &live.address;
        self.note(&format!("\n{address}: the rollout is {}\n", words(newest)));
        let answer = self.typed("Leave it, or roll it back? [l/r]").await;
        if !matches!(answer.to_lowercase().as_str(), "r" | "roll back" | "rollback") {
            self.say_it_goes_on(live);
            return Ok(());
        }
        let steering = steer(rollouts, (&*cloud, live), &newest.id, &Steering::RollBack);
        self.attended(steering).await?;
        let watching = self.watch(rollouts, (&cloud, live), &newest.id, None);
        let ended = self.attended(watching).await?;
        self.must_be_back(live, &ended);
        Ok(())
    }

    fn say_it_goes_on(&self, live: &Live) {
        let text = format!(
            "{}: a rollout that has begun goes on; `deployer rollback {}` takes it back",
            live.address,
            named(&live.address)
        );
        self.warn(&render::notice("interrupted:", &text, &self.err, self.margin()));
    }
}
