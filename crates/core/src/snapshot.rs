//! What is there and ours.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::live::physical;
use crate::naming::hex;
use crate::ownership::{Judged, judge};
use crate::{
    Address, Deeds, Dispute, Failure, Fallen, Kinds, Live, Phase, Place, Roles, Scope, Seen, Stack,
    Standing, Stray, Unrecorded,
};

/// Something that could not be looked at, so that nobody knows whether there is more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// The kinds that something may have been missed of; `environment` for whole environments.
    pub what: BTreeSet<String>,
    /// Why.
    pub failure: Failure,
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
    /// What could not be looked at although the record has more than was seen.
    pub unseen: Vec<Unseen>,
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
        let judged = judge(&scope, (&account, &region), seen, deeds, kinds);
        let Judged { mut lives, mut strays, mut disputes } = judged;
        sort(&mut lives);
        strays.sort();
        strays.dedup();
        disputes.sort_by(|a, b| a.address.cmp(&b.address));
        let (origin, roles) = (deeds.record.origin.clone(), deeds.record.roles.clone());
        let unseen = Vec::new();
        Self { scope, account, region, roles, lives, strays, disputes, unseen, origin }
    }

    /// The snapshot in which a deletion does what a stack says that it does, for what is in it: the
    /// tags of a resource say what its stack said before.
    #[must_use]
    pub fn deleted_as(mut self, stack: &Stack, kinds: &Kinds) -> Self {
        for live in &mut self.lives {
            let desired = stack.resources.get(&live.address).filter(|it| it.place == live.place);
            let (Some(desired), Some(kind)) = (desired, kinds.find(&live.address.kind)) else {
                continue;
            };
            for (field, _) in kind.gentlest {
                if let Some(said) = desired.spec.get(*field) {
                    live.spec[*field] = said.clone();
                }
            }
        }
        self
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

    /// The same, with what is at these addresses on its way out, so that a plan makes it anew.
    #[must_use]
    pub fn replacing(mut self, addresses: &BTreeSet<Address>) -> Self {
        for live in self.lives.iter_mut().filter(|live| addresses.contains(&live.address)) {
            live.phase = Phase::Leaving;
        }
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
    /// is on its way out or a failed release while there is one that stays.
    pub fn current(&self, address: &Address) -> Option<&Live> {
        let found = self.lives.iter().filter(|live| live.address == *address);
        found.min_by_key(|live| rank(live))
    }

    /// Whether this is the resource at its address.
    pub fn is_current(&self, live: &Live) -> bool {
        self.current(&live.address).is_some_and(|current| current.id() == live.id())
    }

    /// The releases that failed, each with the one before it that is current instead, if there is
    /// one. One that only runs another that failed is left out.
    pub fn failed(&self) -> Vec<Fallen> {
        let failed: Vec<&Live> =
            self.lives.iter().filter(|live| live.phase == Phase::Failed).collect();
        let runs = |live: &Live, other: &Live| {
            other.address != live.address && live.spec.to_string().contains(other.id())
        };
        let causes = failed.iter().filter(|live| !failed.iter().any(|other| runs(live, other)));
        let fallen = causes.map(|live| {
            let current = self.current(&live.address).filter(|it| it.phase != Phase::Failed);
            Fallen {
                address: live.address.clone(),
                place: live.place.clone(),
                release: live.release(),
                because: live.state.clone(),
                current: current.map(Live::release),
            }
        });
        fallen.collect()
    }

    /// What is part of something, such as the images of a repository.
    pub fn parts_of<'a>(
        &'a self,
        kinds: &'a Kinds,
        whole: &'a Live,
    ) -> impl Iterator<Item = &'a Live> {
        self.lives.iter().filter(move |part| {
            let field = kinds.find(&part.address.kind).and_then(|kind| kind.part_of);
            let of = field.and_then(|field| part.spec.get(field));
            part.place == whole.place && of.is_some_and(|of| physical(of).contains(whole.id()))
        })
    }

    /// The same, but of several that stay the one that is where it is to be, if there is one.
    pub(crate) fn current_at(&self, place: &Place, address: &Address) -> Option<&Live> {
        let found = self.lives.iter().filter(|live| live.address == *address);
        found.min_by_key(|live| (rank(live), live.place != *place))
    }

    /// The newest generation there is of a resource, on its way out or not: its name is taken.
    pub(crate) fn newest(&self, address: &Address) -> u32 {
        let found = self.lives.iter().find(|live| live.address == *address);
        found.map_or(0, |live| live.generation)
    }

    /// A hash of each resource that a plan was made from, by what it is: those whose hashes differ
    /// are why [`Snapshot::fingerprint`] does.
    pub fn fingerprints(&self) -> BTreeMap<String, String> {
        let one = |live: &Live| {
            let mut hasher = Sha256::new();
            hasher.update(live.spec.to_string());
            let name = format!("{} {} {} {}", live.address, live.place, live.generation, live.id());
            (name, hex(&hasher.finalize()[..8]))
        };
        self.lives.iter().map(one).collect()
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

/// How far something is from being what an address stands for.
fn rank(live: &Live) -> u8 {
    match live.phase {
        Phase::Ready | Phase::Settling => 0,
        Phase::Failed => 1,
        Phase::Leaving => 2,
    }
}

/// Orders what is ours: of one generation first what others of ours refer to and stays.
fn sort(lives: &mut [Live]) {
    let used: BTreeSet<String> =
        lives.iter().flat_map(|live| physical(&live.spec)).map(ToOwned::to_owned).collect();
    let rank = |live: &Live| (rank(live), !used.contains(live.id()));
    lives.sort_by(|a, b| {
        (&a.address, b.generation, rank(a), a.id()).cmp(&(
            &b.address,
            a.generation,
            rank(b),
            b.id(),
        ))
    });
}
