//! Runs a plan. One task owns the run; steps only speak.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use deployer_core::{
    Action, Address, Cause, Event, Failure, Outputs, Plan, ReadyQueue, Step, StepId, What,
    references, resolve,
};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::caller::Caller;
use crate::perform::{Finished, Job, Stop};
use crate::retry::{PROPAGATION, SEEN};
use crate::speak::{Gate, Speaker};
use crate::wait::Wait;
use crate::work::{Urgency, Work};
use crate::{Journal, Parameters, Places, Registry};

/// How a run ended. Every step of the plan is in exactly one of `done`, `failed`, `not_begun` and
/// `abandoned`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The steps that succeeded, in the order they did.
    pub done: Vec<StepId>,
    /// The steps that failed, and why.
    pub failed: Vec<(StepId, Failure)>,
    /// The steps never begun, each with the resource whose step failed; none when the run was
    /// interrupted.
    pub not_begun: Vec<(StepId, Option<Address>)>,
    /// The steps that were under way when the run was interrupted, and what each waited for.
    pub abandoned: Vec<(StepId, String)>,
    /// Whether the run was asked to stop before its end.
    pub interrupted: bool,
    /// What was left behind on purpose, such as a final snapshot.
    pub left: Vec<(Address, String)>,
    /// What is known of the resources that are there now.
    pub outputs: Outputs,
    /// How long the run took.
    pub took: Duration,
}

impl Outcome {
    /// Whether every step succeeded.
    pub fn is_success(&self) -> bool {
        self.failed.is_empty() && self.not_begun.is_empty() && self.abandoned.is_empty()
    }
}

/// Runs a plan to its end, or until `cancel`, and reports everything that happens on the way. The
/// journal must have begun with the plan; what is made is written down in it.
///
/// A failed step stops only what waits for it. After `cancel` nothing new begins, and what is
/// under way ends at its next wait. Dropping the future is as safe as killing the process: the
/// next run goes on from what is there.
pub async fn execute<C: Parameters>(
    registry: Arc<Registry<C>>,
    places: Arc<Places<C>>,
    journal: Arc<Journal<C>>,
    plan: &Plan,
    cancel: CancellationToken,
    report: &mut dyn FnMut(&Event),
) -> Outcome {
    let (sender, receiver) = unbounded_channel();
    let keeper = Arc::clone(&journal);
    let run = Run {
        registry,
        places,
        journal,
        plan,
        cancel,
        report,
        sender,
        began: Instant::now(),
        queue: ReadyQueue::new(&plan.graph()),
        gate: Gate::default(),
        urgency: urgency(plan),
        tasks: JoinSet::new(),
        running: BTreeMap::new(),
        may_lag_until: BTreeMap::new(),
        outcome: Outcome { outputs: plan.known.clone(), ..Outcome::default() },
    };
    let outcome = tokio::select! {
        biased;
        outcome = run.own(receiver) => outcome,
        never = keeper.keep() => match never {},
    };
    if let Err(failure) = keeper.flush().await {
        tracing::debug!(%failure, "the next run finds by their proofs what was made");
    }
    outcome
}

/// A step that has all it waits for. It begins with its first call.
struct Running {
    step: StepId,
    began: Option<Instant>,
}

struct Run<'a, C: Parameters> {
    registry: Arc<Registry<C>>,
    places: Arc<Places<C>>,
    journal: Arc<Journal<C>>,
    plan: &'a Plan,
    cancel: CancellationToken,
    report: &'a mut dyn FnMut(&Event),
    sender: UnboundedSender<(StepId, What)>,
    began: Instant,
    queue: ReadyQueue<StepId>,
    /// What every step passes when it begins.
    gate: Gate,
    urgency: Vec<u32>,
    tasks: JoinSet<Result<Finished, Stop>>,
    running: BTreeMap<Id, Running>,
    /// Until when what each step made or changed may not be visible to others.
    may_lag_until: BTreeMap<StepId, Instant>,
    outcome: Outcome,
}

