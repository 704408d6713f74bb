//! What a section is: its key, what may stand below it, and what it becomes.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;

use deployer_core::{Address, Text};
use deployer_kinds::Statement;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::bodies;
use crate::draft::Draft;
use crate::facets::schema_of;
use crate::later::NotYet;
use crate::node::Node;
use crate::sections::Access;
use crate::stored::{Readable, Stored};

/// A section of a stack: what its type reads, it turns into resources. Its doc comments are what an
/// editor shows.
pub(crate) trait Section: DeserializeOwned + JsonSchema + 'static {
    /// The key it stands at.
    const KEY: &'static str;
    /// What editors say of it.
    const ABOUT: &'static str;
    /// The least that may be written for one, as advice shows it.
    const EXAMPLE: &'static str = "{}";
    /// Whether it holds several by name, or is one itself.
    const IS_NAMED: bool = true;
    /// Whether a service can use one: [`Section::offer`] gives something then.
    const IS_USABLE: bool = false;

    /// The outputs that are in the language and not built yet.
    const LATER: &'static [&'static str] = &[];

    /// Makes what one of them becomes. The name is empty for one that has none.
    fn expand(&self, name: &str, all: &Sections, draft: &mut Draft);

    /// Makes what all of them share, after each has been expanded.
    fn together(_all: &Sections, _draft: &mut Draft) {}

    /// What a service that uses it is given.
    fn offer(&self, _name: &str, _all: &Sections) -> Option<Offer> {
        None
    }

    /// What `${section/name.output}` gives, of a body that nobody has read yet.
    fn outputs(_name: &str, _body: &Node) -> Vec<Output> {
        Vec::new()
    }
}

