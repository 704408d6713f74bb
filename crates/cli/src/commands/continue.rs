//! `deployer continue`: answers what a rollout waits for.

use deployer_engine::{Hold, Rollout, RolloutState, Steering, steer};

use crate::answer::Form;
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit, RequestError};
use crate::render;
use crate::services::{chosen, words};
use crate::session::Session;
use crate::world::Connect;

/// What `continue` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Let a rollout go on that waits for an answer",
    long_about = "Let a rollout go on that waits for an answer.\n\n\
        A rollout that is held for somebody to look at it goes on, or goes back with `--roll-back`, \
        and this follows it to its end, or until it waits for the next answer.",
    after_long_help = "\
Examples:
  deployer continue web --env prod
  deployer continue web --roll-back   it does not look right"
)]
pub(crate) struct Args {
    /// The service
    #[arg(value_name = "SERVICE", id = "running")]
    service: String,
    #[command(flatten)]
    stack: StackArgs,
    /// Go back to what ran before, in place of going on
    #[arg(long)]
    roll_back: bool,
}

impl Command for Args {
    const FORM: Form = Form::Lines;

    /// Answers, and follows the rollout.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let known = session.known(&self.stack).await?;
        let services = chosen(std::slice::from_ref(&self.service), &known.snapshot)?;
        let looked = session.serving(&known.connected, &services, &known.snapshot).await?;
        let live = services[0];
        let (rollout, hold) = held(looked.first().and_then(|it| it.rollouts.first()))
            .map_err(|is| RequestError::NotHeld { address: live.address.clone(), is })?;
        let registry = session.world.registry();
        let rollouts = registry.rollouts(&live.address.kind).ok_or(RequestError::NoServices)?;
        let how = if self.roll_back { Steering::Decline } else { Steering::Continue };
        let cloud = session.reach(&known, live).await?;
        let how = how(hold.id.clone());
        // What may have been answered is not left before that is known.
        let steering = steer(rollouts, (&*cloud, live), &rollout.id, &how);
        session.attended(steering).await.map_err(|failure| Error::Cloud(vec![failure]))?;
        let followed = session.follow(&known, (live, &rollout.id), Some(&hold.id)).await?;
        let Some(ended) = followed else { return Ok(Exit::Interrupted) };
        if ended.question().is_some_and(|next| next.id != hold.id) {
            let again = format!("answer it with `deployer continue {}`\n", self.service);
            session.note(&again);
            return Ok(Exit::Done);
        }
        let wanted =
            if self.roll_back { RolloutState::RolledBack } else { RolloutState::Succeeded };
        if ended.state == wanted {
            return Ok(Exit::Done);
        }
        let text = format!("the rollout of {} ended otherwise: {}", live.address, words(&ended));
        session.warn(&render::notice("warning:", &text, &session.err, session.margin()));
        Ok(Exit::Failed)
    }
}

/// The rollout that waits for an answer, and what it waits for; how far it is otherwise.
fn held(newest: Option<&Rollout>) -> Result<(&Rollout, &Hold), String> {
    let newest = newest.ok_or_else(|| "there is none".to_owned())?;
    newest.question().map(|hold| (newest, hold)).ok_or_else(|| words(newest))
}
