//! A cloud with the real kinds that does everything at once: for seeing whole stacks through the
//! command line.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use deployer_cli::Exit;
use deployer_core::{
    Address, Cause, ExistingBalancer, ExistingListener, ExistingNetwork, ExistingSubnet, Failure,
    Kind, Phase, Scope, WayOut,
};
use deployer_engine::{
    Badge, Calls, Cloud, Context, Ends, Found, Lease, Parameter, Parameters, Progress, Provenance,
    Registry, Release, Releases, Resource, Result, Revision, Rollout, RolloutState, Rollouts,
    Secrecy, Session, Steering, Survey, Version, Versions, Voice,
};
use deployer_kinds as kinds;
use deployer_testkit::Shelf;
use serde_json::{Value, json};

use crate::world::World;

/// The sample stack.
pub(crate) const NOTES: &str = include_str!("../../../../stacks/notes.yaml");

/// The sample stack as it is after its first apply.
pub(crate) async fn applied() -> World<Lookalike> {
    let world = World::new(registry, NOTES);
    let ran = world.run("apply --env dev --yes").await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    world
}

/// The cloud.
#[derive(Default)]
pub(crate) struct Lookalike(Mutex<State>, Calls);

#[derive(Clone, Default)]
struct State {
    things: BTreeMap<String, Thing>,
    made: usize,
    /// Which version of the sources the next build is of.
    sources: usize,
    shelf: Shelf,
    /// What was begun, and what was done, in that order.
    journal: Vec<Entry>,
    trouble: Option<(String, usize, Trouble)>,
    /// What never gets ready, by address.
    dying: BTreeSet<String>,
    /// The rollouts of each service, the newest first.
    rollouts: BTreeMap<String, Vec<Rollout>>,
}

/// One line of what was done to things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Begun(String),
    Done(String),
}

/// What is the matter with one step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    /// It is not done.
    Fails,
    /// It is done, and what it is about never gets ready.
    Dies,
    Lags(Duration),
}

#[derive(Clone)]
struct Thing {
    kind: &'static str,
    badge: Badge,
    scope: String,
    spec: Value,
    output: Value,
    /// Whether it has not got ready yet.
    is_settling: bool,
    provenance: Provenance,
}

impl State {
    /// Notes that a service was set to run a version, which comes up at once.
    fn roll_out(&mut self, service: &str, spec: &Value) {
        let runs = spec["task-definition"]["id"].as_str().map(str::to_owned);
        let rollouts = self.rollouts.entry(service.to_owned()).or_default();
        let to = Revision { runs, wanted: 1, running: 1, ..Revision::default() };
        let before = rollouts.first().and_then(|rollout| rollout.to.clone());
        if before.as_ref() != Some(&to) {
            rollouts.insert(0, rolled_out(rollouts.len(), before, to));
        }
    }
}

fn rolled_out(number: usize, from: Option<Revision>, to: Revision) -> Rollout {
    Rollout {
        id: format!("rollout-{number}"),
        state: RolloutState::Succeeded,
        status: "SUCCESSFUL".to_owned(),
        reason: None,
        stage: None,
        from: from.into_iter().collect(),
        to: Some(to),
        back_to: None,
        bake: None,
        failures: None,
        alarms: BTreeMap::new(),
        holds: vec![],
        created: None,
        started: None,
        finished: None,
    }
}

impl Cloud for Lookalike {
    type Shared = ();

    fn calls(&self) -> &Calls {
        &self.1
    }

    /// There is nothing elsewhere.
    async fn at(&self, _role: Option<&str>, _region: Option<&str>) -> Result<Self> {
        Ok(Self::default())
    }

    /// Those of Ireland.
    async fn zones(&self) -> Result<BTreeSet<String>> {
        Ok(["a", "b", "c"].map(|letter| format!("eu-west-1{letter}")).into())
    }

