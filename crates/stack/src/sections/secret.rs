//! The `secrets` section.

use std::borrow::Cow;

use deployer_core::{Address, Arn, Code, Kind, Partition, Text};
use deployer_kinds::{self as kinds, Characters, SecretSpec};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;

use crate::draft::{Draft, Origin, owned};
use crate::later::NotYet;
use crate::node::Node;
use crate::quantities::DaysOrNone;
use crate::section::{Offer, Output, Section, Sections};
use crate::sections::existing::{Maker, Named, made_by};
use crate::stored::Stored;
use crate::text_form::{TextOr, text_or};

/// A secret whose value AWS generates once; nobody reads it but the services that are given it. Or
/// one that exists already.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Secret {
    /// How many characters are generated, 8 to 4096.
    #[serde(default = "length")]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) length: u32,
    /// Which characters are generated: `alphanumeric` or `printable`.
    #[serde(default)]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) characters: Characters,
    /// How long it can be recovered after it is deleted: `7 days` to `30 days`, or `none`.
    #[serde(default = "recovery")]
    #[schemars(extend("x-excludes" = ["existing"]))]
    pub(crate) recovery: DaysOrNone,
    /// A value that a person puts in: `manual`.
    pub(crate) value: Option<NotYet>,
    /// Where it is kept: Secrets Manager, or `parameter-store`.
    pub(crate) store: Option<NotYet>,
    /// Other regions it is copied to.
    pub(crate) copy_to: Option<NotYet>,
    /// One that exists already, in the place of one that is made: the ARN of a secret or of a
    /// parameter, `/app/prod/token`, which is a parameter in this region, or with the key that it is
    /// encrypted with, `{ id: "arn:…", key: "arn:…" }`; or one that another stack or environment has
    /// made, `{ stack: platform, environment: prod, name: session }`. Nothing of it is changed.
    #[schemars(extend("x-excludes" = ["length", "characters", "recovery"]))]
    pub(crate) existing: Option<Existing>,
}

/// A secret that exists already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Existing {
    id: Option<String>,
    key: Option<String>,
    stack: Option<String>,
    environment: Option<String>,
    name: Option<String>,
}

/// The long form of [`Existing`].
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mapping {
    /// The ARN of a secret or of a parameter, or the name of a parameter: `/app/prod/token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-excludes" = ["stack", "environment", "name"]))]
    id: Option<String>,
    /// The ARN of the key of KMS that it is encrypted with, where that is not AWS's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-excludes" = ["stack", "environment", "name"]))]
    key: Option<String>,
    /// The stack that made it, in the same account and region; this one when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-excludes" = ["id", "key"]))]
    stack: Option<String>,
    /// The environment of that stack that made it; the one of the same name when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-excludes" = ["id", "key"]))]
    environment: Option<String>,
    /// What it is called there; as here when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-excludes" = ["id", "key"]))]
    name: Option<String>,
}

impl Section for Secret {
    const KEY: &'static str = "secrets";
    const ABOUT: &'static str = "Generated secrets, by name.";
    const IS_USABLE: bool = true;

    fn expand(&self, name: &str, _all: &Sections, draft: &mut Draft) {
        if let Some(existing) = &self.existing {
            return existing.expand(name, draft);
        }
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

    fn offer(&self, name: &str, _all: &Sections) -> Option<Offer> {
        if let Some(existing) = self.existing.as_ref().filter(|existing| !existing.has_maker()) {
            return existing.offer();
        }
        let secret = Text::output(Address::new("secret", name), "id");
        Some(Offer {
            secrets: vec![("", secret.clone())],
            readable: vec![secret.into()],
            ..Offer::default()
        })
    }

    fn outputs(name: &str, body: &Node) -> Vec<Output> {
        // Of one that is named by its ARN the stack has that as it is written.
        let existing = body.field("existing");
        let has_maker = |it: &Node| MAKER.iter().any(|key| it.field(key).is_some());
        if existing.is_some_and(|existing| !has_maker(existing)) {
            return Vec::new();
        }
        vec![Output::of("arn", "secret", name, "id")]
    }
}

/// The keys that say who made one.
const MAKER: [&str; 3] = ["stack", "environment", "name"];

impl Existing {
    /// Whether it is named by who made it.
    fn has_maker(&self) -> bool {
        self.stack.is_some() || self.environment.is_some() || self.name.is_some()
    }

