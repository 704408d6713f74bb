//! The keys of a service that have a short form.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use deployer_core::Text;
use deployer_kinds::Egress;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::quantities::{Percent, Seconds};
use crate::text_form::{TextOr, text_or};

/// Something a service works with: `databases/main`, or with a name for what is handed over,
/// `{ use: databases/main, as: DATABASE }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// What it is, as `section/name`.
    pub(crate) target: String,
    /// What the variables begin with; the name in capitals when left out.
    pub(crate) alias: Option<String>,
    /// In which way; in all of them when left out.
    pub(crate) access: Option<Access>,
}

/// A way of using something that has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Access {
    /// Messages are sent to a queue.
    Send,
    /// Messages of a queue are received and deleted.
    Receive,
    /// Something is read.
    #[schemars(extend("x-not-yet" = true))]
    Read,
    /// Something is written.
    #[schemars(extend("x-not-yet" = true))]
    Write,
    /// Something is read and written.
    #[schemars(extend("x-not-yet" = true))]
    ReadWrite,
}

/// Where an image comes from.
#[derive(Clone, Debug)]
pub(crate) enum ImageSource {
    /// It is pulled by this name: `ghcr.io/acme/web:1.2`.
    Pulled(Text),
    /// It is pulled from a registry that asks who pulls.
    Private(Private),
    /// It is built here.
    Built(Built),
    /// It is another service's.
    Of(Of),
}

/// The image of a service.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Of {
    /// The service whose image it is: `web`.
    pub(crate) of: String,
}

/// An image of a registry that asks who pulls.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Private {
    /// What it is pulled by: `registry.example.com/web:1.2`.
    pub(crate) name: Text,
    /// A secret that exists already and holds `username` and `password` of the registry in JSON: its
    /// ARN, or `secrets/registry`.
    pub(crate) credentials: String,
}

/// An image that is built here.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Built {
    /// How it is built.
    pub(crate) build: Build,
    /// The repository of this stack that it is kept in; one of its own when left out.
    pub(crate) repository: Option<String>,
}

/// How an image is built: `cargo`, `dockerfile` or `archive`. Paths are relative to the stack file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(extend("examples" = [{ "dockerfile": "Dockerfile" }]))]
pub(crate) struct Build {
    /// From the Cargo package in this folder: a static binary in an otherwise empty image.
    #[schemars(extend("x-excludes" = ["dockerfile", "archive", "context", "target", "args", "cache"]))]
    pub(crate) cargo: Option<String>,
    /// From the Dockerfile at this path, with the builder that is on the machine.
    #[schemars(extend("x-excludes" = ["cargo", "archive"]))]
    pub(crate) dockerfile: Option<String>,
    /// From an archive that another tool wrote, in the OCI or the Docker format.
    #[schemars(extend("x-excludes" = ["cargo", "dockerfile", "context", "target", "args", "cache"]))]
    pub(crate) archive: Option<String>,
    /// The folder that a Dockerfile copies from, also one outside of the stack's; its own when left
    /// out.
    pub(crate) context: Option<String>,
    /// The stage of a Dockerfile that is built; the last one when left out.
    pub(crate) target: Option<String>,
    /// Build arguments of a Dockerfile: `{ VERSION: "1.2" }`. They stand in the image's history, so
    /// none is a secret.
    pub(crate) args: Option<BTreeMap<String, String>>,
    /// A repository in which a Dockerfile's builder keeps layers and looks for them first, on other
    /// machines too: `registry.example.com/team/web-cache`. The builder must be logged in there.
    pub(crate) cache: Option<String>,
}

/// What tasks may send to besides what they use.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum EgressRules {
    /// Everything.
    Open(Open),
    /// Nothing but this.
    Only(BTreeSet<Egress>),
}

/// The word for everything.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Open {
    /// Everything.
    Open,
}

/// How many tasks run on spare capacity of Fargate: a share of those beyond the fewest, or
/// `{ share: 100%, base: 1 }`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Spot {
    /// A share of the tasks beyond the fewest.
    Share(Percent),
    /// A share of the tasks beyond so many.
    Beyond(Beyond),
}

/// A share of tasks, but for the first.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Beyond {
    /// How many of the tasks beyond `base`: `50%`.
    pub(crate) share: Percent,
    /// How many tasks come first on capacity that stays; the fewest that there are when left out.
    pub(crate) base: Option<u32>,
}

