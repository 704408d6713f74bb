//! `deployer outputs`: the stack's outputs.

use std::collections::BTreeMap;
use std::fmt::Write;

use deployer_core::{Outputs as Known, Text, resolve};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::answer::{Answer, Form, Page, plain};
use crate::args::StackArgs;
use crate::command::Command;
use crate::exit::{Error, Exit, RequestError};
use crate::session::{Project, Session};
use crate::world::Connect;

/// What `outputs` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Print the stack's outputs",
    long_about = "Print the stack's outputs.\n\n\
        They are read from the account, and nothing is planned. With a name, the bare value \
        is printed, ready for a script.",
    after_long_help = "\
Examples:
  deployer outputs
  curl \"$(deployer outputs url)/healthz\"
  deployer outputs --json"
)]
pub(crate) struct Args {
    /// Only this output, as a bare value
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    stack: StackArgs,
}

impl Command for Args {
    const FORM: Form = Form::Document(plain::<Printed>);

    /// Looks what is there, and prints the outputs.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let (Project { stack, .. }, _, snapshot) = session.look(&self.stack, None).await?;
        let known: Known = stack
            .resources
            .keys()
            .filter_map(|address| {
                Some((address.clone(), snapshot.current(address)?.output.clone()))
            })
            .collect();
        let outputs = Outputs::of(&stack.outputs, &known);
        match self.name {
            Some(name) => session.print(&outputs.one(&name, session.is_json)?),
            None => session.answer(&outputs),
        }
        Ok(Exit::Done)
    }
}

/// The outputs by name; null where the resource is not there yet.
pub(crate) struct Outputs(pub(crate) BTreeMap<String, Value>);

impl Outputs {
    /// The outputs as far as they are known.
    pub(crate) fn of(outputs: &BTreeMap<String, Text>, known: &Known) -> Self {
        let resolved = outputs.iter().map(|(name, text)| {
            let value = resolve(&json!(text), known);
            (name.clone(), if value.is_string() { value } else { Value::Null })
        });
        Self(resolved.collect())
    }

    /// One output, bare.
    fn one(&self, name: &str, is_json: bool) -> Result<String, RequestError> {
        match self.0.get(name) {
            None => Err(RequestError::NoOutput {
                asked: name.to_owned(),
                known: self.0.keys().cloned().collect(),
            }),
            Some(value) if is_json => Ok(format!("{value}\n")),
            Some(Value::String(text)) => Ok(format!("{text}\n")),
            Some(_) => Err(RequestError::OutputNotKnown(name.to_owned())),
        }
    }
}

/// What is printed for machines.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is asked for")]
enum Printed {
    /// All of them, by name; null for one that is not known yet.
    All(BTreeMap<String, Option<String>>),
    /// The one that was asked for; null where it is not known yet.
    One(Option<String>),
}

impl Answer for Outputs {
    type Wire = BTreeMap<String, Value>;

    // Their names are the stack's.
    const IS_VERSIONED: bool = false;

    fn wire(&self) -> Self::Wire {
        self.0.clone()
    }

    /// Two columns.
    fn text(&self, _: &Page) -> String {
        let column = self.0.keys().map(|name| name.chars().count()).max().unwrap_or(0);
        self.0.iter().fold(String::new(), |mut text, (name, value)| {
            let value = value.as_str().unwrap_or("(not known yet)");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<column$}  {value}");
            text
        })
    }
}

#[cfg(test)]
mod tests {
    use deployer_core::{Address, Part};

    use super::*;
    use crate::render::Theme;

    fn outputs() -> Outputs {
        let edge = Address::new("load-balancer", "edge");
        let main = Address::new("db-instance", "main");
        let url = Text::from_parts([
            Part::Literal("http://".to_owned()),
            Part::Output { address: edge.clone(), field: "dns".to_owned() },
        ]);
        let texts = BTreeMap::from([
            ("url".to_owned(), url),
            ("database".to_owned(), Text::output(main, "host")),
        ]);
        Outputs::of(&texts, &Known::from([(edge, json!({ "id": "x", "dns": "edge.example" }))]))
    }

    #[test]
    fn what_is_not_there_yet_is_said_to_be() {
        let expected = "database  (not known yet)\nurl       http://edge.example\n";
        let page = Page { theme: Theme::default(), width: 80 };
        assert_eq!(outputs().text(&page), expected);
    }

    #[test]
    fn one_output_is_printed_bare() {
        assert_eq!(outputs().one("url", false).unwrap(), "http://edge.example\n");
        assert_eq!(outputs().one("url", true).unwrap(), "\"http://edge.example\"\n");
        assert_eq!(outputs().one("database", true).unwrap(), "null\n");
        assert!(matches!(outputs().one("database", false), Err(RequestError::OutputNotKnown(_))));
        assert!(matches!(outputs().one("ulr", false), Err(RequestError::NoOutput { .. })));
    }
}
