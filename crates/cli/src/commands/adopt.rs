//! `deployer adopt`: takes something over that the stack did not make.

use std::collections::BTreeSet;

use deployer_core::{Address, Live, Plan};
use deployer_engine::{Adoption, Look, adopt, seek};
use serde_json::json;

use crate::args::StackArgs;
use crate::exit::{Error, Exit, RequestError};
use crate::lock::LockArgs;
use crate::render::Detail;
use crate::session::{Project, Session, unplannable};
use crate::world::{Connect, Connected};

/// What `adopt` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Take over something that the stack did not make",
    long_about = "Take over something that the stack did not make.\n\n\
        Shows how it differs from what the file says, asks, and writes this stack's tags on it. \
        Nothing else is changed: the next `deployer apply` makes it as the file says, and \
        `deployer destroy` deletes it with the rest. It also puts back tags that somebody took \
        off.\n\n\
        The identifier is the one that `deployer status` shows for the kind: `vpc-…`, `sg-…`, \
        the identifier of a database, the ARN of a load balancer or a secret. Roles, log groups, \
        repositories and DB subnet groups are looked for by the names that the stack gives, so \
        only one of that name can be taken over.",
    after_long_help = "\
Examples:
  deployer adopt vpc/main vpc-0123456789abcdef0
  deployer adopt db-instance/main shop-production --env prod"
)]
pub(crate) struct Args {
    /// The resource of the stack that it is to be
    #[arg(value_name = "ADDRESS")]
    address: Address,
    /// What it is, by AWS's identifier
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    stack: StackArgs,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    lock: LockArgs,
}

/// Finds it, shows what would become of it, asks, and tags it.
pub(crate) async fn run<W: Connect>(
    args: Args,
    session: &mut Session<'_, W>,
) -> Result<Exit, Error> {
    let project = session.load(&args.stack)?;
    let Project { source, stack, .. } = &project;
    if !stack.resources.contains_key(&args.address) {
        Err(RequestError::NoTarget(args.address.clone()))?;
    }
    let connected = session.connect(Some(&stack.region), &source.folder).await?;
    let work =
        async |session: &mut Session<'_, W>| take_over(&args, &project, &connected, session).await;
    session.locked("adopt", &args.lock, &connected, &stack.scope, work).await
}

async fn take_over<W: Connect>(
    args: &Args,
    project: &Project,
    connected: &Connected<W::Cloud>,
    session: &mut Session<'_, W>,
) -> Result<Exit, Error> {
    let Args { address, id, .. } = args;
    let Project { source, stack, .. } = project;
    let there = session.observe(connected, &stack.scope, Look::Quick).await?;
    if let Some(live) = there.current(address) {
        Err(RequestError::AlreadyThere { address: address.clone(), id: live.id().to_owned() })?;
    }
    let registry = session.world.registry();
    let adoption = Adoption { address: address.clone(), id: id.clone() };
    let seeking = seek(&registry, &*connected.cloud, &stack.scope, &adoption);
    let live = session
        .unless_cancelled(seeking)
        .await?
        .map_err(|failure| Error::Cloud(vec![failure]))?
        .ok_or_else(|| RequestError::NothingToAdopt { address: address.clone(), id: id.clone() })?;
    let all = BTreeSet::from([address.clone()]);
    let plan = deployer_core::plan(stack, &there.with(live.clone()), &registry.kinds(), &all)
        .map_err(|mistakes| unplannable(Some(source), stack, mistakes))?
        .only(&all);
    if !session.is_json {
        session.tell(&format!(
            "{id} becomes {address}. The next `deployer apply` then does this:\n\n"
        ));
        session.show(&plan, Detail::Changes);
    }
    if !args.yes {
        let help = "add `--yes` to take it over without a question";
        session.confirm(&format!("Take over {id}?"), help).await?;
    }
    adopt(&registry, &*connected.cloud, &stack.scope, &live)
        .await
        .map_err(|failure| Error::Cloud(vec![failure]))?;
    conclude(&live, &plan, session);
    Ok(Exit::Done)
}

fn conclude<W: Connect>(live: &Live, plan: &Plan, session: &Session<'_, W>) {
    if session.is_json {
        let adopted = json!({
            "event": "adopted",
            "address": live.address,
            "id": live.id(),
            "plan": plan,
        });
        session.print(&format!("{adopted}\n"));
    } else {
        let done = session.out.good.style("Taken over:");
        session.print(&format!("{done} {} is {} now.\n", live.id(), live.address));
    }
}
