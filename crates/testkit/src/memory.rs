//! The cloud in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use deployer_core::{
    Address, Cause, Change, ExistingBalancer, ExistingNetwork, Failure, Phase, Place, Removal,
    Scope,
};
use deployer_engine::{
    Badge, Calls, Cloud, Context, Ends, Found, Lease, Parameter, Parameters, Progress, Result,
    Secrecy, Session, Survey,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::fault::refusal;
use crate::things::{State, Thing, not_there, seconds, targets};
use crate::toy::Toy;
use crate::{Activity, Call, Fault, Moment, Operation, Output, pass, shell};

/// A cloud in memory, at one place; others are reached from it.
///
/// It has real AWS's manners: creates and deletes take the kind's typical time, names are unique
/// until their bearer is gone, what is being changed cannot be changed, and what others refer to
/// cannot be deleted.
#[derive(Default)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    /// What there is elsewhere, by account and region.
    elsewhere: Arc<Mutex<Elsewhere>>,
    hanging: Arc<Notify>,
    fence: Arc<Mutex<Option<Lease>>>,
    is_cut_off: AtomicBool,
    calls: Calls,
}

type Elsewhere = BTreeMap<(Option<String>, Option<String>), Arc<Mutex<State>>>;

impl Cloud for Memory {
    type Shared = ();

    fn calls(&self) -> &Calls {
        &self.calls
    }

    /// A role whose name ends with `closed` lets nobody in.
    async fn at(&self, role: Option<&str>, region: Option<&str>) -> Result<Self> {
        if role.is_some_and(|role| role.ends_with("closed")) {
            return Err(Failure::new(Cause::Denied, "assume the role", "it is closed"));
        }
        Ok(self.elsewhere(role, region))
    }

    /// None of the kinds in memory is in one.
    async fn zones(&self) -> Result<BTreeSet<String>> {
        Ok(BTreeSet::new())
    }

    /// Nor is any in a network.
    async fn network(&self, _: &str, _: &BTreeSet<String>) -> Result<Option<ExistingNetwork>> {
        Ok(None)
    }

    /// Nor a load balancer.
    async fn balancer(&self, _: &str) -> Result<Option<ExistingBalancer>> {
        Ok(None)
    }

    /// Nor does any of these carry tags.
    async fn tagged(
        &self,
        _: &str,
        _: &BTreeMap<String, String>,
        _: Option<&str>,
    ) -> Result<BTreeSet<String>> {
        Ok(BTreeSet::new())
    }

    /// Nor does any of them read parameters.
    async fn names_below(&self, _: &str) -> Result<BTreeSet<String>> {
        Ok(BTreeSet::new())
    }

    /// What runs in memory runs on this machine, so that whoever types sees what a shell makes of it.
    async fn join(&self, session: &Session, ends: Ends) -> Result<String> {
        shell::join(session, ends).await
    }
}

impl Parameters for Memory {
    async fn parameters(&self, scope: &Scope) -> Result<Vec<Parameter>> {
        self.pass_cut()?;
        Ok(self.lock().shelf.all(scope))
    }

    async fn environments(&self, stack: &str) -> Result<BTreeSet<String>> {
        self.pass_cut()?;
        let state = self.lock();
        if state.hides_environments {
            return Err(refusal(Cause::Denied, "you may look at one environment alone"));
        }
        Ok(state.shelf.environments(stack))
    }

    async fn reveal(&self, scope: &Scope, name: &str) -> Result<Option<String>> {
        self.pass_cut()?;
        Ok(self.lock().shelf.reveal(scope, name))
    }

    async fn make(&self, scope: &Scope, name: &str, value: &str, _: Secrecy) -> Result<bool> {
        self.pass_cut()?;
        Ok(self.lock().shelf.make(scope, name, value))
    }

    async fn write(&self, scope: &Scope, name: &str, value: &str) -> Result<u64> {
        self.pass_cut()?;
        self.lock().shelf.write(scope, name, value)
    }

    /// Its tags show nowhere.
    async fn retag(&self, _: &Scope, _: &str, _: &BTreeSet<String>) -> Result<()> {
        Ok(())
    }

    async fn remove(&self, scope: &Scope, name: &str) -> Result<()> {
        self.pass_cut()?;
        self.lock().shelf.remove(scope, name);
        Ok(())
    }

