//! Performs one step of a plan: its calls, and the wait until AWS has finished.

use std::sync::Arc;

use deployer_core::{
    Action, Cause, Change, Failure, KindInfo, Live, Phase, Scope, Step, differences,
};
use serde_json::Value;
use tokio::time::Instant;

use crate::caller::Caller;
use crate::driver::Driver;
use crate::retry::{PROPAGATION, Retries, of_a_create};
use crate::wait::Wait;
use crate::{Cloud, Context, Identity, Look, Progress, Result, Sightings, Survey};

/// What a finished step leaves.
#[derive(Debug, Default)]
pub(crate) struct Finished {
    /// The output of what it made or changed; none after a delete.
    pub(crate) output: Option<Value>,
    /// What it leaves behind on purpose.
    pub(crate) left: Vec<String>,
}

/// Why a step ends before it is done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// It failed.
    Failed(Failure),
    /// The run was interrupted while it waited for this.
    Abandoned(String),
    /// The run was interrupted before it had made a call.
    NotBegun,
}

/// A step with all it needs, on its way into a task of its own.
pub(crate) struct Job<C: Cloud> {
    /// How its kind is handled.
    pub(crate) driver: Arc<dyn Driver<C>>,
    /// The cloud.
    pub(crate) cloud: Arc<C>,
    /// Stack and environment.
    pub(crate) scope: Scope,
    /// The step.
    pub(crate) step: Step,
    /// Its spec, every reference resolved; none for a delete.
    pub(crate) spec: Option<Value>,
    /// Makes its calls.
    pub(crate) caller: Caller,
}

impl<C: Cloud> Job<C> {
    /// Performs the step, to its end or until the run is interrupted.
    pub(crate) async fn perform(self) -> std::result::Result<Finished, Stop> {
        let (work, speaker) = (Arc::clone(&self.caller.work), Arc::clone(&self.caller.speaker));
        let result = tokio::select! {
            biased;
            result = Arc::clone(&work).done(self.act()) => Some(result),
            () = work.stopped.cancelled() => None,
        };
        match result {
            // Some steps end without a call.
            Some(result) if speaker.begin() => result.map_err(Stop::Failed),
            _ => Err(speaker.waits_on().map_or(Stop::NotBegun, Stop::Abandoned)),
        }
    }

    async fn act(self) -> Result<Finished> {
        let identity = identify(&self.scope, &self.step, &self.driver.info(), self.spec.as_ref());
        let performer = Performer {
            driver: &*self.driver,
            cx: Context {
                cloud: &*self.cloud,
                identity: &identity,
                voice: self.caller.speaker.voice(),
            },
        };
        let mut caller = self.caller;
        match (self.step.action, self.spec, &self.step.live) {
            (Action::Create, Some(spec), _) => performer.create(&mut caller, &spec).await,
            (Action::Update, Some(spec), Some(live)) => {
                performer.update(&caller, live, &spec).await
            }
            (Action::Await, _, Some(live)) => performer.settle(&caller, &live.output).await,
            (Action::Delete, _, Some(live)) => performer.delete(&mut caller, live).await,
            _ => Err(incomplete(&self.step)),
        }
    }
}

struct Performer<'a, C: Cloud> {
    driver: &'a dyn Driver<C>,
    cx: Context<'a, C>,
}

