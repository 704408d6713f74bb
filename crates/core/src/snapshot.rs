//! What is there and ours.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::naming::hex;
use crate::ownership::{Judged, judge};
use crate::{Address, Deeds, Kinds, Place, Roles, Scope, Seen, Serial, Unrecorded, unread};

/// How far AWS is with a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Which resource of the stack it is.
    pub address: Address,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Place::is_home")]
    pub place: Place,
    /// How often the resource has been replaced, plus one.
    pub generation: u32,
    /// The mark of the spec it was last given; none where nobody knows.
    pub mark: Option<String>,
    /// The create that made it; none before it is known whose it is, and for what is part of
    /// another resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Serial>,
    /// How it is known to be ours.
    #[serde(default)]
    pub standing: Standing,
    /// Whether its tags are as we wrote them.
    #[serde(default)]
    pub is_signed: bool,
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

/// How something is known to be ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The record has it.
    #[default]
    Recorded,
    /// The record has the create that made it, and not yet what that made.
    Begun,
    /// Its proof holds, and the record is lost: somebody has to confirm it.
    Unconfirmed,
}

impl Live {
    /// The identifier AWS gave it.
    pub fn id(&self) -> &str {
        self.output.get("id").and_then(Value::as_str).unwrap_or_default()
    }

    /// The paths, with dots, of what AWS does not show of it, or what this version cannot read.
    pub fn unread(&self) -> BTreeSet<String> {
        unread(&self.spec)
    }
}

/// Something that carries our tags and is not ours all the same: told, never touched.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stray {
    /// The resource that its tags say it is.
    pub address: Address,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Place::is_home")]
    pub place: Place,
    /// The identifier AWS gave it, or its name.
    pub id: String,
    /// How it is known, as a sentence: `its tags are copied …`.
    pub because: String,
    /// The identifiers it refers to.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub uses: BTreeSet<String>,
}

/// Several things of which one is ours, and nobody knows which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    /// The resource that one of them is.
    pub address: Address,
    /// Their identifiers, in order.
    pub ids: Vec<String>,
}

/// All that a stack's environment owns, at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Whose it is.
    pub scope: Scope,
    /// The account that is home, twelve digits.
    pub account: String,
    /// The region that is home.
    pub region: String,
    /// The roles that lead to the other accounts it has had something in, as the record says.
    pub roles: Roles,
    /// Everything found, by address, then newest generation first, then identifier.
    pub lives: Vec<Live>,
    /// What carries our tags and is not ours, in an order of its own.
    pub strays: Vec<Stray>,
    /// Of what nobody knows which one is ours.
    pub disputes: Vec<Dispute>,
    /// Where the stack that made it is kept, as the record says; none where it does not.
    pub origin: Option<String>,
}

impl Snapshot {
    /// Puts a snapshot together, in an order of its own whatever order things were seen in, from
    /// what is ours by the account's deeds.
    ///
    /// Of several at the same address and generation one is taken for the resource: the one that
    /// others of ours refer to, otherwise the one whose identifier comes first. The others are
    /// twins, left by a create whose reply was lost.
    pub fn new(
        scope: Scope,
        account: String,
        region: String,
        seen: Vec<Seen>,
        deeds: &Deeds,
        kinds: &Kinds,
    ) -> Self {
        let (origin, roles) = (deeds.record.origin.clone(), deeds.record.roles.clone());
        let (lives, strays, disputes) = (vec![], vec![], vec![]);
        let empty = Self { scope, account, region, roles, lives, strays, disputes, origin };
        let Judged { mut lives, mut strays, mut disputes } = judge(&empty, seen, deeds, kinds);
        sort(&mut lives);
        strays.sort();
        strays.dedup();
        disputes.sort_by(|a, b| a.address.cmp(&b.address));
        Self { lives, strays, disputes, ..empty }
    }

    /// The snapshot wherever the stack that made it is kept.
    #[must_use]
    pub fn made_anywhere(self) -> Self {
        Self { origin: None, ..self }
    }

    /// Where what is there was made, if that is not where this stack is kept: then another stack
    /// of the same name has made it.
    pub fn other_origin(&self) -> Option<&str> {
        let origin = self.origin.as_ref().filter(|_| !self.lives.is_empty())?;
        (self.scope.origin.as_ref() != Some(origin)).then_some(origin)
    }

    /// The snapshot with one more resource, at an address where there is none. Nobody disputes
    /// about that any more.
    #[must_use]
    pub fn with(mut self, live: Live) -> Self {
        self.disputes.retain(|dispute| dispute.address != live.address);
        let place = self.lives.partition_point(|other| other.address < live.address);
        self.lives.insert(place, live);
        self
    }

    /// What is ours only if somebody confirms it, since the record is lost.
    pub fn unconfirmed(&self) -> impl Iterator<Item = &Live> {
        self.lives.iter().filter(|live| live.standing == Standing::Unconfirmed)
    }

    /// What is ours and not in the record yet.
    pub fn unrecorded(&self) -> Vec<Unrecorded> {
        let lives = self.lives.iter().filter(|live| live.standing != Standing::Recorded);
        let unrecorded = lives.filter_map(|live| {
            let Live { address, place, generation, serial, .. } = live.clone();
            let id = live.id().to_owned();
            Some(Unrecorded { place, address, generation, serial: serial?, id })
        });
        unrecorded.collect()
    }

    /// The resource at an address: the newest generation where there are several, and none that
    /// is on its way out while there is one that stays.
    pub fn current(&self, address: &Address) -> Option<&Live> {
        let found = self.lives.iter().filter(|live| live.address == *address);
        found.min_by_key(|live| live.phase == Phase::Leaving)
    }

    /// The same, but of several that stay the one that is where it is to be, if there is one.
    pub(crate) fn current_at(&self, place: &Place, address: &Address) -> Option<&Live> {
        let found = self.lives.iter().filter(|live| live.address == *address);
        found.min_by_key(|live| (live.phase == Phase::Leaving, live.place != *place))
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
            if !live.place.is_home() {
                hasher.update(format!(" {}", live.place));
            }
        }
        hex(&hasher.finalize())
    }
}

/// Orders what is ours: of one generation first what others of ours refer to and stays.
fn sort(lives: &mut [Live]) {
    let used: BTreeSet<String> =
        lives.iter().flat_map(|live| physical(&live.spec)).map(ToOwned::to_owned).collect();
    let rank = |live: &Live| (live.phase == Phase::Leaving, !used.contains(live.id()));
    lives.sort_by(|a, b| {
        (&a.address, b.generation, rank(a), a.id()).cmp(&(
            &b.address,
            a.generation,
            rank(b),
            b.id(),
        ))
    });
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