    fn fence(&self, lease: Lease) {
        *self.fence.lock().expect("no test panics while it holds the fence") = Some(lease);
    }
}

impl Memory {
    /// The same cloud once more, to try something else in it.
    ///
    /// # Panics
    /// When another test has panicked in it.
    #[must_use]
    pub fn fork(&self) -> Self {
        let copy = |state: &Arc<Mutex<State>>| {
            let state = state.lock().expect("no test panics while it holds the lock");
            Arc::new(Mutex::new(state.clone()))
        };
        let elsewhere = self.elsewhere.lock().expect("no test panics while it holds it");
        let elsewhere = elsewhere.iter().map(|(place, it)| (place.clone(), copy(it))).collect();
        let elsewhere = Arc::new(Mutex::new(elsewhere));
        Self { state: copy(&self.state), elsewhere, ..Self::default() }
    }

    /// The same cloud in the account of a role, and in another region.
    ///
    /// # Panics
    /// When another test has panicked in it.
    #[must_use]
    pub fn elsewhere(&self, role: Option<&str>, region: Option<&str>) -> Self {
        let account = role.and_then(Place::account_of_role).map(ToOwned::to_owned);
        let place = (account, region.map(ToOwned::to_owned));
        let mut elsewhere = self.elsewhere.lock().expect("no test panics while it holds it");
        // No identifier is there twice, wherever it is.
        let made = 1000 * (1 + u32::try_from(elsewhere.len()).expect("a few places"));
        let new = || Arc::new(Mutex::new(State { made, ..State::default() }));
        Self {
            state: Arc::clone(elsewhere.entry(place).or_insert_with(new)),
            elsewhere: Arc::clone(&self.elsewhere),
            hanging: Arc::clone(&self.hanging),
            fence: Arc::clone(&self.fence),
            calls: self.calls.elsewhere(),
            ..Self::default()
        }
    }

    /// A second way into this very cloud, as another process has.
    #[must_use]
    pub fn door(&self) -> Self {
        let (state, elsewhere) = (Arc::clone(&self.state), Arc::clone(&self.elsewhere));
        Self { state, elsewhere, ..Self::default() }
    }

    /// Keeps signs of life from getting out through this door, or lets them out again.
    pub fn cut_off(&self, is_cut_off: bool) {
        self.is_cut_off.store(is_cut_off, Ordering::Relaxed);
    }

    /// Lets nobody ask any more which environments a stack has.
    pub fn hide_environments(&self) {
        self.lock().hides_environments = true;
    }

    /// The names of the parameters there are.
    pub fn parameter_names(&self) -> Vec<String> {
        self.lock().shelf.names()
    }

    /// From now on the name of a parameter that is taken off stays taken for so long.
    pub fn withhold_names(&self, withheld_for: Duration) {
        self.lock().shelf.withhold(withheld_for);
    }

    /// Takes parameters off whose names begin like this, as somebody does in a console.
    pub fn lose_parameters(&self, beginning: &str) {
        self.lock().shelf.lose(beginning);
    }

    /// Makes the n-th call from now on, counted from zero, go wrong.
    pub fn arm(&self, nth: usize, fault: Fault) {
        let mut state = self.lock();
        let at = state.calls.len() + nth;
        state.faults.insert(at, fault);
    }

    /// Takes back what was armed and has not struck.
    pub fn disarm(&self) {
        self.lock().faults.clear();
    }

    /// Makes every call take this long.
    pub fn slow_down(&self, latency: Duration) {
        self.lock().latency = Some(latency);
    }

    /// Hides what is made from now on for a while, as an eventually consistent service does.
    pub fn hide_for(&self, duration: Duration) {
        self.lock().hidden_for = duration;
    }

    /// Shows what is changed from now on as it was for a while longer.
    pub fn show_late(&self, duration: Duration) {
        self.lock().stale_for = duration;
    }

    /// Shows tags that are written from now on as they were for a while longer.
    pub fn show_tags_late(&self, duration: Duration) {
        self.lock().stale_tags_for = duration;
    }

    /// Makes the reply to the first of all equal calls get lost, so that each is made twice.
    pub fn lose_first_replies(&self) {
        self.lock().loses_first_replies = true;
    }

    /// The most calls that were under way at a time.
    pub fn most_under_way(&self) -> usize {
        self.lock().most_under_way
    }

    /// Makes whatever is made from now on stay unfinished for a day.
    pub fn freeze(&self) {
        self.lock().frozen_for = Duration::from_hours(24);
    }

