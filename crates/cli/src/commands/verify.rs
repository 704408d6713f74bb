//! `deployer verify`: what a first change would run into.

use deployer_core::{Diagnostic, Severity};
use schemars::JsonSchema;
use serde::Serialize;

use crate::answer::{Answer, Form, Page, document};
use crate::args::{StackArgs, TargetArgs};
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::render;
use crate::session::{Project, Session};
use crate::wire::error as wire;
use crate::world::Connect;

/// What `verify` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Look for what would keep a change from coming up",
    long_about = "Look for what would keep a change from coming up.\n\n\
        It plans, and then looks whether that is there and fit for use which the stack names and \
        does not make: images, for the processor that tasks have; roles that tasks can take on; \
        secrets and parameters, with the keys that are read of them; certificates that are \
        issued; subnets with room for a rollout. It asks IAM whether whoever runs it may do what \
        is planned, and looks whether quotas have room for it. It changes nothing, and no value \
        of a secret is kept or shown. What will fail is an error, at its line, and makes this end \
        with 1; what may fail, or could not be looked at, is a warning. `deployer apply --verify` \
        does this first.",
    after_long_help = "\
Examples:
  deployer verify --env prod
  deployer verify --json
  deployer apply --verify"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: StackArgs,
}

impl Command for Args {
    const FORM: Form = Form::Document(document::<Findings>);

    /// Plans, looks, and says what it found.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let (project, connected, snapshot) = session.look(&self.stack, None).await?;
        let targets = TargetArgs::default();
        let plan = session.plan_whole(&project, &connected, &snapshot, &targets).await?;
        let found = session.verify(&project, &connected, &snapshot, &plan).await?;
        let shown = Shown { project: &project, found };
        session.answer(&shown);
        Ok(if shown.has_errors() { Exit::Wrong } else { Exit::Done })
    }
}

/// What was found.
struct Shown<'a> {
    project: &'a Project,
    found: Vec<Diagnostic>,
}

impl Shown<'_> {
    fn has_errors(&self) -> bool {
        self.found.iter().any(|it| it.severity == Severity::Error)
    }
}

/// What would keep a change from coming up, or may.
#[derive(Serialize, JsonSchema)]
struct Findings {
    /// Each at its place in the stack; an `error` will fail, a `warning` may.
    findings: Vec<wire::Diagnostic>,
}

impl Answer for Shown<'_> {
    type Wire = Findings;

    fn wire(&self) -> Findings {
        let source = &self.project.source;
        let findings = render::located_diagnostics(&self.found, &source.name, &source.text);
        Findings { findings }
    }

    fn text(&self, page: &Page) -> String {
        if self.found.is_empty() {
            return "Nothing was found that would keep a change from coming up.\n".to_owned();
        }
        let source = &self.project.source;
        render::diagnostics(&self.found, &source.name, &source.text, &page.theme, page.width)
    }
}
