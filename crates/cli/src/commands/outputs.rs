//! `deployer outputs`: the stack's outputs.

use std::collections::BTreeMap;
use std::fmt::Write;

use deployer_core::{Outputs, Text, resolve};
use serde_json::{Value, json};

use crate::args::StackArgs;
use crate::exit::{Error, Exit, RequestError};
use crate::session::{Project, Session};
use crate::world::Connect;

/// What `outputs` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Print the stack's outputs",
    long_about = "Print the stack's outputs.\n\n\
        They are read from what is there, and nothing is planned. With a name, the bare value \
        is printed, ready for a script.",
    after_long_help = "\
Examples:
  deployer outputs
  curl \"$(deployer outputs url)/healthz\"
  deployer outputs --json"
)]
pub(crate) struct Args {
    /// Only this one, bare
    #[arg(value_name = "NAME")]
    name: Option<String>,
    #[command(flatten)]
    stack: StackArgs,
}

/// Looks what is there, and prints the outputs.
pub(crate) async fn run<W: Connect>(
    args: Args,
    session: &mut Session<'_, W>,
) -> Result<Exit, Error> {
    let (Project { stack, .. }, _, snapshot) = session.look(&args.stack, None).await?;
    let known: Outputs = stack
        .resources
        .keys()
        .filter_map(|address| Some((address.clone(), snapshot.current(address)?.output.clone())))
        .collect();
    let outputs = resolved(&stack.outputs, &known);
    match args.name {
        Some(name) => session.print(&one(&name, &outputs, session.is_json)?),
        None if session.is_json => session.print(&format!("{:#}\n", json!(outputs))),
        None => session.print(&lines(&outputs)),
    }
    Ok(Exit::Done)
}

/// The outputs by name; null where the resource is not there yet.
pub(crate) fn resolved(
    outputs: &BTreeMap<String, Text>,
    known: &Outputs,
) -> BTreeMap<String, Value> {
    outputs
        .iter()
        .map(|(name, text)| {
            let value = resolve(&json!(text), known);
            (name.clone(), if value.is_string() { value } else { Value::Null })
        })
        .collect()
}

/// The outputs in two columns.
pub(crate) fn lines(outputs: &BTreeMap<String, Value>) -> String {
    let column = outputs.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    outputs.iter().fold(String::new(), |mut text, (name, value)| {
        let value = value.as_str().unwrap_or("(not known yet)");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<column$}  {value}");
        text
    })
}

/// One output, bare.
fn one(
    name: &str,
    outputs: &BTreeMap<String, Value>,
    is_json: bool,
) -> Result<String, RequestError> {
    match outputs.get(name) {
        None => Err(RequestError::NoOutput {
            asked: name.to_owned(),
            known: outputs.keys().cloned().collect(),
        }),
        Some(value) if is_json => Ok(format!("{value}\n")),
        Some(Value::String(text)) => Ok(format!("{text}\n")),
        Some(_) => Err(RequestError::OutputNotKnown(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use deployer_core::{Address, Part};

    use super::*;

    fn outputs() -> BTreeMap<String, Value> {
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
        resolved(&texts, &Outputs::from([(edge, json!({ "id": "x", "dns": "edge.example" }))]))
    }

    #[test]
    fn what_is_not_there_yet_is_said_to_be() {
        let expected = "database  (not known yet)\nurl       http://edge.example\n";
        assert_eq!(lines(&outputs()), expected);
    }

    #[test]
    fn one_output_is_printed_bare() {
        assert_eq!(one("url", &outputs(), false).unwrap(), "http://edge.example\n");
        assert_eq!(one("url", &outputs(), true).unwrap(), "\"http://edge.example\"\n");
        assert_eq!(one("database", &outputs(), true).unwrap(), "null\n");
        assert!(matches!(one("database", &outputs(), false), Err(RequestError::OutputNotKnown(_))));
        assert!(matches!(one("ulr", &outputs(), false), Err(RequestError::NoOutput { .. })));
    }
}