    /// The calls made so far.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// How many resources there are, by address.
    pub fn census(&self) -> BTreeMap<Address, usize> {
        let mut census = BTreeMap::new();
        for thing in self.lock().things.values() {
            *census.entry(thing.address.clone()).or_default() += 1;
        }
        census
    }

    /// Changes a field of a resource as somebody does in a console.
    ///
    /// # Panics
    /// When there is no such resource.
    pub fn meddle(&self, address: &str, field: &str, value: Value) {
        let mut state = self.lock();
        let mut things = state.things.values_mut();
        let thing = things.find(|thing| thing.address.to_string() == address);
        thing.expect("it is there").spec[field] = value;
    }

    /// Makes a copy of a resource elsewhere, tags and all, as somebody does by hand.
    ///
    /// # Panics
    /// When there is no such resource.
    pub fn copy_from(&self, other: &Self, address: &str) {
        let found = {
            let state = other.lock();
            let mut things = state.things.iter();
            let thing = things.find(|(_, thing)| thing.address.to_string() == address);
            let (id, thing) = thing.expect("it is there");
            (id.clone(), thing.clone())
        };
        self.lock().things.insert(found.0, found.1);
    }

    /// Takes the tags off a resource, as somebody does in a console.
    ///
    /// # Panics
    /// When there is no such resource.
    pub fn untag(&self, address: &str) {
        let mut state = self.lock();
        let mut things = state.things.values_mut();
        let thing = things.find(|thing| thing.address.to_string() == address);
        let thing = thing.expect("it is there");
        (thing.scope.stack, thing.mark, thing.proof) = (String::new(), None, None);
    }

    /// Deletes a resource as somebody does in a console.
    pub fn lose(&self, address: &str) {
        self.lock().things.retain(|_, thing| thing.address.to_string() != address);
    }

    /// Changes what goes on in a resource.
    ///
    /// # Panics
    /// When there is no such resource.
    pub fn act(&self, address: &str, change: impl FnOnce(&mut Activity)) {
        let mut state = self.lock();
        let mut things = state.things.values_mut();
        let thing = things.find(|thing| thing.address.to_string() == address);
        change(&mut thing.expect("it is there").activity);
    }

    /// Waits until a call hangs.
    pub async fn hung(&self) {
        self.hanging.notified().await;
    }

    /// Makes a resource; with a unique name, one that is there already is made no second time.
    pub(crate) async fn create<K: Toy>(
        &self,
        cx: &Context<'_, Self>,
        spec: &K::Spec,
    ) -> Result<Output> {
        let spec = json(spec);
        let identity = cx.identity;
        let name = K::NAMING.map(|_| identity.name.clone());
        self.call::<K, _>(Operation::Create, &identity.address.name, |state| {
            let bearer = state
                .things
                .iter()
                .find(|(_, thing)| name.is_some() && thing.kind == K::NAME && thing.name == name);
            if let Some((id, bearer)) = bearer {
                let is_same = bearer.scope == identity.scope && cx.is_ours(&bearer.badge(), id);
                return match (is_same, bearer.gone_at) {
                    (_, Some(_)) => Err(refusal(Cause::Busy, "the name is still draining")),
                    (true, None) => Ok(bearer.output(id)),
                    (false, None) => Err(refusal(Cause::Taken, "the name is taken")),
                };
            }
            for target in targets(&spec) {
                if !state.things.contains_key(target) {
                    return Err(refusal(Cause::Missing, format!("there is no {target}")));
                }
            }
            state.made += 1;
            let id = format!("{}-{}", K::NAME, state.made);
            let thing = Thing {
                kind: K::NAME,
                scope: identity.scope.clone(),
                address: identity.address.clone(),
                generation: identity.generation,
                mark: Some(identity.mark.clone()),
                proof: identity.proof.clone(),
                name: name.clone(),
                spec: spec.clone(),
                stale: None,
                stale_tags: None,
                is_kept: K::REMOVAL == Removal::WithParent,
                visible_at: Instant::now() + state.hidden_for,
                ready_at: Instant::now() + seconds(K::TYPICAL.create) + state.frozen_for,
                gone_at: None,
                activity: Activity::default(),
            };
            let output = thing.output(&id);
            state.things.insert(id, thing);
            Ok(output)
        })
        .await
    }

