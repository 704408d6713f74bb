//! `deployer plan`: what would be done.

use std::path::PathBuf;

use deployer_core::Plan;
use serde_json::json;

use crate::args::{StackArgs, TargetArgs};
use crate::exit::{Error, Exit};
use crate::plan_file;
use crate::render::{self, Detail};
use crate::session::Session;
use crate::world::Connect;

/// What `plan` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Show what would be done, and who would notice",
    long_about = "Show what would be done, and who would notice.\n\n\
        A plan changes nothing. For each resource it says what becomes of it and why, which \
        fields differ, whether users notice, and how long AWS typically takes.",
    after_long_help = "\
Examples:
  deployer plan --env prod          what would be done in prod
  deployer plan --out p.json        keep it; `deployer apply p.json` does exactly that
  deployer plan --check             exit with 3 when there is something to do
  deployer plan --target services/web --full"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: StackArgs,
    #[command(flatten)]
    targets: TargetArgs,
    /// Save the plan, to be applied as it is
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Exit with 3 when there are changes to make
    #[arg(long)]
    check: bool,
    /// Show every field of what would be created
    #[arg(long)]
    full: bool,
}

/// Plans, and prints it.
pub(crate) async fn run<W: Connect>(
    args: Args,
    session: &mut Session<'_, W>,
) -> Result<Exit, Error> {
    let (project, connected, snapshot) = session.look(&args.stack, None).await?;
    let source = Some(&project.source);
    let mut plan =
        session.plan(source, &project.stack, &snapshot, &project.meant(&args.targets))?;
    plan.left_behind = session.left_behind(&connected, &project.source, &snapshot).await;
    if session.is_json {
        session.print(&as_json(&plan));
    } else if plan.is_empty() {
        session.print(&render::empty(&plan, &session.out, session.terminal.width));
    } else {
        let detail = if args.full { Detail::Everything } else { Detail::Changes };
        session.print(&render::plan(&plan, detail, &session.out, session.terminal.width));
    }
    if let Some(path) = args.out {
        plan_file::write(&session.terminal.folder.join(&path), &project.source.folder, &plan)?;
        session.tell(&format!("\nSaved. To do exactly this: deployer apply {}\n", path.display()));
    }
    Ok(if args.check && !plan.is_empty() { Exit::Pending } else { Exit::Done })
}

/// The plan with what is worked out from it.
fn as_json(plan: &Plan) -> String {
    let value = json!({
        "plan": plan,
        "summary": plan.summary(),
        "impact": plan.impact(),
        "typical": plan.typical(),
    });
    format!("{value:#}\n")
}
