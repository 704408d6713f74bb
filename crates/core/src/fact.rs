//! What a resource does in the whole. Kinds state facts; what a change of them means is worked out
//! from all of them together, before, in between and after.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Address, Impact};

/// What one resource does, as its spec says.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// It leads requests somewhere.
    Leads(Lead),
    /// It keeps tasks running.
    Runs(Run),
    /// It is in groups that say who reaches it.
    Joins(Join),
    /// It lets somebody in to those who are in it.
    Admits(Admission),
    /// It takes its time with tasks that fill it.
    Takes(Pace),
    /// It reaches others from these subnets.
    Stands(Stand),
    /// It says which way packets of subnets go.
    Routes(Routes),
    /// It says how many tasks another keeps running.
    Bounds(Bounds),
}

/// A resource that a fact is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// The one that states the fact.
    Itself,
    /// Another of the stack.
    Named(Address),
    /// One by the identifier AWS gave it.
    Physical(String),
}

/// Which requests are led where.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    /// The listener they come in by.
    pub at: Thing,
    /// The turn in which it is asked, lowest first; last when none.
    pub turn: Option<u32>,
    /// The hosts it takes, with `*` and `?`; all when empty.
    pub hosts: BTreeSet<String>,
    /// The paths it takes, with `*` and `?`; all when empty.
    pub paths: BTreeSet<String>,
    /// The methods it takes; all when empty.
    pub methods: BTreeSet<String>,
    /// What else it asks of a request, such as a header: by its name, what that may be in small
    /// letters, with `*` and `?`. A request has to meet all of it.
    pub also: BTreeMap<String, BTreeSet<String>>,
    /// Where it leads them; none where nobody can read that.
    pub to: Option<Destination>,
}

/// Where requests are led.
#[derive(Clone, Debug, PartialEq)]
pub enum Destination {
    /// To the tasks that fill these, each of which gets a part.
    Groups(BTreeSet<Thing>),
    /// They are answered on the spot: `get 404`.
    Answer(String),
    /// The client is sent elsewhere: `are redirected to HTTPS`.
    Redirect(String),
}

/// Tasks that are kept running.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What they fill.
    pub groups: BTreeSet<Thing>,
    /// How many there should be; none where others say.
    pub tasks: Option<u32>,
}

/// How long tasks take to come into what they fill, and to leave it, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Until one that works counts.
    pub joining: u32,
    /// Until one that leaves has finished its requests.
    pub leaving: u32,
}

/// Who is in which groups.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// The groups.
    pub groups: BTreeSet<Thing>,
    /// The ports it listens on, as far as its spec says.
    pub ports: BTreeSet<u16>,
}

/// Who may come in.
#[derive(Clone, Debug, PartialEq)]
pub struct Admission {
    /// Who.
    pub from: Peer,
    /// The first and the last port.
    pub ports: (u16, u16),
}

/// Who may come in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// Everything in this group.
    Group(Thing),
    /// Anybody with such an address, in words.
    Addresses(String),
    /// Everybody.
    Everybody,
}

/// Where one reaches others from.
#[derive(Clone, Debug, PartialEq)]
pub struct Stand {
    /// The subnets.
    pub subnets: BTreeSet<Thing>,
    /// Whether it has a public address in them.
    pub has_address: bool,
}

/// Which way packets of subnets go.
#[derive(Clone, Debug, PartialEq)]
pub struct Routes {
    /// The subnets.
    pub subnets: BTreeSet<Thing>,
    /// Each range of addresses, in words, and how it is reached.
    pub over: BTreeMap<String, Way>,
}

/// How a range of addresses is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// Over what.
    pub over: Thing,
    /// Whether only those get there who have a public address.
    pub needs_address: bool,
}

/// How many tasks there are, whatever number was wanted before.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// Who keeps them running.
    pub of: Thing,
    /// The fewest.
    pub least: u32,
    /// The most.
    pub most: u32,
}

/// What users notice of a change, and why, in words that follow a colon: `logs older than 7 days
/// are deleted`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// How bad it is.
    pub impact: Impact,
    /// Why.
    pub because: String,
}

impl Notice {
    /// A notice.
    pub fn new(impact: Impact, because: impl Into<String>) -> Self {
        Self { impact, because: because.into() }
    }
}