    /// Changes a resource, unless it is being made or changed. What only a new one could have otherwise
    /// stays as it is.
    pub(crate) async fn update<K: Toy>(
        &self,
        operation: Operation,
        cx: &Context<'_, Self>,
        id: &str,
        spec: &K::Spec,
    ) -> Result<Output> {
        let spec = json(spec);
        self.call::<K, _>(operation, &cx.identity.address.name, |state| {
            let stale_for = state.stale_for;
            let thing = state.find(id)?;
            if operation == Operation::Update && thing.phase() != Phase::Ready {
                return Err(refusal(Cause::Busy, format!("{id} is {}", thing.word())));
            }
            let mut spec = spec.clone();
            for (field, _) in K::CHANGES.iter().filter(|it| matches!(it.1, Change::Replace(_))) {
                if let Some(value) = thing.spec.get(field) {
                    spec[field] = value.clone();
                }
            }
            if thing.spec != spec {
                let before = std::mem::replace(&mut thing.spec, spec.clone());
                thing.stale = Some((before, Instant::now() + stale_for));
                let changed_at = Instant::now() + seconds(K::TYPICAL.update);
                thing.ready_at = thing.ready_at.max(changed_at);
            }
            Ok(thing.output(id))
        })
        .await
    }

    /// Notes what a resource was last given.
    pub(crate) async fn remember<K: Toy>(&self, cx: &Context<'_, Self>, id: &str) -> Result<()> {
        let identity = cx.identity.clone();
        self.call::<K, _>(Operation::Remember, &cx.identity.address.name, |state| {
            let stale_for = state.stale_tags_for;
            let thing = state.find(id)?;
            let before = (thing.mark.take(), thing.proof.take());
            thing.stale_tags = Some((before, Instant::now() + stale_for));
            (thing.scope, thing.address) = (identity.scope.clone(), identity.address.clone());
            thing.generation = identity.generation;
            (thing.mark, thing.proof) = (Some(identity.mark.clone()), identity.proof.clone());
            Ok(())
        })
        .await
    }

    /// Begins to delete a resource, unless another refers to it.
    pub(crate) async fn delete<K: Toy>(&self, cx: &Context<'_, Self>, id: &str) -> Result<()> {
        self.call::<K, _>(Operation::Delete, &cx.identity.address.name, |state| {
            let holder = state
                .things
                .iter()
                .find(|(_, thing)| !thing.is_kept && targets(&thing.spec).contains(&id));
            if let Some((holder, _)) = holder {
                return Err(Failure {
                    code: Some("DependencyViolation".to_owned()),
                    ..refusal(Cause::Busy, format!("{id} is used by {holder}"))
                });
            }
            let gone_at = Instant::now() + seconds(K::TYPICAL.delete);
            state.find(id)?.gone_at.get_or_insert(gone_at);
            Ok(())
        })
        .await
    }

    /// One look at whether a resource is ready.
    pub(crate) async fn ready<K: Toy>(
        &self,
        cx: &Context<'_, Self>,
        id: &str,
    ) -> Result<Progress<Output>> {
        self.call::<K, _>(Operation::Ready, &cx.identity.address.name, |state| {
            let thing = state.find(id)?;
            Ok(match thing.phase() {
                _ if thing.visible_at > Instant::now() => return Err(not_there(id)),
                Phase::Ready => Progress::Done(thing.output(id)),
                Phase::Settling => Progress::Waiting(thing.word().to_owned()),
                Phase::Leaving => Progress::Failed("somebody deleted it".to_owned()),
                Phase::Failed => Progress::Failed(thing.word().to_owned()),
            })
        })
        .await
    }

    /// What a resource is like.
    pub(crate) async fn spec<K: Toy>(&self, cx: &Context<'_, Self>, id: &str) -> Result<Value> {
        self.call::<K, _>(Operation::Look, &cx.identity.address.name, |state| {
            state.find(id).map(|thing| thing.spec.clone())
        })
        .await
    }

    /// One look at whether a resource is gone.
    pub(crate) async fn gone<K: Toy>(
        &self,
        cx: &Context<'_, Self>,
        id: &str,
    ) -> Result<Progress<()>> {
        self.call::<K, _>(Operation::Gone, &cx.identity.address.name, |state| {
            state.find(id).map(|thing| Progress::Waiting(thing.word().to_owned()))
        })
        .await
    }