    /// Every network is there but `vpc-gone`, and every subnet is in the one that is asked for: those
    /// called public lead to an internet gateway, the others to a NAT gateway.
    async fn network(
        &self,
        vpc: &str,
        subnets: &BTreeSet<String>,
    ) -> Result<Option<ExistingNetwork>> {
        let state = self.lock();
        let subnet = |(index, id): (usize, &String)| {
            let made = state.things.get(id);
            let name = made.map_or(id.as_str(), |made| made.badge.name.as_str());
            let is_public = name.contains("public");
            let zone = made.and_then(|made| made.spec["zone"].as_str().map(str::to_owned));
            let subnet = ExistingSubnet {
                vpc: vpc.to_owned(),
                zone: zone.unwrap_or_else(|| format!("eu-west-1{}", ["a", "b"][index % 2])),
                free: 200,
                way: if is_public { WayOut::Gateway } else { WayOut::Elsewhere },
            };
            (id.clone(), subnet)
        };
        let network = ExistingNetwork {
            ranges: ["10.0.0.0/16".to_owned()].into(),
            has_dns: true,
            subnets: subnets.iter().enumerate().map(subnet).collect(),
            endpoints: BTreeSet::new(),
        };
        Ok(Some(network).filter(|_| vpc != "vpc-gone"))
    }

    /// One that was made here is in its own VPC, with its own listeners; any other is in `vpc-1` and
    /// listens on ports 80 and 443. That called `gone` is not there.
    async fn balancer(&self, arn: &str) -> Result<Option<ExistingBalancer>> {
        let state = self.lock();
        let listens = |thing: &(&String, &Thing)| {
            thing.1.kind == kinds::Listener::NAME && thing.1.spec["load-balancer"]["id"] == *arn
        };
        let listener = |(id, thing): (&String, &Thing)| {
            let port = thing.spec["port"].as_u64().and_then(|port| u16::try_from(port).ok());
            let is_secure = thing.spec["protocol"] == "https";
            let port = port.expect("a port");
            (port, ExistingListener { id: id.clone(), port, is_secure })
        };
        let made = state.things.get(arn);
        let groups = made.map(|made| made.spec["security-groups"].clone());
        let group = groups.and_then(|groups| groups[0]["id"].as_str().map(str::to_owned));
        let vpc = group.as_ref().and_then(|group| state.things.get(group));
        let vpc = vpc.and_then(|group| group.spec["vpc"]["id"].as_str().map(str::to_owned));
        let by_hand = [(80, false), (443, true)].map(|(port, is_secure)| {
            (port, ExistingListener { id: format!("{arn}/{port}"), port, is_secure })
        });
        let balancer = ExistingBalancer {
            vpc: vpc.unwrap_or_else(|| "vpc-1".to_owned()),
            dns: "edge.example".to_owned(),
            zone: "Z1".to_owned(),
            is_application: true,
            is_internal: false,
            groups: [group.unwrap_or_else(|| "sg-edge".to_owned())].into(),
            listeners: match made {
                Some(_) => state.things.iter().filter(listens).map(listener).collect(),
                None => by_hand.into(),
            },
        };
        Ok(Some(balancer).filter(|_| !arn.contains("gone")))
    }

    /// Nothing carries tags of others.
    async fn tagged(
        &self,
        _: &str,
        _: &BTreeMap<String, String>,
        _: Option<&str>,
    ) -> Result<BTreeSet<String>> {
        Ok(BTreeSet::new())
    }

    /// One parameter is below each path.
    async fn names_below(&self, path: &str) -> Result<BTreeSet<String>> {
        Ok([format!("{path}/token")].into())
    }

    /// Nobody gets into anything.
    async fn join(&self, _: &Session, _: Ends) -> Result<String> {
        Err(Failure::new(Cause::Refused, "join the session", "nothing runs"))
    }
}

impl Parameters for Lookalike {
    async fn parameters(&self, scope: &Scope) -> Result<Vec<Parameter>> {
        Ok(self.lock().shelf.all(scope))
    }

    async fn environments(&self, stack: &str) -> Result<BTreeSet<String>> {
        Ok(self.lock().shelf.environments(stack))
    }

    async fn reveal(&self, scope: &Scope, name: &str) -> Result<Option<String>> {
        Ok(self.lock().shelf.reveal(scope, name))
    }

    async fn make(&self, scope: &Scope, name: &str, value: &str, _: Secrecy) -> Result<bool> {
        Ok(self.lock().shelf.make(scope, name, value))
    }

    async fn write(&self, scope: &Scope, name: &str, value: &str) -> Result<u64> {
        self.lock().shelf.write(scope, name, value)
    }

    /// Its tags show nowhere.
    async fn retag(&self, _: &Scope, _: &str, _: &BTreeSet<String>) -> Result<()> {
        Ok(())
    }

