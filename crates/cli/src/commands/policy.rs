//! `deployer policy`: what IAM has to permit.

use clap::ValueEnum;
use deployer_engine::Access;
use serde_json::Value;

use crate::answer::Form;
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::session::Session;
use crate::world::Connect;

/// What `policy` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Print the IAM policy that somebody needs for the stack",
    long_about = "Print the IAM policy that somebody needs for the stack.\n\n\
        It permits what the commands do and no more: what a deployer changes has a name or tags of \
        this environment, so nothing that others made, and nothing that was adopted, whose name is \
        another. Nothing is looked up and no credentials are needed, unless the stack uses what \
        another stack made, or a load balancer made by hand. It takes more room than a role has \
        for inline policies: `--managed` prints it in parts that managed policies have room for.",
    after_long_help = "\
Examples:
  deployer policy reader --env prod > reader.json
  deployer policy deployer --env prod --managed | jq --compact-output '.[]'"
)]
pub(crate) struct Args {
    /// Who
    #[arg(value_enum, value_name = "WHO")]
    who: Who,
    /// Print it as a list of policies, each of which can be a managed policy
    #[arg(long)]
    managed: bool,
    #[command(flatten)]
    stack: StackArgs,
}

/// Who needs one.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Who {
    /// Looks: plan, status, drift, outputs
    Reader,
    /// Also changes what this environment made: apply, publish, secret, destroy
    Deployer,
    /// Also adopts, and does by hand what no command does; on anything in the account
    BreakGlass,
}

impl Command for Args {
    const FORM: Form = Form::Same;

    /// Reads the stack, and prints the policy.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let project = session.load(&self.stack)?;
        // What it names and did not make is let in by its identifiers.
        let project = session.as_guest(project).await?;
        let access = match self.who {
            Who::Reader => Access::Reader,
            Who::Deployer => Access::Deployer,
            Who::BreakGlass => Access::BreakGlass,
        };
        if self.managed {
            let parts = session.world.managed_policies(access, &project.stack);
            session.print(&format!("{:#}\n", Value::from(parts)));
            return Ok(Exit::Done);
        }
        let policy = session.world.policy(access, &project.stack);
        session.print(&format!("{policy:#}\n"));
        let (length, most) = (policy.to_string().len(), session.world.longest_policy());
        if length > most {
            session.warn(&format!(
                "warning: it has {length} characters, and the policies in a role have {most} at \
                 most together: `--managed` prints it in parts, for managed policies\n"
            ));
        }
        Ok(Exit::Done)
    }
}