impl<C: Cloud> Performer<'_, C> {
    /// Creates, and looks before it creates again: a call that failed may have taken effect, or
    /// half of it.
    async fn create(&self, caller: &mut Caller, spec: &Value) -> Result<Finished> {
        let mut retries = Retries::within(caller.begin());
        let output = loop {
            match self.driver.create(&self.cx, spec.clone()).await {
                Ok(output) => break output,
                Err(failure) => caller.back_off(&mut retries, of_a_create(failure)).await?,
            }
            if let Some(live) = self.find(caller).await? {
                tracing::debug!(address = %live.address, id = live.id(), "adopted after a failure");
                // It is as young as one whose create succeeded.
                caller.young_until = Some(Instant::now() + PROPAGATION);
                break self.complete(caller, live, spec).await?;
            }
        };
        caller.young_until = Some(Instant::now() + PROPAGATION);
        let finished = self.settle(caller, &output).await?;
        self.see(caller, spec).await?;
        Ok(finished)
    }

    /// The resource this step is to make, if it is there already.
    async fn find(&self, caller: &Caller) -> Result<Option<Live>> {
        caller.insist(|| Box::pin(self.look())).await
    }

    /// One look for it.
    async fn look(&self) -> Result<Option<Live>> {
        let Identity { scope, address, generation, .. } = self.cx.identity;
        let (shared, sightings) = (C::Shared::default(), Sightings::default());
        let (cloud, shared, sightings) = (self.cx.cloud, &shared, &sightings);
        let survey = Survey { cloud, scope, shared, sightings, look: Look::Quick, adoption: None };
        let lives = self.driver.scan(&survey).await?;
        Ok(lives.into_iter().find(|live| {
            live.address == *address
                && live.generation == *generation
                && live.phase != Phase::Leaving
        }))
    }

    /// Does what is left of a create that got stuck half-way.
    async fn complete(&self, caller: &Caller, live: Live, spec: &Value) -> Result<Value> {
        if self.lacks(&live, spec).is_some() {
            caller.insist(|| self.driver.update(&self.cx, &live, spec.clone())).await
        } else {
            Ok(live.output)
        }
    }

    /// A field that an update would change.
    fn lacks(&self, live: &Live, spec: &Value) -> Option<String> {
        let info = self.driver.info();
        let wanted = info.normalize(spec.clone()).unwrap_or_else(|_| spec.clone());
        let difference = differences(&live.spec, &wanted).into_iter().find(|difference| {
            let of = |spec: &Value| spec.get(difference.field()).cloned().unwrap_or_default();
            let change = info.change(difference.field(), &of(&live.spec), &of(&wanted));
            matches!(change, Change::InPlace(_))
        });
        difference.map(|difference| difference.path)
    }

    /// Waits until a scan shows what was written, where the cloud shows it late. What is there and
    /// stays different is the next plan's to tell: the cloud may write it in another way.
    async fn see(&self, caller: &Caller, spec: &Value) -> Result<()> {
        if !self.driver.is_shown_late() {
            return Ok(());
        }
        let wait = Wait::of(PROPAGATION);
        caller
            .look_within(wait, "shown", || {
                Box::pin(async move {
                    let live = self.look().await?;
                    let missing = match &live {
                        Some(live) => self.lacks(live, spec).filter(|_| !wait.is_over()),
                        None => Some(self.cx.identity.address.to_string()),
                    };
                    Ok(match missing {
                        None => Progress::Done(()),
                        Some(what) => Progress::Waiting(format!("{what} is not shown yet")),
                    })
                })
            })
            .await
    }

    async fn update(&self, caller: &Caller, live: &Live, spec: &Value) -> Result<Finished> {
        let output = caller.insist(|| self.driver.update(&self.cx, live, spec.clone())).await?;
        self.remember(&output).await;
        let finished = self.settle(caller, &output).await?;
        self.see(caller, spec).await?;
        Ok(finished)
    }

    /// Notes what was given, for `drift`. Where that is not possible, drift is not told apart, and
    /// nothing else is worse.
    async fn remember(&self, output: &Value) {
        if let Err(failure) = self.driver.remember(&self.cx, output).await {
            tracing::debug!(%failure, "goes on without a mark");
        }
    }

    async fn settle(&self, caller: &Caller, output: &Value) -> Result<Finished> {
        let output =
            caller.look_until("ready", || self.driver.ready(&self.cx, output.clone())).await?;
        Ok(Finished { output: Some(output), left: Vec::new() })
    }

    /// Deletes. What is not there is deleted.
    async fn delete(&self, caller: &mut Caller, live: &Live) -> Result<Finished> {
        caller.young_until = None;
        let left = caller
            .insist(|| {
                Box::pin(async {
                    match self.driver.delete(&self.cx, live).await {
                        Err(failure) if failure.cause == Cause::Gone => Ok(Vec::new()),
                        result => result,
                    }
                })
            })
            .await?;
        caller
            .look_until("gone", || {
                Box::pin(async {
                    match self.driver.gone(&self.cx, &live.output).await {
                        Err(failure) if failure.cause == Cause::Gone => Ok(Progress::Done(())),
                        result => result,
                    }
                })
            })
            .await?;
        Ok(Finished { output: None, left })
    }
}

/// Which resource a step is about.
fn identify(scope: &Scope, step: &Step, kind: &KindInfo, spec: Option<&Value>) -> Identity {
    let normal = spec.and_then(|spec| kind.normalize(spec.clone()).ok());
    Identity {
        scope: scope.clone(),
        address: step.address.clone(),
        generation: step.generation,
        adopted: None,
        mark: kind.mark(&normal.unwrap_or_default()),
        name: kind.physical_name(scope, &step.address, step.generation),
    }
}

/// Only a plan file edited by hand gets here.
fn incomplete(step: &Step) -> Failure {
    let attempted = format!("perform step {} of the plan", step.id);
    Failure::new(Cause::Refused, attempted, "it lacks what it is about")
}