impl<C: Parameters> Run<'_, C> {
    async fn own(mut self, mut receiver: UnboundedReceiver<(StepId, What)>) -> Outcome {
        let cancel = self.cancel.clone();
        loop {
            self.start();
            if self.tasks.is_empty() {
                break;
            }
            tokio::select! {
                biased;
                () = cancel.cancelled(), if !self.outcome.interrupted => {
                    self.gate.close();
                    self.hear(&mut receiver);
                    self.interrupt();
                }
                Some((step, what)) = receiver.recv() => self.relay(step, what),
                Some(ended) = self.tasks.join_next_with_id() => {
                    self.hear(&mut receiver);
                    self.end(ended);
                }
            }
        }
        self.outcome.took = self.began.elapsed();
        self.outcome
    }

    fn tell(&mut self, what: What) {
        (self.report)(&Event { at: self.began.elapsed(), what });
    }

    /// Passes on all that was said so far.
    fn hear(&mut self, receiver: &mut UnboundedReceiver<(StepId, What)>) {
        while let Ok((step, what)) = receiver.try_recv() {
            self.relay(step, what);
        }
    }

    /// Passes on what a step says while it is under way; a callback may speak on after its end.
    fn relay(&mut self, step: StepId, what: What) {
        let mut running = self.running.values_mut();
        let Some(running) = running.find(|running| running.step == step) else { return };
        if matches!(what, What::Begun { .. }) {
            running.began = Some(Instant::now());
        }
        if running.began.is_some() {
            self.tell(what);
        }
    }

    /// Starts all steps that wait for nothing any more, the most urgent first. Each waits for the
    /// turn of its first call.
    fn start(&mut self) {
        let mut ready = self.queue.take_ready();
        ready.sort_by_key(|step| Reverse(self.urgency[*step]));
        for id in ready {
            match self.job(&self.plan.steps[id]) {
                Ok(job) => {
                    let task = self.tasks.spawn(job.perform());
                    self.running.insert(task.id(), Running { step: id, began: None });
                }
                Err(failure) => {
                    self.tell(What::Begun { step: id });
                    self.failed(id, Duration::ZERO, failure);
                }
            }
        }
    }

    fn job(&self, step: &Step) -> Result<Job<C>, Failure> {
        let driver = self.registry.driver(&step.address.kind)?;
        let spec = self.resolved(step)?;
        let mut step = step.clone();
        if let Some(live) = &mut step.live {
            // The first half of a change may have put in what was made before it.
            live.spec = resolve(&live.spec, &self.outcome.outputs);
            if live.output.is_null() {
                let made = self.outcome.outputs.get(&step.address).cloned();
                live.output = made.unwrap_or_default();
            }
        }
        let speaker = Arc::new(Speaker::new(step.id, self.sender.clone(), self.gate.clone()));
        let live = step.live.as_ref().map(|live| &live.spec);
        let limit = driver.info().time(step.action, live, spec.as_ref()).limit;
        let work = Work {
            urgency: Urgency::Of(self.urgency[step.id]),
            patience: Wait::begin(step.typical, limit).limit(),
            ear: Box::new(Arc::clone(&speaker)),
            cancel: self.cancel.clone(),
            stopped: CancellationToken::new(),
        };
        Ok(Job {
            driver,
            places: Arc::clone(&self.places),
            roles: self.plan.roles.clone(),
            journal: Arc::clone(&self.journal),
            scope: self.plan.scope.clone(),
            spec,
            caller: Caller {
                work: Arc::new(work),
                speaker,
                typical: step.typical,
                limit,
                may_lag_until: self.may_lag_until(&step),
            },
            step,
        })
    }

    /// Until when what a step is about, or refers to, may not be visible to its calls: what was
    /// made before it in this run, and what the plan saw a moment ago, which a run that was killed
    /// may have made just before.
    fn may_lag_until(&self, step: &Step) -> Option<Instant> {
        let wanted = step.wanted.as_ref();
        let is_seen =
            step.live.is_some() || wanted.is_some_and(|wanted| !references(wanted).is_empty());
        let seen = is_seen.then(|| self.began + SEEN);
        let made = step.after.iter().filter_map(|id| self.may_lag_until.get(id)).max().copied();
        seen.max(made)
    }

    /// The spec a step wants, with the outputs of all that was made before it.
    fn resolved(&self, step: &Step) -> Result<Option<Value>, Failure> {
        let needed = step.wanted.as_ref().filter(|_| step.action != Action::Await);
        let Some(wanted) = needed else { return Ok(None) };
        let spec = resolve(wanted, &self.outcome.outputs);
        let missing: Vec<String> = references(&spec).iter().map(Address::to_string).collect();
        if missing.is_empty() {
            return Ok(Some(spec));
        }
        let message = format!("{} has not shown what it refers to", missing.join(", "));
        Err(Failure::new(Cause::Refused, "resolve its references", message))
    }

    fn end(&mut self, ended: Result<(Id, Result<Finished, Stop>), JoinError>) {
        let (task, result) = match ended {
            Ok((task, result)) => (task, result),
            Err(error) => (error.id(), Err(Stop::Failed(panicked(&error)))),
        };
        let Some(Running { step, began }) = self.running.remove(&task) else { return };
        if began.is_none() && !matches!(result, Err(Stop::NotBegun)) {
            self.tell(What::Begun { step });
        }
        let took = began.map(|began| began.elapsed()).unwrap_or_default();
        match result {
            Err(Stop::NotBegun) => self.not_begun(step, None),
            Ok(finished) => self.done(step, took, finished),
            Err(Stop::Failed(failure)) => self.failed(step, took, failure),
            Err(Stop::Abandoned(on)) => {
                self.tell(What::Abandoned { step, on: on.clone() });
                self.outcome.abandoned.push((step, on));
            }
        }
    }

    fn done(&mut self, id: StepId, took: Duration, finished: Finished) {
        let step = &self.plan.steps[id];
        if let Some(output) = finished.output {
            self.outcome.outputs.insert(step.address.clone(), output);
        }
        // What an update attaches, such as an internet gateway, is as young as what a create makes.
        if matches!(step.action, Action::Create | Action::Update) {
            self.may_lag_until.insert(id, Instant::now() + PROPAGATION);
        }
        let left = finished.left.iter().map(|left| (step.address.clone(), left.clone()));
        self.outcome.left.extend(left);
        self.outcome.done.push(id);
        self.queue.done(&id);
        self.tell(What::Done { step: id, took, left: finished.left });
    }

    fn failed(&mut self, step: StepId, took: Duration, failure: Failure) {
        self.tell(What::Failed { step, took, failure: failure.clone() });
        self.outcome.failed.push((step, failure));
        let because = self.plan.steps[step].address.clone();
        for lost in self.queue.failed(&step) {
            self.not_begun(lost, Some(&because));
        }
    }

    fn not_begun(&mut self, step: StepId, because: Option<&Address>) {
        self.tell(What::NotBegun { step, because: because.cloned() });
        self.outcome.not_begun.push((step, because.cloned()));
    }

    fn interrupt(&mut self) {
        self.outcome.interrupted = true;
        self.tell(What::Interrupted);
        for step in self.queue.drain() {
            self.not_begun(step, None);
        }
    }
}

/// For each step, the seconds that it and the longest chain of steps waiting for it typically
/// take: what is on the critical path goes first.
fn urgency(plan: &Plan) -> Vec<u32> {
    let mut urgency: Vec<u32> = plan.steps.iter().map(|step| step.typical).collect();
    for step in plan.steps.iter().rev() {
        for before in &step.after {
            let through = plan.steps[*before].typical + urgency[step.id];
            urgency[*before] = urgency[*before].max(through);
        }
    }
    urgency
}

fn panicked(error: &JoinError) -> Failure {
    Failure::new(Cause::Refused, "go on with it", format!("deployer has a bug: {error}"))
}
