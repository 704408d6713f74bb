//! `deployer expand`: the resources that the stack expands into.

use serde_json::{Map, Value};

use crate::answer::{Answer, Form, Page, plain};
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::masking::masked;
use crate::session::Session;
use crate::world::Connect;

/// What `expand` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Show the resources that the stack expands into",
    long_about = "Show the resources that the stack expands into.\n\n\
        Every resource with all its fields, as `resources:` would have them. Nothing is looked \
        up; no credentials are needed. So a network that only says how many zones it takes is \
        shown in the first letters, whatever the account has, and what another stack has made \
        without its identifiers. Values that look secret are left out.",
    after_long_help = "\
Examples:
  deployer expand --env prod
  diff <(deployer expand -e dev) <(deployer expand -e prod)"
)]
pub(crate) struct Args {
    #[command(flatten)]
    stack: StackArgs,
}

impl Command for Args {
    const FORM: Form = Form::Document(plain::<Map<String, Value>>);

    /// Reads the stack, and prints its resources.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let project = session.load(&self.stack)?;
        session.answer(&Expanded(masked("", &deployer_stack::expanded(&project.stack))));
        if let [zones @ .., last] = project.assumed_zones.as_slice() {
            let zones = match zones {
                [] => last.clone(),
                zones => format!("{} and {last}", zones.join(", ")),
            };
            session.note(&format!(
                "\nNobody has looked which zones the account has: {zones} may be others. A plan \
                 keeps those that the network is in, and has the first of the others.\n"
            ));
        }
        if project.lacks_ids {
            session.note(
                "\nNobody has looked for what exists already: what is named by a stack has no \
                 identifiers here.\n",
            );
        }
        Ok(Exit::Done)
    }
}

/// A stack of nothing but `resources:`.
struct Expanded(Value);

impl Answer for Expanded {
    type Wire = Value;

    // It is a stack.
    const IS_VERSIONED: bool = false;

    fn wire(&self) -> Value {
        self.0.clone()
    }

    fn text(&self, _: &Page) -> String {
        deployer_stack::to_yaml(&self.0)
    }
}
