//! What is there and ours.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::naming::hex;
use crate::{Address, Change, Kinds, Scope};

/// How far AWS is with a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It works.
    #[default]
    Ready,
    /// It is being made or changed, and will be ready by itself.
    Settling,
    /// It is being deleted, and will be gone by itself.
    Leaving,
}

/// One resource of ours as it is in AWS, its kind erased.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// Which resource of the stack it is, from its tags.
    pub address: Address,
    /// How often the resource has been replaced, plus one, from its tags.
    pub generation: u32,
    /// The mark of the spec it was last given, from its tags; none where there is no such tag.
    pub mark: Option<String>,
    /// The serialised `Spec`, every reference a physical identifier.
    pub spec: Value,
    /// The serialised `Output`; what is not known yet is null.
    pub output: Value,
    /// How far AWS is with it.
    pub phase: Phase,
    /// AWS's own word for its state, such as `available`; empty where there is none.
    pub state: String,
    /// What is attached to it that is not ours or that a spec cannot say: told, never touched.
    pub foreign: Vec<String>,
}

impl Live {
    /// The identifier AWS gave it.
    pub fn id(&self) -> &str {
        self.output.get("id").and_then(Value::as_str).unwrap_or_default()
    }
}

/// Something that carries our tags and is not ours all the same: told, never touched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stray {
    /// The resource that its tags say it is.
    pub address: Address,
    /// The identifier AWS gave it, or its name.
    pub id: String,
    /// How it is known, as a fragment: `it is called …`.
    pub because: String,
}

/// All that a stack's environment owns in one account and region, at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Whose it is.
    pub scope: Scope,
    /// The account, twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
    /// Everything found, by address, then newest generation first, then identifier.
    pub lives: Vec<Live>,
    /// What carries our tags and is not ours, in an order of its own.
    pub strays: Vec<Stray>,
    /// The origins in the tags of what was found: where the stack that made it is written.
    pub origins: BTreeSet<String>,
}

impl Snapshot {
    /// Puts a snapshot together, in an order of its own whatever order things were found in.
    ///
    /// What is not as its own mark says, in fields that never change, carries copied tags. Of
    /// several at the same address and generation one is taken for the resource: the one that
    /// others of ours refer to, otherwise the one whose identifier comes first. The others are
    /// twins, left by a create whose reply was lost, unless a copy is in one.
    pub fn new(
        scope: Scope,
        account: String,
        region: String,
        lives: Vec<Live>,
        strays: Vec<Stray>,
        kinds: &Kinds,
    ) -> Self {
        let (lives, mut strays) = sort_out(lives, strays, kinds);
        strays.sort();
        strays.dedup();
        Self { scope, account, region, lives, strays, origins: BTreeSet::new() }
    }

    /// The snapshot of things whose tags name these origins.
    #[must_use]
    pub fn made_from(mut self, origins: BTreeSet<String>) -> Self {
        self.origins = origins;
        self
    }

    /// The origins of what is there that are not the one of this stack: then another stack of the
    /// same name has made it.
    pub fn other_origins(&self) -> Vec<&str> {
        let ours = self.scope.origin.as_ref();
        let others = self.origins.iter().filter(|origin| Some(*origin) != ours);
        others.map(String::as_str).collect()
    }

    /// The snapshot with one more resource, at an address where there is none.
    #[must_use]
    pub fn with(mut self, live: Live) -> Self {
        let place = self.lives.partition_point(|other| other.address < live.address);
        self.lives.insert(place, live);
        self
    }

    /// The resource at an address: the newest generation where there are several, and none that
    /// is on its way out while there is one that stays.
    pub fn current(&self, address: &Address) -> Option<&Live> {
        let found = self.lives.iter().filter(|live| live.address == *address);
        found.min_by_key(|live| live.phase == Phase::Leaving)
    }

    /// The newest generation there is of a resource, on its way out or not: its name is taken.
    pub(crate) fn newest(&self, address: &Address) -> u32 {
        let found = self.lives.iter().find(|live| live.address == *address);
        found.map_or(0, |live| live.generation)
    }

