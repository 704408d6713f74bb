//! `deployer status`: what is there.

use deployer_core::{Live, Phase, Snapshot};
use deployer_engine::Scan;
use serde_json::json;

use crate::args::StackArgs;
use crate::exit::{Error, Exit};
use crate::render;
use crate::session::Session;
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

/// Scans what is there, and lists it.
pub(crate) async fn run<W: Connect>(
    args: Args,
    session: &mut Session<'_, W>,
) -> Result<Exit, Error> {
    let place = session.locate(&args.stack)?;
    let (connected, _) = session.connect_anyway(&args.stack, &place).await?;
    let deeds = session.deeds(&connected, &place.scope).await?;
    let snapshot = session.observe(&connected, &place.scope, Scan::Known, &deeds).await?;
    if session.is_json {
        session.print(&format!("{:#}\n", as_json(&snapshot)));
    } else if snapshot.lives.is_empty() {
        let (_, region) = connected.home();
        session.print(&format!("There is nothing of {} in {region}.\n", place.scope));
    } else {
        let rows: Vec<Vec<String>> = snapshot.lives.iter().map(row).collect();
        let headings = ["RESOURCE", "STATE", "GEN", "ID"];
        let width = session.terminal.width;
        session.print(&render::table(&headings, &rows, &session.out, width));
    }
    if !session.is_json {
        session.tell(&render::strays(&snapshot.strays, &session.err, session.terminal.width));
    }
    Ok(Exit::Done)
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

fn as_json(snapshot: &Snapshot) -> serde_json::Value {
    let resources = snapshot.lives.iter().map(|live| {
        json!({
            "address": live.address,
            "place": live.place,
            "id": live.id(),
            "generation": live.generation,
            "phase": live.phase,
            "state": live.state,
            "foreign": live.foreign,
            "unread": live.unread(),
        })
    });
    json!({
        "scope": snapshot.scope,
        "account": snapshot.account,
        "region": snapshot.region,
        "resources": resources.collect::<Vec<_>>(),
        "strays": snapshot.strays,
    })
}
