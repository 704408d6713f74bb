//! The `secrets` section.

use deployer_core::{Address, Text};
use deployer_kinds::{self as kinds, Characters, SecretSpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::{Draft, Origin};
use crate::later::NotYet;
use crate::node::Node;
use crate::quantities::DaysOrNone;
use crate::section::{Offer, Output, Section, Sections};

/// A secret whose value AWS generates once; nobody reads it but the services that are given it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Secret {
    /// How many characters are generated, 8 to 4096.
    #[serde(default = "length")]
    pub(crate) length: u32,
    /// Which characters are generated: `alphanumeric` or `printable`.
    #[serde(default)]
    pub(crate) characters: Characters,
    /// How long it can be recovered after it is deleted: `7 days` to `30 days`, or `none`.
    #[serde(default = "recovery")]
    pub(crate) recovery: DaysOrNone,
    /// A value that a person puts in: `manual`.
    pub(crate) value: Option<NotYet>,
    /// Where it is kept: Secrets Manager, or `parameter-store`.
    pub(crate) store: Option<NotYet>,
    /// Other regions it is copied to.
    pub(crate) copy_to: Option<NotYet>,
    /// One that exists already.
    pub(crate) existing: Option<NotYet>,
}

impl Section for Secret {
    const KEY: &'static str = "secrets";
    const ABOUT: &'static str = "Generated secrets, by name.";
    const IS_USABLE: bool = true;

    fn expand(&self, name: &str, _all: &Sections, draft: &mut Draft) {
        let spec = SecretSpec {
            description: format!("secret {name}"),
            length: self.length.into(),
            characters: self.characters.into(),
            key: None,
            recovery_days: self.recovery.0.into(),
        };
        let fields = &[("length", "length"), ("recovery-days", "recovery")];
        draft.make::<kinds::Secret>(name, &spec, Origin::new(&[Self::KEY, name], fields));
    }

    fn offer(&self, name: &str) -> Option<Offer> {
        let secret = Text::output(Address::new("secret", name), "id");
        Some(Offer {
            secrets: vec![("", secret.clone())],
            readable: vec![secret],
            ..Offer::default()
        })
    }

    fn outputs(name: &str, _body: &Node) -> Vec<Output> {
        vec![Output::of("arn", "secret", name, "id")]
    }
}

fn length() -> u32 {
    32
}

fn recovery() -> DaysOrNone {
    DaysOrNone(7)
}