    /// A hash of all that a plan was made from. States that come and go by themselves are left
    /// out, so a saved plan outlives a database's nightly backup.
    pub fn fingerprint(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(format!("{} {} {}\n", self.scope, self.account, self.region));
        for live in &self.lives {
            hasher.update(format!("{} {} {}\n", live.address, live.generation, live.spec));
            hasher.update(live.id());
        }
        hex(&hasher.finalize())
    }
}

/// Orders what was found, and takes out what only looks like ours.
fn sort_out(
    mut lives: Vec<Live>,
    mut strays: Vec<Stray>,
    kinds: &Kinds,
) -> (Vec<Live>, Vec<Stray>) {
    let used: BTreeSet<String> = lives.iter().flat_map(|live| targets(&live.spec)).collect();
    let rank = |live: &Live| (live.phase == Phase::Leaving, !used.contains(live.id()));
    lives.sort_by(|a, b| {
        (&a.address, b.generation, rank(a), a.id()).cmp(&(
            &b.address,
            a.generation,
            rank(b),
            b.id(),
        ))
    });
    let mut firsts: BTreeMap<(Address, u32), String> = BTreeMap::new();
    for live in &lives {
        firsts.entry(place(live)).or_insert_with(|| live.id().to_owned());
    }
    let is_first = |live: &Live| firsts[&place(live)] == live.id();
    let mut held: BTreeSet<String> = BTreeSet::new();
    // What a copy is in stays too.
    loop {
        let is_copy = |live: &Live| {
            live.phase != Phase::Leaving
                && match is_made_by_us(live, kinds) {
                    Some(is_ours) => !is_ours || (!is_first(live) && held.contains(live.id())),
                    None => !is_first(live),
                }
        };
        let (copies, ours): (Vec<Live>, Vec<Live>) = lives.into_iter().partition(is_copy);
        lives = ours;
        if copies.is_empty() {
            return (lives, strays);
        }
        for copy in copies {
            held.extend(targets(&copy.spec));
            let because = "it is not what its tags say it was made as".to_owned();
            strays.push(Stray { id: copy.id().to_owned(), because, address: copy.address });
        }
    }
}

/// What has the same is a twin or a copy of it.
fn place(live: &Live) -> (Address, u32) {
    (live.address.clone(), live.generation)
}

fn targets(spec: &Value) -> impl Iterator<Item = String> {
    physical(spec).into_iter().map(ToOwned::to_owned)
}

/// Whether a create of ours made something without a name: what can never change is as its mark
/// says. Copied tags tell of what they were copied from. What has a name of ours is made by us;
/// none when there is no mark.
fn is_made_by_us(live: &Live, kinds: &Kinds) -> Option<bool> {
    let kind = kinds.find(&live.address.kind)?;
    if kind.naming.is_some() {
        return Some(true);
    }
    let mark = live.mark.as_ref()?;
    let mut fixed = kind.changes.iter().filter_map(|(field, _)| {
        let value = live.spec.get(*field).cloned().unwrap_or_default();
        let change = kind.change(field, &value, &Value::Null);
        matches!(change, Change::Replace(_) | Change::Never(_)).then_some((*field, value))
    });
    // A field that was left out is AWS's choice.
    Some(fixed.all(|(field, value)| {
        [&value, &Value::Null]
            .into_iter()
            .any(|value| kind.is_marked(mark, field, value) != Some(false))
    }))
}

/// The physical identifiers a live spec refers to.
pub(crate) fn physical(spec: &Value) -> BTreeSet<&str> {
    match spec {
        Value::Object(fields) => match (fields.len(), fields.get("id").and_then(Value::as_str)) {
            (1, Some(id)) => BTreeSet::from([id]),
            _ => fields.values().flat_map(physical).collect(),
        },
        Value::Array(items) => items.iter().flat_map(physical).collect(),
        _ => BTreeSet::new(),
    }
}
