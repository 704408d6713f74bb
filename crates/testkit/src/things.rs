//! What is in the cloud, and how it changes as time passes.

use std::collections::BTreeMap;
use std::time::Duration;

use deployer_core::{Address, Cause, Failure, Phase, Scope};
use deployer_engine::{Badge, Result};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::fault::refusal;
use crate::{Activity, Call, Fault, Output, Shelf};

/// How long every call takes, unless it is told to be slow.
const LATENCY: Duration = Duration::from_millis(20);

/// All that the cloud knows.
#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) things: BTreeMap<String, Thing>,
    pub(crate) made: u32,
    pub(crate) calls: Vec<Call>,
    pub(crate) faults: BTreeMap<usize, Fault>,
    pub(crate) latency: Option<Duration>,
    pub(crate) hidden_for: Duration,
    pub(crate) stale_for: Duration,
    pub(crate) stale_tags_for: Duration,
    pub(crate) frozen_for: Duration,
    pub(crate) loses_first_replies: bool,
    pub(crate) hides_environments: bool,
    pub(crate) under_way: usize,
    pub(crate) most_under_way: usize,
    pub(crate) shelf: Shelf,
}

/// A mark and a proof.
pub(crate) type Tags = (Option<String>, Option<String>);

/// One resource.
#[derive(Clone, Debug)]
pub(crate) struct Thing {
    pub(crate) kind: &'static str,
    pub(crate) scope: Scope,
    pub(crate) address: Address,
    pub(crate) generation: u32,
    pub(crate) mark: Option<String>,
    pub(crate) proof: Option<String>,
    /// Its name, for kinds whose names are unique.
    pub(crate) name: Option<String>,
    pub(crate) spec: Value,
    /// What a scan shows instead of the spec, and until when.
    pub(crate) stale: Option<(Value, Instant)>,
    /// The mark and the proof that it shows instead of those it has, and until when.
    pub(crate) stale_tags: Option<(Tags, Instant)>,
    /// Whether it goes with what it refers to, and does not hold it.
    pub(crate) is_kept: bool,
    pub(crate) visible_at: Instant,
    pub(crate) ready_at: Instant,
    pub(crate) gone_at: Option<Instant>,
    pub(crate) activity: Activity,
}

impl State {
    /// Logs a call, and says what goes wrong with it and how long it takes.
    pub(crate) fn begin(&mut self, call: Call) -> (Option<Fault>, Duration) {
        let is_first = self.loses_first_replies && !self.calls.contains(&call);
        let armed = self.faults.remove(&self.calls.len());
        self.calls.push(call);
        self.under_way += 1;
        self.most_under_way = self.most_under_way.max(self.under_way);
        let fault = armed.or(is_first.then_some(Fault::LOST_REPLY));
        (fault, self.latency.unwrap_or(LATENCY))
    }

    /// Removes what is gone by now, and what was kept in it.
    pub(crate) fn pass_time(&mut self) {
        let now = Instant::now();
        self.things.retain(|_, thing| thing.gone_at.is_none_or(|at| at > now));
        let there: Vec<String> = self.things.keys().cloned().collect();
        self.things.retain(|_, thing| {
            !thing.is_kept
                || targets(&thing.spec).iter().all(|target| there.iter().any(|id| id == target))
        });
    }

    /// The resource of this identifier.
    pub(crate) fn find(&mut self, id: &str) -> Result<&mut Thing> {
        self.things.get_mut(id).ok_or_else(|| not_there(id))
    }
}

impl Thing {
    /// What its tags say.
    pub(crate) fn badge(&self) -> Badge {
        let (mark, proof) = self.shown_tags();
        Badge {
            name: self.address.name.clone(),
            generation: self.generation,
            mark,
            proof,
            of: Some((self.scope.stack.clone(), self.scope.environment.clone())),
            called: self.name.clone(),
            tags: self.scope.tags.clone(),
        }
    }

    /// What a scan shows of it by now, without the fields that it never shows.
    pub(crate) fn shown(&self, hidden: &[&str]) -> Value {
        let mut spec = match &self.stale {
            Some((spec, until)) if *until > Instant::now() => spec.clone(),
            _ => self.spec.clone(),
        };
        for field in hidden {
            spec[*field] = json!({ "unread": true });
        }
        spec
    }

    /// The mark and the proof that a scan shows by now.
    pub(crate) fn shown_tags(&self) -> Tags {
        match &self.stale_tags {
            Some((tags, until)) if *until > Instant::now() => tags.clone(),
            _ => (self.mark.clone(), self.proof.clone()),
        }
    }

    /// How far it is by now.
    pub(crate) fn phase(&self) -> Phase {
        match self.gone_at {
            Some(_) => Phase::Leaving,
            None if self.ready_at > Instant::now() => Phase::Settling,
            None => Phase::Ready,
        }
    }

    /// The cloud's own word for that.
    pub(crate) fn word(&self) -> &'static str {
        match self.phase() {
            Phase::Ready => "available",
            Phase::Settling => "provisioning",
            Phase::Leaving => "deleting",
            Phase::Failed => "failed",
        }
    }

    /// What is told of it by now.
    pub(crate) fn output(&self, id: &str) -> Output {
        let is_ready = self.phase() != Phase::Settling;
        Output { id: id.to_owned(), host: is_ready.then(|| format!("{id}.example")) }
    }
}

/// The identifiers a spec refers to.
pub(crate) fn targets(spec: &Value) -> Vec<&str> {
    match spec {
        Value::Object(fields) => match (fields.len(), fields.get("id").and_then(Value::as_str)) {
            (1, Some(id)) => vec![id],
            _ => fields.values().flat_map(targets).collect(),
        },
        Value::Array(items) => items.iter().flat_map(targets).collect(),
        _ => Vec::new(),
    }
}

/// The failure of a call on what is not there.
pub(crate) fn not_there(id: &str) -> Failure {
    refusal(Cause::Gone, format!("there is no {id}"))
}

/// A kind's typical time.
pub(crate) fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds))
}