/// How a load balancer finds out whether a task works.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Health {
    /// The path that is asked for.
    pub(crate) path: Option<String>,
    /// The time between two checks, `5 s` to `300 s`; `10 s` when left out.
    pub(crate) interval: Option<Seconds>,
    /// The time until a check has failed, less than the interval; `5 s` when left out.
    pub(crate) timeout: Option<Seconds>,
    /// How many good checks in a row make a task healthy, 2 to 10; 2 when left out.
    pub(crate) healthy: Option<u32>,
    /// How many bad checks in a row make it unhealthy, 2 to 10; 3 when left out.
    pub(crate) unhealthy: Option<u32>,
    /// The answers that are good, such as `200-299`; for gRPC its codes, `0`.
    pub(crate) codes: Option<String>,
    /// Another port that is asked, which takes connections: how datagrams are checked.
    pub(crate) port: Option<u16>,
}

/// A path alone, or the whole mapping.
pub(super) fn health<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Health, D::Error> {
    deserializer.deserialize_any(TextOr {
        of_text: |path| Ok(Health { path: Some(path), ..Health::default() }),
        of_mapping: |health: Health| health,
    })
}

/// One text, or a list of them.
pub(in crate::sections) fn paths<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    struct Form;

    impl<'de> Visitor<'de> for Form {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(vec![text.to_owned()])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
            let mut texts = Vec::new();
            while let Some(text) = seq.next_element()? {
                texts.push(text);
            }
            Ok(texts)
        }
    }

    deserializer.deserialize_any(Form)
}

/// One text or several.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct OneOrMore(#[serde(deserialize_with = "paths")] pub(crate) Vec<String>);

impl JsonSchema for OneOrMore {
    fn schema_name() -> Cow<'static, str> {
        "OneOrMore".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        paths_schema(generator)
    }
}

pub(super) fn health_schema(generator: &mut SchemaGenerator) -> Schema {
    text_or::<Health>(generator)
}

pub(in crate::sections) fn paths_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
    })
}

impl<'de> Deserialize<'de> for Use {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOr {
            of_text: |target| Ok(Self { target, alias: None, access: None }),
            of_mapping: |Mapping { target, alias, access }: Mapping| Self { target, alias, access },
        })
    }
}

impl Serialize for Use {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { target, alias, access } = self.clone();
        if alias.is_none() && access.is_none() {
            return target.serialize(serializer);
        }
        Mapping { target, alias, access }.serialize(serializer)
    }
}

/// The long form of [`Use`].
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mapping {
    /// What is used, as `section/name`.
    #[serde(rename = "use")]
    target: String,
    /// What the variables begin with: `DATABASE` makes `DATABASE_HOST`.
    #[serde(rename = "as")]
    alias: Option<String>,
    /// What may be done with it, of a queue `send` or `receive`; all of it when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<Access>,
}

impl JsonSchema for Use {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Use".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        text_or::<Mapping>(generator)
    }
}

impl<'de> Deserialize<'de> for ImageSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // A text with outputs in it is a mapping of its parts.
        let is_text = value.is_string() || value.get("text").is_some();
        let read = if is_text {
            serde_json::from_value(value).map(Self::Pulled)
        } else if value.get("of").is_some() {
            serde_json::from_value(value).map(Self::Of)
        } else if value.get("name").is_some() {
            serde_json::from_value(value).map(Self::Private)
        } else {
            serde_json::from_value(value).map(Self::Built)
        };
        read.map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Spot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // Which of the two it is shows first, so that a mistake in it is its own.
        let read = if value.is_object() {
            serde_json::from_value(value).map(Self::Beyond)
        } else {
            serde_json::from_value(value).map(Self::Share)
        };
        read.map_err(serde::de::Error::custom)
    }
}

impl ImageSource {
    /// What it is pulled by, where it is neither built here nor another's.
    pub(crate) fn pulled(&self) -> Option<&Text> {
        match self {
            Self::Pulled(name) | Self::Private(Private { name, .. }) => Some(name),
            Self::Built(_) | Self::Of(_) => None,
        }
    }

    /// The secret that its registry asks for.
    pub(crate) fn credentials(&self) -> Option<&str> {
        match self {
            Self::Private(private) => Some(&private.credentials),
            _ => None,
        }
    }
}

impl Serialize for ImageSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Pulled(name) => name.serialize(serializer),
            Self::Private(private) => private.serialize(serializer),
            Self::Built(built) => built.serialize(serializer),
            Self::Of(of) => of.serialize(serializer),
        }
    }
}

impl JsonSchema for ImageSource {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ImageSource".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let [name, built] = [Text::json_schema(generator), Built::json_schema(generator)];
        let private = Private::json_schema(generator);
        json_schema!({ "anyOf": [name, built, Of::json_schema(generator), private] })
    }
}