    /// All resources of a kind that can be seen.
    pub(crate) async fn scan<K: Toy>(&self, survey: &Survey<'_, Self>) -> Result<Vec<Found<K>>> {
        self.call::<K, _>(Operation::Scan, "", |state| {
            let ours = state
                .seen::<K>()
                .filter(|(_, thing)| thing.scope.to_string() == survey.scope.to_string());
            Ok(ours.map(|(id, thing)| thing.found(id, thing.badge())).collect())
        })
        .await
    }

    /// The resource of a kind that has this identifier, whosever it is, if it can be seen.
    pub(crate) async fn read<K: Toy>(
        &self,
        survey: &Survey<'_, Self>,
        id: &str,
    ) -> Result<Option<Found<K>>> {
        self.call::<K, _>(Operation::Read, id, |state| {
            let mut seen = state.seen::<K>();
            let is_it = |(other, thing): &(&String, &Thing)| {
                *other == id || thing.name.as_deref() == Some(id)
            };
            Ok(seen.find(is_it).map(|(id, thing)| {
                let is_ours = thing.scope.to_string() == survey.scope.to_string();
                let nobodys = || Badge { of: thing.badge().of, ..Badge::default() };
                thing.found(id, if is_ours { thing.badge() } else { nobodys() })
            }))
        })
        .await
    }

    /// What goes on in a live thing, or is done about it.
    pub(crate) async fn activity<K: Toy, T>(
        &self,
        operation: Operation,
        live: &Found<K>,
        effect: impl Fn(&mut Activity) -> Result<T>,
    ) -> Result<T> {
        self.call::<K, _>(operation, &live.badge.name, |state| {
            effect(&mut state.find(&live.output.id)?.activity)
        })
        .await
    }

    /// Makes a call, as the engine makes calls.
    async fn call<K: Toy, T>(
        &self,
        operation: Operation,
        name: &str,
        effect: impl Fn(&mut State) -> Result<T>,
    ) -> Result<T> {
        let call = Call { operation, kind: K::NAME, name: name.to_owned() };
        self.calls.make(operation.of_engine(), || self.attempt(call.clone(), &effect)).await
    }

    /// Tries it once: logs it, lets time pass, and lets a fault strike where one is armed.
    async fn attempt<T>(&self, call: Call, effect: &impl Fn(&mut State) -> Result<T>) -> Result<T> {
        let operation = call.operation;
        let (fault, latency) = self.lock().begin(call);
        pass(latency).await;
        self.lock().under_way -= 1;
        self.pass_fence(operation)?;
        if let Some(fault) = fault.filter(|fault| fault.moment() == Moment::Before) {
            return fault.strike(&self.hanging).await;
        }
        let result = {
            let mut state = self.lock();
            state.pass_time();
            effect(&mut state)
        };
        match fault {
            Some(fault) => fault.strike(&self.hanging).await,
            None => result,
        }
    }

    fn pass_fence(&self, operation: Operation) -> Result<()> {
        let fence = self.fence.lock().expect("no test panics while it holds the fence");
        let is_closed = fence.as_ref().is_some_and(|lease| !lease.is_fresh());
        if is_closed && operation.of_engine().changes {
            return Err(refusal(Cause::Busy, "the lock has not been renewed"));
        }
        Ok(())
    }

    fn pass_cut(&self) -> Result<()> {
        if self.is_cut_off.load(Ordering::Relaxed) {
            return Err(refusal(Cause::Unreachable, "nobody answers"));
        }
        Ok(())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the lock")
    }
}

impl State {
    /// What can be seen of a kind.
    fn seen<K: Toy>(&self) -> impl Iterator<Item = (&String, &Thing)> {
        let now = Instant::now();
        let seen = move |thing: &Thing| thing.kind == K::NAME && thing.visible_at <= now;
        self.things.iter().filter(move |(_, thing)| seen(thing))
    }
}

impl Thing {
    /// What a scan finds, whatever it says it is.
    fn found<K: Toy>(&self, id: &str, badge: Badge) -> Found<K> {
        Found {
            badge,
            spec: typed(&self.shown(K::HIDDEN)),
            output: self.output(id),
            phase: self.phase(),
            state: self.word().to_owned(),
            foreign: Vec::new(),
        }
    }
}

fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).expect("a spec has a JSON form")
}

fn typed<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).expect("a spec reads back as written")
}
