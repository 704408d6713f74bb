//! `deployer schema`: the JSON schema of the stack language, and of what commands print.

use clap::ValueEnum;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::answer::Form;
use crate::command::Command;
use crate::exit::{Error, Exit};
use crate::session::Session;
use crate::world::Connect;

/// What `schema` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Print the JSON schema of the stack language, or of what commands print",
    long_about = "Print the JSON schema of the stack language, or of what commands print.\n\n\
        An editor's YAML plug-in completes and checks stacks with the first. The second describes \
        what each command prints with `--json`, under `$defs` by the command's name.",
    after_long_help = "\
Examples:
  deployer schema > deployer.schema.json
  # then, as the first line of a stack:
  # yaml-language-server: $schema=deployer.schema.json
  deployer schema json > answers.schema.json"
)]
pub(crate) struct Args {
    /// Of what
    #[arg(value_enum, value_name = "WHAT", default_value = "stack")]
    what: What,
}

/// What there is a schema of.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// The stack language
    Stack,
    /// What commands print with `--json`
    Json,
}

impl Command for Args {
    const FORM: Form = Form::Same;

    /// Prints the schema.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let schema = match self.what {
            What::Stack => deployer_stack::schema(&session.world.registry().kinds()),
            What::Json => printed(session.forms),
        };
        session.print(&format!("{schema:#}\n"));
        Ok(Exit::Done)
    }
}

/// The schema of what each command prints: `#/$defs/plan` is that of a document, or of a line where
/// a command prints several.
pub(crate) fn printed(forms: &[(&str, Form)]) -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut commands = Map::new();
    for (name, form) in forms {
        // One whose name is a word of Rust's.
        let name = name.trim_start_matches("r#");
        let Some(mut schema) = form.schema(&mut generator) else { continue };
        let is_one = matches!(form, Form::Document(_));
        let how = if is_one { "one document" } else { "a document a line" };
        schema["description"] = json!(format!("What `deployer {name} --json` prints: {how}."));
        commands.insert(name.to_owned(), schema);
    }
    let names: Vec<Value> =
        commands.keys().map(|name| json!({ "$ref": format!("#/$defs/{name}") })).collect();
    let mut definitions = generator.take_definitions(true);
    definitions.extend(commands);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What deployer prints with --json, version 1",
        "anyOf": names,
        "$defs": definitions,
    })
}