/// What a service that uses something is given, each by the end of its variable's name: `HOST`
/// becomes `MAIN_HOST`, and nothing at all `MAIN`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    /// Settings anybody may read.
    pub(crate) environment: Vec<(&'static str, Text)>,
    /// The same, where the ends are names that somebody has given.
    pub(crate) named: Vec<(String, Text)>,
    /// Settings that name something which only an image that is packed here has.
    pub(crate) packed: Vec<(&'static str, Text)>,
    /// Settings that come out of a secret.
    pub(crate) secrets: Vec<(&'static str, Text)>,
    /// Settings that come out of a secret and are handed over only where somebody asks for them.
    pub(crate) on_request: Vec<(&'static str, Text)>,
    /// Where it is kept outside of the stack: each key of its JSON can be asked for.
    pub(crate) stored: Option<Stored>,
    /// The secrets that are read for it.
    pub(crate) readable: Vec<Readable>,
    /// What the tasks themselves may do with it.
    pub(crate) permits: Vec<Permit>,
    /// The ports it is reached at.
    pub(crate) ports: Vec<u16>,
    /// The ports that take datagrams.
    pub(crate) udp_ports: Vec<u16>,
    /// Whether that is by addresses outside of the network.
    pub(crate) is_outside: bool,
}

/// Something that the tasks of a service that uses something may do with it in AWS.
#[derive(Clone, Debug)]
pub(crate) struct Permit {
    /// The way of using it that takes this.
    pub(crate) access: Access,
    /// The actions, and on what.
    pub(crate) statement: Statement,
}

/// What can be read of an entry of a section.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    /// What comes after the dot.
    pub(crate) name: &'static str,
    /// What it stands for.
    pub(crate) text: Text,
    /// Whether `deployer outputs` prints it by itself, as `name-output`.
    pub(crate) is_printed: bool,
}

impl Output {
    /// One field of a resource.
    pub(crate) fn of(name: &'static str, kind: &str, resource: &str, field: &str) -> Self {
        let text = Text::output(Address::new(kind, resource), field);
        Self { name, text, is_printed: false }
    }

    /// The same, printed by itself.
    pub(crate) fn printed(self) -> Self {
        Self { is_printed: true, ..self }
    }
}

/// A [`Section`] with its type erased.
pub(crate) struct SectionInfo {
    /// See [`Section::KEY`].
    pub(crate) key: &'static str,
    /// See [`Section::ABOUT`].
    pub(crate) about: &'static str,
    /// See [`Section::EXAMPLE`].
    pub(crate) example: &'static str,
    /// See [`Section::IS_NAMED`].
    pub(crate) is_named: bool,
    /// See [`Section::IS_USABLE`].
    pub(crate) is_usable: bool,
    /// See [`Section::LATER`].
    pub(crate) later: &'static [&'static str],
    /// Whether it is in the language and not built yet.
    pub(crate) is_later: bool,
    /// The schema of one body.
    pub(crate) schema: fn() -> Value,
    /// Reads all bodies.
    pub(crate) read: fn(&mut Draft, &mut Sections),
    /// Expands all bodies that could be read.
    pub(crate) expand: fn(&Sections, &mut Draft),
    /// What one offers, if there is such a one.
    pub(crate) offer: fn(&Sections, &str) -> Option<Offer>,
    /// See [`Section::outputs`].
    pub(crate) outputs: fn(&str, &Node) -> Vec<Output>,
}

impl SectionInfo {
    /// Erases a section.
    pub(crate) const fn of<S: Section>() -> Self {
        Self {
            key: S::KEY,
            about: S::ABOUT,
            example: S::EXAMPLE,
            is_named: S::IS_NAMED,
            is_usable: S::IS_USABLE,
            later: S::LATER,
            is_later: false,
            schema: schema_of::<S>,
            read: |draft, all| {
                let bodies: BTreeMap<String, S> = bodies::of(draft, S::KEY, S::IS_NAMED);
                all.bodies.insert(TypeId::of::<S>(), Box::new(bodies));
            },
            expand: |all, draft| {
                for (name, body) in all.of::<S>() {
                    body.expand(name, all, draft);
                }
                S::together(all, draft);
            },
            offer: |all, name| all.get::<S>(name)?.offer(name, all),
            outputs: S::outputs,
        }
    }

    /// A section that is in the language and not built yet.
    pub(crate) const fn later(key: &'static str, about: &'static str) -> Self {
        Self {
            key,
            about,
            example: "{}",
            is_named: true,
            is_usable: false,
            later: &[],
            is_later: true,
            schema: schema_of::<NotYet>,
            read: |_, _| (),
            expand: |_, _| (),
            offer: |_, _| None,
            outputs: |_, _| Vec::new(),
        }
    }
}

/// The sections of one environment, as far as they could be read.
pub(crate) struct Sections {
    /// All sections that there are in the language.
    pub(crate) list: &'static [SectionInfo],
    bodies: BTreeMap<TypeId, Box<dyn Any>>,
}

impl Sections {
    /// None that has been read yet.
    pub(crate) fn new(list: &'static [SectionInfo]) -> Self {
        Self { list, bodies: BTreeMap::new() }
    }

    /// The section at a key.
    pub(crate) fn section(&self, key: &str) -> Option<&'static SectionInfo> {
        self.list.iter().find(|section| section.key == key)
    }

    /// All bodies of a section, by name.
    pub(crate) fn of<S: Section>(&self) -> impl Iterator<Item = (&str, &S)> {
        let bodies = self.bodies.get(&TypeId::of::<S>());
        let bodies = bodies.and_then(|bodies| bodies.downcast_ref::<BTreeMap<String, S>>());
        bodies.into_iter().flatten().map(|(name, body)| (name.as_str(), body))
    }

    /// One body of a section.
    pub(crate) fn get<S: Section>(&self, name: &str) -> Option<&S> {
        self.of::<S>().find(|(known, _)| *known == name).map(|(_, body)| body)
    }
}

/// The default of a switch that is on.
pub(crate) fn yes() -> bool {
    true
}