    /// Finds the one that is meant; reports what cannot be one.
    fn expand(&self, name: &str, draft: &mut Draft) {
        let at = [Secret::KEY, name, "existing"];
        match (&self.id, self.has_maker()) {
            (Some(id), false) => self.check(id, name, draft),
            (None, true) if self.key.is_none() => self.seek(name, draft),
            (None, false) => {
                let title = format!("`{}` does not say which", at.join("."));
                let help = "write `id: arn:…`, or `stack:` and `environment:` of who made it";
                draft.key_error(Code::MissingKey, title, &at, "`id` is missing here", help);
            }
            _ => {
                let key = if self.id.is_some() { "id" } else { "key" };
                let at = [&at[..], &[key]].concat();
                let title = "a secret is named in two ways";
                let help = "keep its ARN, or who made it";
                draft.key_error(Code::BadValue, title, &at, "one of them", help);
            }
        }
    }

    /// The secret that an environment has made.
    fn seek(&self, name: &str, draft: &mut Draft) {
        let at = [Secret::KEY, name, "existing"];
        let address = Address::new(kinds::Secret::NAME, name);
        draft.existing.insert(address.clone(), json!({}));
        let maker = Maker { stack: self.stack.as_ref(), environment: self.environment.as_ref() };
        let there = self.name.as_deref().unwrap_or(name);
        let there = Address::new(kinds::Secret::NAME, there);
        match made_by(draft, maker, &there, ("secret", "id"), &at) {
            Named::Known(arn) => drop(draft.existing.insert(address, json!({ "id": arn }))),
            Named::Unknown => {}
            Named::Wrong => {
                draft.broken.insert((Secret::KEY.to_owned(), name.to_owned()));
            }
        }
    }

    /// Reports what cannot be one.
    fn check(&self, written: &str, name: &str, draft: &mut Draft) {
        let at = |key: &'static str| {
            let path = [Secret::KEY, name, "existing", key];
            let is_long = draft.root.follow(&owned(&path)).is_some();
            if is_long { path.to_vec() } else { path[..3].to_vec() }
        };
        let (id, key) = (at("id"), at("key"));
        if let Err((label, help)) = Stored::read(written, &draft.region) {
            let title = format!("`{written}` is not a secret");
            draft.error(Code::BadUse, title, &id, label, help);
        }
        if let Some(wrong) = self.key.as_ref().filter(|key| !is_key(key)) {
            let partition = Partition::of(&draft.region).name();
            // An alias in a policy is that of a key, and permits nothing (KMS developer guide,
            // "Specifying KMS keys in IAM policy statements").
            let help = format!("write its own ARN, `arn:{partition}:kms:…:…:key/…`");
            let title = format!("`{wrong}` is not a key");
            draft.error(Code::BadUse, title, &key, "expected the ARN of a key of KMS", help);
        }
    }

    fn offer(&self) -> Option<Offer> {
        // What it says of a region is advice alone.
        let stored = Stored::read(self.id.as_ref()?, "").ok()?;
        Some(Offer {
            secrets: vec![("", Text::from(stored.from.as_str()))],
            readable: vec![stored.readable(self.key.as_deref())],
            stored: Some(stored),
            ..Offer::default()
        })
    }
}

fn is_key(text: &str) -> bool {
    Arn::read(text).is_some_and(|arn| arn.service == "kms" && arn.resource.starts_with("key/"))
}

impl<'de> Deserialize<'de> for Existing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOr {
            of_text: |id| Ok(Self { id: Some(id), ..Self::default() }),
            of_mapping: |Mapping { id, key, stack, environment, name }: Mapping| Self {
                id,
                key,
                stack,
                environment,
                name,
            },
        })
    }
}

impl Serialize for Existing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id, key, stack, environment, name } = self.clone();
        match id {
            Some(id) if key.is_none() && !self.has_maker() => id.serialize(serializer),
            id => Mapping { id, key, stack, environment, name }.serialize(serializer),
        }
    }
}

impl JsonSchema for Existing {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ExistingSecret".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        text_or::<Mapping>(generator)
    }
}

fn length() -> u32 {
    32
}

fn recovery() -> DaysOrNone {
    DaysOrNone(7)
}
