//! Distinguishes what is ours from what only says so.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Keys, Proof, Record, Serial, Statement};
use crate::live::physical;
use crate::{
    Address, Change, Dispute, KindInfo, Kinds, Live, Phase, Place, Replacement, Scope, Standing,
    Stray,
};

/// Something that carries the tags of a scope, as a scan saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// What it is like, and what its tags claim.
    pub live: Live,
    /// What it is called in AWS; none for kinds that have no names.
    pub called: Option<String>,
    /// The tag that is to prove what the others claim.
    pub proof: Option<String>,
    /// The stack and the environment that its tags name; none where they name none.
    pub of: Option<(String, String)>,
}

impl Seen {
    /// The same, seen at a place.
    #[must_use]
    pub fn at(mut self, place: &Place) -> Self {
        self.live.place.clone_from(place);
        self
    }
}

/// What the account keeps about an environment, to find whose something is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deeds {
    /// What the environment has made.
    pub record: Record,
    /// The keys whose proofs count.
    pub keys: Keys,
}

impl Deeds {
    /// Whether a proof holds for a part of a resource that carries tags of its own, such as a rule
    /// of a security group. Whichever create of ours made it, the proof says itself.
    pub fn vouch(
        &self,
        (account, region): (&str, &str),
        scope: &Scope,
        address: &Address,
        generation: u32,
        part: &str,
        proof: &str,
    ) -> bool {
        let Ok(proof) = proof.parse::<Proof>() else { return false };
        let (serial, mark) = (&proof.serial, part);
        let statement = Statement { account, region, scope, address, generation, serial, mark };
        self.keys.hold(&statement, &proof)
    }

    /// The create that tags speak of, if their proof holds.
    fn proven(&self, scope: &Scope, home: (&str, &str), seen: &Seen) -> Option<Serial> {
        let proof: Proof = seen.proof.as_ref()?.parse().ok()?;
        let live = &seen.live;
        let (account, region) = live.place.within(home);
        let statement = Statement {
            account,
            region,
            scope,
            address: &live.address,
            generation: live.generation,
            serial: &proof.serial,
            mark: live.mark.as_deref().unwrap_or_default(),
        };
        self.keys.hold(&statement, &proof).then_some(proof.serial)
    }
}

/// What was seen, sorted by whose it is.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) lives: Vec<Live>,
    pub(crate) strays: Vec<Stray>,
    pub(crate) disputes: Vec<Dispute>,
}

/// Something that a create of ours may have made, and its serial.
struct Candidate {
    seen: Seen,
    serial: Serial,
}

/// Finds what is ours among what carries the tags of a scope; `home` is its account and region.
pub(crate) fn judge(
    scope: &Scope,
    home: (&str, &str),
    seen: Vec<Seen>,
    deeds: &Deeds,
    kinds: &Kinds,
) -> Judged {
    let mut judged = Judged::default();
    let mut candidates: BTreeMap<(Address, u32, Option<Serial>), Vec<Candidate>> = BTreeMap::new();
    let mut parts = Vec::new();
    for mut seen in seen {
        let Some(kind) = kinds.find(&seen.live.address.kind) else { continue };
        if kind.part_of.is_some() {
            parts.push(seen.live);
            continue;
        }
        let proven = deeds.proven(scope, home, &seen);
        if let Some((address, generation, serial)) =
            deeds.record.whose(&seen.live.place, kind.name, seen.live.id())
        {
            let mark = seen.live.mark.as_deref().unwrap_or_default();
            let is_signed = proven.as_ref() == Some(serial)
                && (&seen.live.address, seen.live.generation) == (address, generation)
                && deeds.record.is_last_given(&seen.live.place, address, seen.live.id(), mark)
                    != Some(false);
            seen.live.address = address.clone();
            seen.live.generation = generation;
            seen.live.is_signed = is_signed;
            judged.ours(kind, seen.live, Standing::Recorded, serial.clone());
            continue;
        }
        let Some(serial) = proven else {
            judged.stray(seen.live, "nobody who deploys this stack has signed its tags");
            continue;
        };
        seen.live.is_signed = true;
        let Live { address, generation, .. } = &seen.live;
        let expected = kind.physical_name(scope, address, *generation);
        let is_called = |seen: &Seen| {
            // RDS keeps names in lower case.
            kind.naming.is_none()
                || seen.called.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&expected))
        };
        let begun = deeds.record.begun(&seen.live.place, address, *generation, &serial);
        if !is_called(&seen) {
            judged.stray(seen.live, &format!("its tags are copied: it is not called {expected}"));
        } else if begun == Some(true) {
            judged.stray(seen.live, "its tags are copied from the one that we made");
        } else if begun == Some(false) {
            let key = (address.clone(), *generation, Some(serial.clone()));
            candidates.entry(key).or_default().push(Candidate { seen, serial });
        } else if is_history(kind, &seen.live, &deeds.record) {
            judged.ours(kind, seen.live, Standing::Recorded, serial);
        } else if deeds.record.is_whole() {
            judged.stray(seen.live, "its tags are those of something that is gone");
        } else {
            // Without the record, nobody knows of creates that were begun twice.
            let key = (address.clone(), *generation, None);
            candidates.entry(key).or_default().push(Candidate { seen, serial });
        }
    }
    for ((address, _, serial), candidates) in candidates {
        let standing = if serial.is_some() { Standing::Begun } else { Standing::Unconfirmed };
        judged.choose(kinds, &address, standing, candidates);
    }
    judged.keep_parts(parts, kinds);
    judged
}

