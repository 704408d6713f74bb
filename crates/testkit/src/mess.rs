//! What is left in an account by runs that got only so far, and by people.

use std::collections::BTreeSet;
use std::time::Duration;

use deployer_core::{Kinds, Place, Record, Serial, Signer, Statement};
use serde_json::json;
use tokio::time::Instant;

use crate::things::{State, Thing, targets};
use crate::{Memory, PLACE, registry};

/// What has become of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mess {
    /// It was made twice: the reply to the first create got lost.
    Twin,
    /// It has a successor, and what refers to it has not moved yet.
    Older,
    /// It is still being made or changed, for so many seconds.
    Settling(u64),
    /// It is being deleted, for so many seconds.
    Leaving(u64),
    /// Of its two halves only the first was made.
    Half,
    /// The mark of what it was last given is gone.
    Unmarked,
    /// Another version of deployer marked it.
    Remarked,
}

/// What somebody who may write tags on anything, and nothing else, writes on one resource, or makes
/// of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retag {
    /// Another stack.
    Stack(String),
    /// Another environment.
    Environment(String),
    /// Another name in the address.
    Name(String),
    /// Another generation.
    Generation(u32),
    /// Another mark, or none.
    Mark(Option<String>),
    /// Another proof, or none.
    Proof(Option<String>),
    /// All the tags of another resource.
    As(usize),
    /// None: they make a copy of their own, tags and all.
    Copied,
}

impl Memory {
    /// The identifiers of all that is there.
    pub fn ids(&self) -> BTreeSet<String> {
        self.lock().things.keys().cloned().collect()
    }

    /// Writes tags on some resource.
    pub fn retag(&self, which: usize, retag: Retag) {
        let mut state = self.lock();
        let count = state.things.len().max(1);
        let nth = |which: usize| state.things.iter().nth(which % count);
        let Some((id, thing)) = nth(which) else { return };
        let (id, mut thing) = (id.clone(), thing.clone());
        match retag {
            Retag::Stack(stack) => thing.scope.stack = stack,
            Retag::Environment(environment) => thing.scope.environment = environment,
            Retag::Name(name) => thing.address.name = name,
            Retag::Generation(generation) => thing.generation = generation,
            Retag::Mark(mark) => thing.mark = mark,
            Retag::Proof(proof) => thing.proof = proof,
            Retag::As(other) => {
                let Some((_, other)) = nth(other) else { return };
                let Thing { scope, address, generation, mark, proof, .. } = other.clone();
                thing = Thing { scope, address, generation, mark, proof, ..thing };
            }
            // Two of one name cannot be.
            Retag::Copied if thing.name.is_some() => return,
            Retag::Copied => {
                state.things.insert(format!("{id}-copy"), thing);
                return;
            }
        }
        state.things.insert(id, thing);
    }

    /// Makes a mess of some resource, if that can become of it.
    pub fn mess(&self, which: usize, mess: Mess) {
        let mut state = self.lock();
        let place = which % state.things.len().max(1);
        let Some((id, thing)) = state.things.iter().nth(place) else { return };
        let (id, mut thing) = (id.clone(), thing.clone());
        let (now, kinds) = (Instant::now(), registry().kinds());
        match mess {
            Mess::Twin if thing.name.is_none() => {
                return add(&mut state, thing, &kinds);
            }
            Mess::Older => {
                thing.generation += 1;
                return add(&mut state, thing, &kinds);
            }
            Mess::Settling(seconds) if thing.gone_at.is_none() => {
                thing.ready_at = now + Duration::from_secs(seconds);
            }
            // No cloud lets go of what something refers to.
            Mess::Leaving(_) if is_used(&state, &id) => return,
            Mess::Leaving(seconds) => thing.gone_at = Some(now + Duration::from_secs(seconds)),
            Mess::Half if thing.kind == "gate" => {
                thing.spec["check"] = json!({ "path": "", "every": 0 });
            }
            Mess::Unmarked => thing.mark = None,
            Mess::Remarked => thing.mark = Some("0:AAAAAA".to_owned()),
            _ => return,
        }
        state.things.insert(id, thing);
    }
}

fn is_used(state: &State, id: &str) -> bool {
    state.things.values().any(|other| !other.is_kept && targets(&other.spec).contains(&id))
}

/// Adds a resource as a create of ours would have made it, unless its name is taken.
fn add(state: &mut State, mut thing: Thing, kinds: &Kinds) {
    let Some(kind) = kinds.find(thing.kind) else { return };
    let name =
        kind.naming.map(|_| kind.physical_name(&thing.scope, &thing.address, thing.generation));
    let is_taken = state.things.values().any(|other| name.is_some() && other.name == name);
    if is_taken {
        return;
    }
    thing.name = name;
    thing.mark = Some(kind.mark(&thing.spec));
    thing.gone_at = None;
    state.made += 1;
    let id = format!("{}-{}", thing.kind, state.made);
    sign(state, &mut thing, &id);
    state.things.insert(id, thing);
}

/// Signs something and writes it down, as the run that made it did.
fn sign(state: &mut State, thing: &mut Thing, id: &str) {
    let private = state.shelf.reveal(&thing.scope, "key/private");
    let Some(signer) = private.and_then(|text| Signer::read(&text)) else { return };
    let parts = state.shelf.all(&thing.scope).into_iter().filter_map(|parameter| {
        Some((parameter.name.strip_prefix("record/")?.parse().ok()?, parameter.value))
    });
    let mut record = Record::read(&parts.collect()).expect("it is of this version");
    let serial = Serial::of(&[u8::try_from(state.made % 256).expect("a byte"); 9]);
    record.made(&Place::default(), &thing.address, thing.generation, &serial, id);
    for (number, text) in record.written() {
        let written = state.shelf.write(&thing.scope, &format!("record/{number}"), &text);
        written.expect("no name is withheld in a mess");
    }
    let statement = Statement {
        account: PLACE.0,
        region: PLACE.1,
        scope: &thing.scope,
        address: &thing.address,
        generation: thing.generation,
        serial: &serial,
        mark: thing.mark.as_deref().unwrap_or_default(),
    };
    thing.proof = Some(signer.sign(&statement).to_string());
}
