//! `deployer plan`: what would be done.

use std::collections::BTreeMap;
use std::path::PathBuf;

use deployer_core::Plan;

use crate::answer::{Answer, Form, Page, document};
use crate::args::{StackArgs, TargetArgs};
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::plan_file::{self, PlanFile, PlanFileError};
use crate::render::{self, Detail};
use crate::seal::Key;
use crate::session::Session;
use crate::wire::plan::Planned;
use crate::world::Connect;

/// What `plan` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Show what would be done, and who would notice",
    long_about = "Show what would be done, and who would notice.\n\n\
        A plan changes nothing. For each resource it says what becomes of it and why, which \
        fields differ, whether users notice, and how long AWS typically takes. Where CI says that it \
        is at work (`CI=true`), or with `--verify`, it also looks for what would keep the change \
        from coming up, as `deployer verify` does.",
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
    /// Look for what would keep it from coming up [default in CI]
    #[arg(long, overrides_with = "no_verify")]
    verify: bool,
    /// Do not look for that, in CI either
    #[arg(long)]
    no_verify: bool,
}

impl Command for Args {
    const FORM: Form = Form::Document(document::<Planned>);

    /// Plans, and prints it.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let (project, connected, snapshot) = session.look(&self.stack, None).await?;
        let plan = session.plan_whole(&project, &connected, &snapshot, &self.targets).await?;
        if self.verifies(&session.terminal.environment) {
            session.must_verify(&project, &connected, &snapshot, &plan).await?;
        }
        // The file comes first: after the answer nothing can go wrong any more.
        if let Some(path) = &self.out {
            let (folder, stack) = (&project.source.folder, project.stack.clone());
            let saved = PlanFile::new(folder, stack, plan.clone(), snapshot.fingerprints());
            let TargetArgs { targets, unprotect } = project.meant(&self.targets);
            let saved = saved.cut_down(targets, unprotect);
            let key = Key::of(&session.terminal.environment).map_err(PlanFileError::Key)?;
            plan_file::write(&session.terminal.folder.join(path), saved, key.as_ref())?;
        }
        let detail = if self.full { Detail::Everything } else { Detail::Changes };
        session.answer(&Shown { plan: &plan, detail });
        session.show_refused(&plan, Some(&project));
        if let Some(path) = self.out {
            session
                .note(&format!("\nSaved. To do exactly this: deployer apply {}\n", path.display()));
        }
        Ok(match () {
            () if !plan.is_whole() => Exit::Refused,
            () if self.check && !plan.is_empty() => Exit::Pending,
            () => Exit::Done,
        })
    }
}

impl Args {
    /// GitHub's, GitLab's and most other runners set `CI`.
    fn verifies(&self, environment: &BTreeMap<String, String>) -> bool {
        let is_ci = environment.get("CI").is_some_and(|ci| ["true", "1"].contains(&ci.as_str()));
        self.verify || (is_ci && !self.no_verify)
    }
}

/// A plan as it is shown.
struct Shown<'a> {
    plan: &'a Plan,
    detail: Detail,
}

impl Answer for Shown<'_> {
    type Wire = Planned;

    fn wire(&self) -> Planned {
        self.plan.into()
    }

    fn text(&self, page: &Page) -> String {
        render::plan(self.plan, self.detail, &page.theme, page.width)
    }
}
