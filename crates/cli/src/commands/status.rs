//! `deployer status`: what is there.

use deployer_core::{Live, Phase, Snapshot};
use deployer_engine::Scan;

use crate::answer::{Answer, Form, Page, document};
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::render;
use crate::session::Session;
use crate::wire::state::Status;
use crate::world::Connect;

/// What `status` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "List what is there",
    long_about = "List what is there.\n\n\
        All that this environment of the stack owns in the account, by its tags, with AWS's own \
        word for its state. The stack need not be right for this.",
    after_long_help = "\
Examples:
  deployer status --env prod
  deployer status --json"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: StackArgs,
}

impl Command for Args {
    const FORM: Form = Form::Document(document::<Status>);

    /// Scans what is there, and lists it.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let place = session.locate(&self.stack)?;
        let (connected, _) = session.connect_anyway(&self.stack, &place).await?;
        let deeds = session.deeds(&connected, &place.scope).await?;
        let snapshot = session.observe(&connected, &place.scope, Scan::Known, &deeds).await?;
        session.answer(&Shown { snapshot: &snapshot });
        session.tell(&render::strays(&snapshot.strays, &session.err, session.terminal.width));
        Ok(Exit::Done)
    }
}

fn row(live: &Live) -> Vec<String> {
    vec![
        render::located(&live.address, &live.place),
        state(live),
        live.generation.to_string(),
        render::short(live.id()).to_owned(),
    ]
}

/// AWS's word for it where there is one.
fn state(live: &Live) -> String {
    let word = match live.phase {
        Phase::Ready => "ready",
        Phase::Settling => "settling",
        Phase::Leaving => "leaving",
    };
    if live.state.is_empty() { word.to_owned() } else { live.state.clone() }
}

/// What is there, as it is shown.
struct Shown<'a> {
    snapshot: &'a Snapshot,
}

impl Answer for Shown<'_> {
    type Wire = Status;

    fn wire(&self) -> Status {
        Status::of(self.snapshot)
    }

    fn text(&self, page: &Page) -> String {
        let Snapshot { lives, scope, region, .. } = self.snapshot;
        if lives.is_empty() {
            return format!("There is nothing of {scope} in {region}.\n");
        }
        let rows: Vec<Vec<String>> = lives.iter().map(row).collect();
        render::table(&["RESOURCE", "STATE", "GEN", "ID"], &rows, &page.theme, page.width)
    }
}