    async fn remove(&self, scope: &Scope, name: &str) -> Result<()> {
        self.lock().shelf.remove(scope, name);
        Ok(())
    }

    fn fence(&self, _lease: Lease) {}
}

impl Lookalike {
    /// Somebody edits the sources.
    pub(crate) fn edit_sources(&self) {
        self.lock().sources += 1;
    }

    /// From now on, the n-th time that something such as `update service/web` is to be done, counted
    /// from 0, it goes like this.
    pub(crate) fn trouble(&self, step: &str, nth: usize, trouble: Trouble) {
        self.lock().trouble = Some((step.to_owned(), nth, trouble));
    }

    /// All goes well again. What was begun and done until now.
    pub(crate) fn recover(&self) -> Vec<Entry> {
        let mut state = self.lock();
        state.trouble = None;
        state.dying.clear();
        std::mem::take(&mut state.journal)
    }

    /// What was begun and done until now, whatever goes on not to go well.
    pub(crate) fn journal(&self) -> Vec<Entry> {
        std::mem::take(&mut self.lock().journal)
    }

    /// Somebody deletes an image.
    pub(crate) fn lose_image(&self, digest: &str) {
        self.lock().things.remove(digest);
    }

    /// Another cloud with the same in it.
    pub(crate) fn copy(&self) -> Self {
        Self(Mutex::new(self.lock().clone()), Calls::default())
    }

    /// Everything that is there: its kind, its identifier and its spec as text.
    pub(crate) fn things(&self) -> Vec<(&'static str, String, String)> {
        let state = self.lock();
        let things = state.things.iter();
        things.map(|(id, thing)| (thing.kind, id.clone(), thing.spec.to_string())).collect()
    }