impl Judged {
    fn ours(&mut self, kind: &KindInfo, mut live: Live, standing: Standing, serial: Serial) {
        live.standing = standing;
        live.serial = Some(serial);
        if !live.is_signed {
            live.mark = None;
        }
        believe(kind, &mut live);
        self.lives.push(live);
    }

    fn stray(&mut self, live: Live, because: &str) {
        let uses = physical(&live.spec).into_iter().map(ToOwned::to_owned).collect();
        let id = live.id().to_owned();
        let (address, place, because) = (live.address, live.place, because.to_owned());
        self.strays.push(Stray { address, place, id, because, uses });
    }

    /// Takes the one candidate for one create, or says that nobody knows which it is.
    fn choose(
        &mut self,
        kinds: &Kinds,
        address: &Address,
        standing: Standing,
        candidates: Vec<Candidate>,
    ) {
        let Some(kind) = kinds.find(&address.kind) else { return };
        // The only one that has our name is ours, even if a create got stuck half-way.
        let is_known_by_name = kind.naming.is_some() && candidates.len() == 1;
        let (fitting, others): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|candidate| {
            is_known_by_name || is_as_marked(kind, &candidate.seen.live) != Some(false)
        });
        let is_alone = fitting.len() == 1;
        let mut disputed: Vec<String> = Vec::new();
        for Candidate { seen, serial } in fitting {
            if is_alone {
                self.ours(kind, seen.live, standing, serial);
            } else {
                disputed.push(seen.live.id().to_owned());
                self.stray(seen.live, "another carries the same tags, and one of them is copied");
            }
        }
        for Candidate { seen, .. } in others {
            if !is_alone {
                disputed.push(seen.live.id().to_owned());
            }
            self.stray(seen.live, "it is not what its tags say it was made as");
        }
        if !disputed.is_empty() {
            disputed.sort();
            self.disputes.push(Dispute { address: address.clone(), ids: disputed });
        }
    }

    /// What is part of something of ours is ours.
    fn keep_parts(&mut self, parts: Vec<Live>, kinds: &Kinds) {
        let ours: BTreeSet<(Place, String)> =
            self.lives.iter().map(|live| (live.place.clone(), live.id().to_owned())).collect();
        let has = |place: &Place, id: &str| ours.contains(&(place.clone(), id.to_owned()));
        for mut part in parts {
            let field = kinds.find(&part.address.kind).and_then(|kind| kind.part_of);
            let whole = field.and_then(|field| part.spec.get(field));
            if whole.is_some_and(|whole| physical(whole).iter().any(|id| has(&part.place, id))) {
                (part.standing, part.is_signed) = (Standing::Recorded, true);
                self.lives.push(part);
            }
        }
    }
}

/// Whether it is an older generation of a kind that keeps its history, which the record leaves out.
fn is_history(kind: &KindInfo, live: &Live, record: &Record) -> bool {
    kind.replacement(&live.spec, &live.spec) == Replacement::Supersede
        && record.newest(&live.place, &live.address).is_some_and(|newest| live.generation < newest)
}

/// Believes what tags say a deletion does only as far as the mark covers it, and takes the
/// gentlest way otherwise.
fn believe(kind: &KindInfo, live: &mut Live) {
    for (field, gentlest) in kind.gentlest {
        let value = live.spec.get(*field).cloned().unwrap_or_default();
        let mark = live.mark.as_deref().unwrap_or_default();
        if kind.is_marked(mark, field, &value) != Some(true) {
            live.spec[*field] = serde_json::from_str(gentlest).unwrap_or_default();
        }
    }
}

/// Whether what can never change is as the mark says it was made; none where it does not say.
fn is_as_marked(kind: &KindInfo, live: &Live) -> Option<bool> {
    let mark = live.mark.as_ref().filter(|_| live.phase != Phase::Leaving)?;
    let mut fixed = kind.fields().filter_map(|field| {
        let change = kind.change(&[field.to_owned()], &live.spec, &Value::Null);
        let value = live.spec.get(field).cloned().unwrap_or_default();
        matches!(change, Change::Replace(_) | Change::Never(_)).then_some((field, value))
    });
    // A field that was left out is AWS's choice.
    Some(fixed.all(|(field, value)| {
        [&value, &Value::Null]
            .into_iter()
            .any(|value| kind.is_marked(mark, field, value) != Some(false))
    }))
}
