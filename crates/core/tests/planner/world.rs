//! An account as a plain value: what a plan does to it, without waits and faults.

use std::collections::{BTreeMap, BTreeSet};

use deployer_core::{
    Action, Address, Deeds, Diagnostic, Graph, Keys, Live, Outputs, Phase, Plan, ReadyQueue,
    Record, Removal, Seen, Serial, Signer, Snapshot, Stack, Standing, Statement, Step, plan,
    references, resolve,
};
use deployer_testkit::{PLACE, registry, scope};
use serde_json::{Value, json};

/// What is there.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    pub(crate) lives: Vec<Live>,
    /// The identifiers of what nobody has written down.
    pub(crate) unrecorded: BTreeSet<String>,
    made: usize,
}

impl World {
    /// An account in which a stack has been made.
    pub(crate) fn with(stack: &Stack) -> Self {
        let mut world = Self::default();
        world.perform(&world.plan(stack), &[]);
        world
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.judged(&self.deeds())
    }

    /// What the account keeps: all that there is but for what nobody has written down.
    pub(crate) fn deeds(&self) -> Deeds {
        let mut record = Record::new(None);
        for live in &self.lives {
            let serial = live.serial.as_ref().unwrap();
            if self.unrecorded.contains(live.id()) {
                record.begin(&live.place, &live.address, live.generation, serial);
            } else {
                record.made(&live.place, &live.address, live.generation, serial, live.id());
            }
        }
        Deeds { record, keys: Keys::read(&signer().public().to_string()) }
    }

    /// What is ours by these deeds.
    pub(crate) fn judged(&self, deeds: &Deeds) -> Snapshot {
        judged(self.lives.iter().map(seen).collect(), deeds)
    }

    /// The plan, where nothing stands in its way.
    pub(crate) fn plan(&self, stack: &Stack) -> Plan {
        self.try_plan(stack).unwrap()
    }

    pub(crate) fn try_plan(&self, stack: &Stack) -> Result<Plan, Vec<Diagnostic>> {
        plan(stack, &self.snapshot(), &registry().kinds(), &BTreeSet::new())
    }

    /// The one resource at an address.
    pub(crate) fn at(&mut self, address: &str) -> &mut Live {
        let mut found: Vec<&mut Live> =
            self.lives.iter_mut().filter(|live| live.address.to_string() == address).collect();
        assert_eq!(found.len(), 1, "{address}");
        found.remove(0)
    }

    /// Makes a resource twice, as a lost reply does, with another identifier.
    pub(crate) fn twin(&mut self, address: &str) -> String {
        let id = self.copy(address);
        let twin = self.lives.last_mut().unwrap();
        twin.serial = twin.serial.as_ref().map(Serial::next);
        self.unrecorded.remove(&id);
        id
    }

    /// Copies a resource with all its tags, as somebody does who is not us.
    pub(crate) fn copy(&mut self, address: &str) -> String {
        let mut copy = self.at(address).clone();
        let id = format!("{}-twin", copy.id());
        copy.output["id"] = json!(id);
        self.lives.push(copy);
        self.unrecorded.insert(id.clone());
        id
    }

    /// Does what a plan says, step by step; where several steps may come next, `picks` says
    /// which. Panics where a cloud would refuse.
    pub(crate) fn perform(&mut self, plan: &Plan, picks: &[usize]) {
        self.perform_seen(plan, picks, &mut |_, _| ());
    }

    /// The same; shown what there is after each step.
    pub(crate) fn perform_seen(
        &mut self,
        plan: &Plan,
        picks: &[usize],
        see: &mut dyn FnMut(&Self, &Step),
    ) {
        let mut outputs = plan.known.clone();
        let mut queue = ReadyQueue::new(&plan.graph());
        let mut ready = queue.take_ready();
        let mut picks = picks.iter().cycle();
        while !ready.is_empty() {
            let step = ready.remove(picks.next().unwrap_or(&0) % ready.len());
            self.step(&plan.steps[step], &mut outputs);
            see(self, &plan.steps[step]);
            queue.done(&step);
            ready.extend(queue.take_ready());
        }
        assert!(queue.drain().is_empty(), "every step is reached");
    }

    /// The same in this very order, whatever the plan allows.
    pub(crate) fn perform_in(
        &mut self,
        plan: &Plan,
        order: &[usize],
        see: &mut dyn FnMut(&Self, &Step),
    ) {
        let mut outputs = plan.known.clone();
        for step in order {
            self.step(&plan.steps[*step], &mut outputs);
            see(self, &plan.steps[*step]);
        }
    }

