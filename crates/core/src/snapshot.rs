//! What is there and ours.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::live::physical;
use crate::naming::hex;
use crate::ownership::{Judged, judge};
use crate::{
    Address, Deeds, Dispute, Kinds, Live, Phase, Place, Roles, Scope, Seen, Standing, Stray,
    Unrecorded,
};

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
        let judged = judge(&scope, (&account, &region), seen, deeds, kinds);
        let Judged { mut lives, mut strays, mut disputes } = judged;
        sort(&mut lives);
        strays.sort();
        strays.dedup();
        disputes.sort_by(|a, b| a.address.cmp(&b.address));
        let (origin, roles) = (deeds.record.origin.clone(), deeds.record.roles.clone());
        Self { scope, account, region, roles, lives, strays, disputes, origin }
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