    /// Begins a step, with whatever is the matter with it.
    async fn begin(&self, step: &str) -> Result<()> {
        let trouble = {
            let mut state = self.lock();
            let begun = Entry::Begun(step.to_owned());
            let times = state.journal.iter().filter(|entry| **entry == begun).count();
            state.journal.push(begun);
            let ours = state.trouble.as_ref().filter(|(of, nth, _)| of == step && *nth == times);
            ours.map(|(_, _, trouble)| *trouble)
        };
        match trouble {
            Some(Trouble::Fails) => {
                Err(Failure::new(Cause::Refused, "do it", "it was made to fail"))
            }
            Some(Trouble::Dies) => {
                let address = step.rsplit(' ').next().unwrap_or_default();
                self.lock().dying.insert(address.to_owned());
                Ok(())
            }
            Some(Trouble::Lags(delay)) => {
                deployer_testkit::pass(delay).await;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn end(&self, step: String) {
        self.lock().journal.push(Entry::Done(step));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic")
    }

    fn digest(&self) -> String {
        format!("sha256:{:04}", self.lock().sources)
    }

    fn scan<K: Kind>(&self, survey: &Survey<'_, Self>) -> Vec<Found<K>> {
        let scope = survey.scope.to_string();
        let state = self.lock();
        let mine = state.things.values().filter(|it| it.kind == K::NAME && it.scope == scope);
        mine.map(|thing| Found {
            badge: thing.badge.clone(),
            spec: serde_json::from_value(thing.spec.clone()).expect("a spec"),
            output: serde_json::from_value(thing.output.clone()).expect("an output"),
            phase: if thing.is_settling { Phase::Settling } else { Phase::Ready },
            state: "available".to_owned(),
            foreign: vec![],
        })
        .collect()
    }

    /// Makes one; its output has every field that any kind's has.
    fn make<K: Kind>(&self, cx: &Context<'_, Self>, spec: &K::Spec) -> K::Output {
        let digest = self.digest();
        let mut spec = serde_json::to_value(spec).expect("a spec");
        let mut state = self.lock();
        state.made += 1;
        let id = match K::NAME {
            "image" => {
                let known = spec["digest"].as_str().map(str::to_owned);
                let digest = known.unwrap_or(digest);
                spec["digest"] = json!(digest);
                digest
            }
            kind => format!("{kind}-{}", state.made),
        };
        let name = &cx.identity.name;
        let output = json!({
            "id": id, "arn": format!("arn:aws:{id}"), "name": name, "host": "db.example",
            "port": 5432, "database": "notes", "user": "notes", "secret": secret(&spec),
            "address": "192.0.2.1", "uri": format!("registry.example/{name}@{id}"),
            "release": format!("{}-{}", cx.identity.address.name, cx.identity.generation),
            "dns": "edge.example", "zone": "Z1", "cluster": "main",
            "task_definition": id, "task-definition": id, "family": name, "revision": 1,
        });
        let thing = Thing {
            kind: K::NAME,
            badge: Badge {
                name: cx.identity.address.name.clone(),
                generation: cx.identity.generation,
                mark: Some(cx.identity.mark.clone()),
                proof: cx.identity.proof.clone(),
                of: None,
                called: Some(name.clone()),
                tags: cx.identity.scope.tags.clone(),
            },
            scope: cx.identity.scope.to_string(),
            spec,
            output: output.clone(),
            is_settling: false,
            provenance: cx.identity.provenance.clone(),
        };
        if K::NAME == "service" {
            state.roll_out(&id, &thing.spec);
        }
        state.things.insert(id, thing);
        serde_json::from_value(output).expect("an output")
    }

    fn change<K: Kind>(
        &self,
        cx: &Context<'_, Self>,
        live: &Found<K>,
        spec: &K::Spec,
    ) -> K::Output {
        let mut state = self.lock();
        let thing = state.things.get_mut(&id::<K>(live)).expect("it is there");
        thing.badge.mark = Some(cx.identity.mark.clone());
        thing.badge.proof.clone_from(&cx.identity.proof);
        thing.badge.tags.clone_from(&cx.identity.scope.tags);
        let count = thing.spec["count"].take();
        thing.spec = serde_json::to_value(spec).expect("a spec");
        // Of a number that nobody asks for, what runs stays.
        if K::NAME == "service" && thing.spec["count"].is_null() {
            thing.spec["count"] = count;
        }
        if K::NAME == "db-instance" {
            thing.output["secret"] = secret(&thing.spec);
        }
        let (changed, output) = (thing.spec.clone(), thing.output.clone());
        if K::NAME == "service" {
            state.roll_out(&id::<K>(live), &changed);
        }
        serde_json::from_value(output).expect("an output")
    }

    /// One look at whether something is ready.
    fn is_ready(&self, address: &Address, output: &Value) -> bool {
        let mut state = self.lock();
        let is_settling = state.dying.contains(&address.to_string());
        let id = output["id"].as_str().unwrap_or_default();
        if let Some(thing) = state.things.get_mut(id) {
            thing.is_settling = is_settling;
        }
        !is_settling
    }

    /// Deletes one, and the images with their repository.
    fn unmake<K: Kind>(&self, live: &Found<K>) {
        let mut state = self.lock();
        let id = id::<K>(live);
        state.things.remove(&id);
        state.things.retain(|_, thing| thing.spec["repository"]["id"] != json!(id));
    }
}

/// The secret that keeps the password of a database.
fn secret(spec: &Value) -> Value {
    let kept = spec.pointer("/password/kept/id").and_then(Value::as_str);
    json!(kept.unwrap_or("arn:aws:secret"))
}

fn id<K: Kind>(live: &Found<K>) -> String {
    let output = serde_json::to_value(&live.output).expect("an output");
    output["id"].as_str().expect("an identifier").to_owned()
}

impl Rollouts<Lookalike> for kinds::Service {
    async fn rollouts(cloud: &Lookalike, live: &Found<Self>) -> Result<Vec<Rollout>> {
        Ok(cloud.lock().rollouts.get(&live.output.id).cloned().unwrap_or_default())
    }

    async fn rollout(cloud: &Lookalike, live: &Found<Self>, id: &str) -> Result<Option<Rollout>> {
        Ok(Self::rollouts(cloud, live).await?.into_iter().find(|rollout| rollout.id == id))
    }

    /// All of them are over.
    async fn steer(_: &Lookalike, _: &Found<Self>, id: &str, _: &Steering) -> Result<()> {
        Err(Failure::new(Cause::Refused, "steer it", format!("{id} is over")))
    }
}

impl Versions<Lookalike> for kinds::TaskDefinition {
    async fn version(cloud: &Lookalike, live: &Found<Self>, id: &str) -> Result<Option<Version>> {
        let state = cloud.lock();
        let thing = state.things.get(id).filter(|it| it.kind == Self::NAME);
        let thing = thing.filter(|it| it.badge.name == live.badge.name);
        Ok(thing.map(|thing| Version {
            id: id.to_owned(),
            number: thing.badge.generation,
            spec: thing.spec.clone(),
            provenance: thing.provenance.clone(),
        }))
    }
}

impl Releases<Lookalike> for kinds::Image {
    async fn releases(cloud: &Lookalike, live: &Found<Self>) -> Result<Vec<Release>> {
        let state = cloud.lock();
        let is_of = |it: &&Thing| it.kind == Self::NAME && it.badge.name == live.badge.name;
        let release = |it: &Thing| Release {
            name: format!("{}-{}", it.badge.name, it.badge.generation),
            digest: it.output["id"].as_str().unwrap_or_default().to_owned(),
        };
        Ok(state.things.values().filter(is_of).map(release).collect())
    }

    async fn forget(cloud: &Lookalike, _: &Found<Self>, names: &[String]) -> Result<()> {
        let is_meant =
            |it: &Thing| names.contains(&format!("{}-{}", it.badge.name, it.badge.generation));
        cloud.lock().things.retain(|_, it| it.kind != Self::NAME || !is_meant(it));
        Ok(())
    }
}

macro_rules! kinds {
    ($($kind:ident $(with $prepare:item)?),* $(,)?) => {
        /// All the real kinds.
        pub(crate) fn registry() -> Registry<Lookalike> {
            Registry::default()$(.with::<kinds::$kind>())*
                .with_rollouts::<kinds::Service>()
                .with_versions::<kinds::TaskDefinition>()
                .with_releases::<kinds::Image>()
        }

        $(impl Resource<Lookalike> for kinds::$kind {
            async fn scan(survey: &Survey<'_, Lookalike>) -> Result<Vec<Found<Self>>> {
                Ok(survey.cloud.scan::<Self>(survey))
            }

            async fn create(
                cx: &Context<'_, Lookalike>,
                spec: &Self::Spec,
            ) -> Result<Self::Output> {
                let step = format!("create {}", cx.identity.address);
                cx.cloud.begin(&step).await?;
                let made = cx.cloud.make::<Self>(cx, spec);
                cx.cloud.end(step);
                Ok(made)
            }

            async fn update(
                cx: &Context<'_, Lookalike>,
                live: &Found<Self>,
                spec: &Self::Spec,
            ) -> Result<Self::Output> {
                let step = format!("update {}", cx.identity.address);
                cx.cloud.begin(&step).await?;
                let changed = cx.cloud.change::<Self>(cx, live, spec);
                cx.cloud.end(step);
                Ok(changed)
            }

            async fn remember(
                _cx: &Context<'_, Lookalike>,
                _output: &Self::Output,
            ) -> Result<()> {
                Ok(())
            }

            async fn ready(
                cx: &Context<'_, Lookalike>,
                output: Self::Output,
            ) -> Result<Progress<Self::Output>> {
                let value = serde_json::to_value(&output).expect("an output");
                Ok(if cx.cloud.is_ready(&cx.identity.address, &value) {
                    Progress::Done(output)
                } else {
                    Progress::Failed("it never gets ready".to_owned())
                })
            }

            async fn delete(
                cx: &Context<'_, Lookalike>,
                live: &Found<Self>,
            ) -> Result<Vec<String>> {
                let step = format!("delete {}", cx.identity.address);
                cx.cloud.begin(&step).await?;
                cx.cloud.unmake::<Self>(live);
                cx.cloud.end(step);
                Ok(Vec::new())
            }

            $($prepare)?
        })*
    };
}

kinds! {
    Cluster, DbInstance, DbSubnetGroup, ElasticIp, InternetGateway, Listener, ListenerRule,
    LoadBalancer, LogGroup, Namespace, NatGateway, Repository, Role, RouteTable, Secret, SecurityGroup,
    Service, Subnet, TargetGroup, TaskDefinition, Vpc,
    Image with async fn prepare(
        cloud: &Lookalike,
        spec: &kinds::ImageSpec,
        voice: &Voice,
    ) -> std::result::Result<Option<kinds::ImageSpec>, Failure> {
        voice.say("built it".to_owned());
        Ok(Some(kinds::ImageSpec { digest: Some(cloud.digest()), ..spec.clone() }))
    },
}