    fn step(&mut self, step: &Step, outputs: &mut Outputs) {
        let kinds = registry().kinds();
        let kind = kinds.find(&step.address.kind).unwrap();
        let name = kind.naming.map(|naming| naming.name(&scope(), &step.address, step.generation));
        match step.action {
            Action::Create => {
                let taken = self.lives.iter().any(|live| {
                    let theirs = kinds.find(&live.address.kind).unwrap().naming;
                    live.address.kind == step.address.kind
                        && name.is_some()
                        && theirs.map(|t| t.name(&scope(), &live.address, live.generation)) == name
                });
                assert!(!taken, "the name {name:?} is taken");
                self.made += 1;
                let id = format!("{}-{}", kind.name, self.made);
                let spec = self.resolved(step, outputs);
                self.lives.push(Live {
                    address: step.address.clone(),
                    place: step.place.clone(),
                    generation: step.generation,
                    mark: Some(kind.mark(&spec)),
                    serial: Some(Serial::of(&[u8::try_from(self.made).unwrap(); 9])),
                    standing: Standing::Recorded,
                    is_signed: true,
                    tags: BTreeMap::new(),
                    spec,
                    output: json!({ "id": id, "host": format!("{id}.example") }),
                    phase: Phase::Ready,
                    state: String::new(),
                    foreign: Vec::new(),
                });
                outputs.insert(step.address.clone(), self.lives.last().unwrap().output.clone());
            }
            Action::Update | Action::Await => {
                let spec = self.resolved(step, outputs);
                let live = step.live.as_ref().unwrap();
                assert_eq!(
                    kind.normalize(resolve(&live.spec, outputs)).unwrap(),
                    self.find(live.id()).spec,
                    "{} is not as its step says",
                    step.address
                );
                let live = self.find(live.id());
                live.phase = Phase::Ready;
                live.mark = Some(kind.mark(&spec));
                live.spec = kind.leave_delegated(&live.spec, &spec);
            }
            Action::Delete => {
                let id = step.live.as_ref().unwrap().id().to_owned();
                let holder = self.lives.iter().find(|live| {
                    kinds.find(&live.address.kind).unwrap().removal == Removal::Delete
                        && targets(&live.spec).contains(&id)
                });
                assert!(holder.is_none(), "{id} is used by {holder:?}");
                self.find(&id);
                self.lives.retain(|live| live.id() != id && !targets(&live.spec).contains(&id));
            }
        }
    }

    /// The spec a step wants, all of whose references are to what is there.
    fn resolved(&self, step: &Step, outputs: &Outputs) -> Value {
        let spec = resolve(step.wanted.as_ref().unwrap(), outputs);
        assert!(references(&spec).is_empty(), "{} came too early: {spec}", step.address);
        for id in targets(&spec) {
            assert!(self.lives.iter().any(|live| live.id() == id), "{id} is not there");
        }
        registry().kinds().find(&step.address.kind).unwrap().normalize(spec).unwrap()
    }

    fn find(&mut self, id: &str) -> &mut Live {
        self.lives.iter_mut().find(|live| live.id() == id).unwrap_or_else(|| panic!("no {id}"))
    }
}

/// Who has signed all that there is.
pub(crate) fn signer() -> Signer {
    Signer::read(&Signer::write(&[7; 32])).unwrap()
}

/// Something as a scan sees it, signed by us.
pub(crate) fn seen(live: &Live) -> Seen {
    let kinds = registry().kinds();
    let kind = kinds.find(&live.address.kind).unwrap();
    let statement = Statement {
        account: PLACE.0,
        region: PLACE.1,
        scope: &scope(),
        address: &live.address,
        generation: live.generation,
        serial: live.serial.as_ref().unwrap(),
        mark: live.mark.as_deref().unwrap_or_default(),
    };
    let name = || kind.physical_name(&scope(), &live.address, live.generation);
    Seen {
        called: kind.naming.map(|_| name()),
        proof: Some(signer().sign(&statement).to_string()),
        of: None,
        live: live.clone(),
    }
}

/// The steps as `create network/main`, in order.
pub(crate) fn words(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(word).collect()
}

pub(crate) fn word(step: &Step) -> String {
    format!("{:?} {}", step.action, step.address).to_lowercase()
}

/// Whether one step waits for another, directly or not.
pub(crate) fn is_before(plan: &Plan, first: &str, second: &str) -> bool {
    let find = |text: &str| plan.steps.iter().find(|step| word(step) == text).unwrap().id;
    let (first, mut next) = (find(first), vec![find(second)]);
    while let Some(id) = next.pop() {
        if id == first {
            return true;
        }
        next.extend(&plan.steps[id].after);
    }
    false
}

pub(crate) fn address(text: &str) -> Address {
    text.parse().unwrap()
}

/// A store, and whether its deletion leaves no copy behind.
pub(crate) fn store(wipe: bool) -> Value {
    json!({ "network": "main", "engine": "pg", "size": 20, "wipe": wipe })
}

/// Asserts that the numbers of the steps are an order of the graph.
pub(crate) fn assert_ordered(plan: &Plan) {
    let graph: Graph<usize> = plan.graph();
    assert!(graph.order().is_ok());
    for (place, step) in plan.steps.iter().enumerate() {
        assert_eq!(step.id, place);
        assert!(step.after.iter().all(|before| *before < place), "{step:?}");
    }
}

/// The identifiers a spec refers to.
pub(crate) fn targets(spec: &Value) -> BTreeSet<String> {
    match spec {
        Value::Object(fields) => match (fields.len(), fields.get("id").and_then(Value::as_str)) {
            (1, Some(id)) => BTreeSet::from([id.to_owned()]),
            _ => fields.values().flat_map(targets).collect(),
        },
        Value::Array(items) => items.iter().flat_map(targets).collect(),
        _ => BTreeSet::new(),
    }
}

/// What of this is ours by these deeds.
pub(crate) fn judged(seen: Vec<Seen>, deeds: &Deeds) -> Snapshot {
    let (account, region) = (PLACE.0.to_owned(), PLACE.1.to_owned());
    Snapshot::new(scope(), account, region, seen, deeds, &registry().kinds())
}
