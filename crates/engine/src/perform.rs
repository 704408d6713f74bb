//! Performs one step of a plan: its calls, and the wait until AWS has finished.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deployer_core::{
    Action, Address, Cause, Change, Deeds, Failure, KindInfo, Kinds, Live, Phase, Place, Reason,
    Replacement, Roles, Scope, Seen, Standing, Step,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::answer::OTHERWISE;
use crate::caller::Caller;
use crate::calls::unless_gone_for_good;
use crate::cloud::Notary;
use crate::driver::Driver;
use crate::retry::{PROPAGATION, Retries, of_a_create};
use crate::wait::Wait;
use crate::{
    Badge, Context, Identity, Journal, Look, Parameters, Places, Progress, Result, Survey,
};

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
pub(crate) struct Job<C: Parameters> {
    /// How its kind is handled.
    pub(crate) driver: Arc<dyn Driver<C>>,
    /// The cloud, there where the step's place is.
    pub(crate) places: Arc<Places<C>>,
    /// The roles that lead to other accounts.
    pub(crate) roles: Roles,
    /// Where what it makes is written down.
    pub(crate) journal: Arc<Journal<C>>,
    /// Stack and environment.
    pub(crate) scope: Scope,
    /// The step.
    pub(crate) step: Step,
    /// Its spec, every reference resolved; none for a delete.
    pub(crate) spec: Option<Value>,
    /// Makes its calls.
    pub(crate) caller: Caller,
}

impl<C: Parameters> Job<C> {
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
        let Self { driver, places, roles, journal, scope, step, spec, mut caller } = self;
        let cloud = places.at(&step.place, &roles).await?;
        let (driver, cloud, journal, place) = (&*driver, &*cloud, &*journal, &step.place);
        let voice = caller.speaker.voice();
        let notary = JournalOf { driver, journal, place };
        let identity = identify(&scope, &step, &driver.info(), spec.as_ref(), journal);
        let cx = Context { cloud, identity: &identity, voice, notary: &notary };
        let performer = Performer { driver, cx, journal, place };
        match (step.action, spec, &step.live) {
            (Action::Create, Some(spec), _) => performer.create(&mut caller, &spec).await,
            (Action::Update, Some(spec), Some(live)) => {
                let is_signing = step.reason == Reason::Unsigned;
                performer.update(&caller, live, &spec, is_signing).await
            }
            (Action::Await, _, Some(live)) => performer.settle(&caller, &live.output).await,
            (Action::Delete, _, Some(live)) => performer.delete(&mut caller, live).await,
            _ => Err(incomplete(&step)),
        }
    }
}

struct Performer<'a, C: Parameters> {
    driver: &'a dyn Driver<C>,
    cx: Context<'a, C>,
    journal: &'a Journal<C>,
    place: &'a Place,
}

impl<C: Parameters> Performer<'_, C> {
    /// Creates, and looks before it creates again: a call that failed may have taken effect, or
    /// half of it.
    async fn create(&self, caller: &mut Caller, spec: &Value) -> Result<Finished> {
        let mut retries = Retries::within(caller.begin());
        let mut again = None;
        let Identity { address, generation, .. } = self.cx.identity;
        // Whether a try before this one, or a run before this, may have made it.
        let mut may_be_made = self.journal.is_reopened(address, *generation);
        let output = loop {
            let mut found = None;
            let identity = again.as_ref().unwrap_or(self.cx.identity);
            let cx = Context { identity, voice: self.cx.voice.clone(), ..self.cx };
            match self.driver.create(&cx, spec.clone()).await {
                Ok(output) => {
                    self.note(identity, &output);
                    break output;
                }
                Err(mut failure) => {
                    // A create of several calls may have failed after the first.
                    may_be_made |= matches!(
                        failure.cause,
                        Cause::Ambiguous | Cause::NotYet | Cause::Gone | Cause::Missing
                    );
                    if failure.cause == Cause::Ambiguous && !self.driver.is_made_once() {
                        again = Some(self.identify_again(caller).await?);
                    }
                    if failure.cause == Cause::Taken {
                        (found, failure) = self.of_a_name(caller, failure, may_be_made).await?;
                    }
                    if failure.cause == Cause::Gone && !self.driver.is_made_once() {
                        found = self.find_made(caller).await?;
                    }
                    if found.is_none() {
                        caller.back_off(&mut retries, of_a_create(failure)).await?;
                        found = self.find(caller).await?;
                    }
                }
            }
            if let Some(live) = found {
                tracing::debug!(address = %live.address, id = live.id(), "found after a failure");
                // It is as young as one whose create succeeded.
                caller.may_lag_until = Some(Instant::now() + PROPAGATION);
                if let Some(serial) = &live.serial {
                    let Live { place, address, generation, .. } = &live;
                    self.journal.made(place, address, *generation, serial, live.id());
                    self.journal.gave(place, address, live.id(), Some(&self.cx.identity.mark));
                }
                break self.complete(caller, live, spec).await?;
            }
        };
        caller.may_lag_until = Some(Instant::now() + PROPAGATION);
        let finished = self.settle(caller, &output).await?;
        self.await_visibility(caller, &output, spec).await?;
        Ok(finished)
    }

    /// The identity of the next try: of two creates that may both have taken effect each has a
    /// serial of its own, so that what the first made is known for ours.
    async fn identify_again(&self, caller: &Caller) -> Result<Identity> {
        let Identity { address, generation, mark, .. } = self.cx.identity;
        let place = self.place;
        let serial =
            caller.insist(|| Box::pin(self.journal.again(place, address, *generation))).await?;
        let proof = self.journal.prove(place, address, *generation, &serial, mark);
        Ok(Identity { proof, ..self.cx.identity.clone() })
    }

    /// Writes down what was made.
    fn note(&self, identity: &Identity, output: &Value) {
        let info = self.driver.info();
        let id = output.get("id").and_then(Value::as_str);
        let (Some(id), None) = (id, info.part_of) else { return };
        let Identity { address, generation, mark, .. } = identity;
        let serial = self.journal.serial(address, *generation);
        self.journal.made(self.place, address, *generation, &serial, id);
        self.journal.gave(self.place, address, id, Some(mark));
        if info.replacement(&Value::Null, &Value::Null) == Replacement::Supersede {
            self.journal.supersede(self.place, address, *generation);
        }
    }

    /// The resource this step is to make, if it is there already.
    async fn find(&self, caller: &Caller) -> Result<Option<Live>> {
        caller.insist(|| Box::pin(self.look())).await
    }

    /// What the create's own first call has made and its second does not find: it is there, and
    /// another one would be its twin. None when it does not show.
    async fn find_made(&self, caller: &Caller) -> Result<Option<Live>> {
        let wait = Wait::of(PROPAGATION);
        caller
            .look_within(wait, "shown", || {
                Box::pin(async move {
                    Ok(match self.look().await? {
                        None if !wait.is_over() => {
                            let address = &self.cx.identity.address;
                            Progress::Waiting(format!("{address} is not shown yet"))
                        }
                        found => Progress::Done(found),
                    })
                })
            })
            .await
    }

    /// What has the name of the resource, if it is the very one, and what the failure of a create
    /// means whose name is taken. Where nothing is shown that has it, a try whose reply got lost
    /// may have made it.
    async fn of_a_name(
        &self,
        caller: &Caller,
        failure: Failure,
        may_be_made: bool,
    ) -> Result<(Option<Live>, Failure)> {
        let name = &self.cx.identity.name;
        let cause = if may_be_made { Cause::NotYet } else { failure.cause };
        let failure = Failure { cause, ..failure };
        if self.driver.info().naming.is_none() {
            return Ok((None, failure));
        }
        let Some(bearer) = caller.insist(|| Box::pin(self.read(name))).await? else {
            return Ok((None, failure.help(OTHERWISE)));
        };
        let (id, phase) = (bearer.live.id().to_owned(), bearer.live.phase);
        if phase == Phase::Leaving {
            return Ok((None, Failure { cause: Cause::Busy, ..failure }));
        }
        // By the record alone it would be ours as well, and no scan would find it.
        let says_so = bearer.live.address == self.cx.identity.address;
        let live = if says_so { self.this_of(self.ours(vec![bearer])?) } else { None };
        if live.is_some() {
            return Ok((live, failure));
        }
        let what = format!("the name `{name}`");
        Err(self.cx.in_the_way(failure.attempted, &id, &what, OTHERWISE))
    }

    /// One look for it.
    async fn look(&self) -> Result<Option<Live>> {
        let (shared, deeds) = (C::Shared::default(), self.journal.deeds());
        let seen = self.driver.scan(&self.survey(&shared, &deeds)).await?;
        let seen = seen.into_iter().map(|seen| seen.at(self.place)).collect();
        Ok(self.this_of(self.ours(seen)?))
    }

    /// What is shown by an identifier or a name, whosever it is.
    async fn read(&self, id: &str) -> Result<Option<Seen>> {
        let (shared, deeds) = (C::Shared::default(), self.journal.deeds());
        let seen = self.driver.read(&self.survey(&shared, &deeds), id).await?;
        Ok(seen.map(|seen| seen.at(self.place)))
    }

    fn survey<'s>(&'s self, shared: &'s C::Shared, deeds: &'s Deeds) -> Survey<'s, C> {
        Survey {
            cloud: self.cx.cloud,
            scope: &self.cx.identity.scope,
            shared,
            deeds,
            place: self.place,
            home: self.journal.home(),
            look: Look::Quick,
            stack: None,
            is_by_record: false,
            missed: Mutex::default(),
            aside: Mutex::default(),
        }
    }

    /// The very resource that the step is about, unless it is on its way out.
    fn this_of(&self, lives: Vec<Live>) -> Option<Live> {
        let Identity { address, generation, .. } = self.cx.identity;
        lives.into_iter().find(|live| {
            live.address == *address
                && live.generation == *generation
                && live.phase != Phase::Leaving
        })
    }

    /// What is ours of what a scan of the kind saw.
    fn ours(&self, seen: Vec<Seen>) -> Result<Vec<Live>> {
        let info = self.driver.info();
        // The repository of an image was told apart before the step began.
        if info.part_of.is_some() {
            return Ok(seen.into_iter().map(|seen| seen.live).collect());
        }
        let snapshot = self.journal.snapshot(seen, &Kinds::new([info]));
        let address = &self.cx.identity.address;
        match snapshot.disputes.iter().find(|dispute| dispute.address == *address) {
            None => Ok(snapshot.lives),
            Some(dispute) => {
                let ids = dispute.ids.join(" and ");
                let message = format!("{ids} carry its tags, and nobody knows which is ours");
                Err(Failure::new(Cause::Refused, "find what was made", message).help(format!(
                    "say which one with `deployer adopt {address} ID`, or take the `deployer:` \
                     tags off the others"
                )))
            }
        }
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
        let mut found = info.compare(&live.spec, &wanted).into_iter();
        let (difference, _) = found.find(|(_, change)| matches!(change, Change::InPlace(_)))?;
        Some(difference.path)
    }

    /// What it was given and does not show: a field, or its tags, which calls of their own write.
    fn unshown(&self, live: &Live, spec: &Value) -> Option<String> {
        let has_tags = self.driver.info().part_of.is_none();
        let lacks_tags = has_tags && !live.is_signed;
        self.lacks(live, spec).or_else(|| lacks_tags.then(|| "the change of its tags".to_owned()))
    }

    /// Waits until what was written is shown, where the cloud shows it late. What is there and stays
    /// different is the next plan's to tell: the cloud may write it in another way.
    ///
    /// It is asked for by its identifier: a scan takes more calls the more there is of a kind.
    async fn await_visibility(&self, caller: &Caller, output: &Value, spec: &Value) -> Result<()> {
        let id = output.get("id").and_then(Value::as_str);
        let Some(id) = id.filter(|_| self.driver.is_shown_late()) else { return Ok(()) };
        let wait = Wait::of(PROPAGATION);
        caller
            .look_within(wait, "shown", || {
                Box::pin(async move {
                    let seen = self.read(id).await?.into_iter().collect();
                    let live = self.this_of(self.ours(seen)?);
                    let missing = match &live {
                        Some(live) => self.unshown(live, spec).filter(|_| !wait.is_over()),
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

    /// Changes what differs, or only writes the tags where those alone do.
    async fn update(
        &self,
        caller: &Caller,
        live: &Live,
        spec: &Value,
        is_signing: bool,
    ) -> Result<Finished> {
        let info = self.driver.info();
        let wanted = info.normalize(spec.clone()).unwrap_or_else(|_| spec.clone());
        let wanted = info.leave_delegated(&live.spec, &wanted);
        let output = if is_signing {
            live.output.clone()
        } else {
            caller.insist(|| self.driver.update(&self.cx, live, wanted.clone())).await?
        };
        self.remember(caller, &output).await;
        // What is ready may be so as it was before.
        self.await_visibility(caller, &output, spec).await?;
        let finished = self.settle(caller, &output).await?;
        let watch = Wait::of(Duration::from_secs(info.watch(&live.spec, &wanted).into()));
        let look = || self.driver.holds(&self.cx, &output);
        if let Err(failure) = caller.watch(watch, look).await {
            let changed = Live { spec: wanted.clone(), ..live.clone() };
            caller.insist(|| self.driver.update(&self.cx, &changed, live.spec.clone())).await?;
            return Err(failure.help("it was put back as it was; change it and apply again"));
        }
        Ok(finished)
    }

    /// Notes what was given, for `drift`. Where that is not possible, drift is not told apart, and
    /// nothing else is worse.
    async fn remember(&self, caller: &Caller, output: &Value) {
        let Identity { address, mark, .. } = self.cx.identity;
        let id = output.get("id").and_then(Value::as_str).unwrap_or_default();
        // Until it is done, nobody knows which mark its tags have.
        self.journal.gave(self.place, address, id, None);
        match caller.insist(|| self.driver.remember(&self.cx, output)).await {
            Ok(()) => self.journal.gave(self.place, address, id, Some(mark)),
            Err(failure) => tracing::debug!(%failure, "goes on without a mark"),
        }
    }

    async fn settle(&self, caller: &Caller, output: &Value) -> Result<Finished> {
        let output =
            caller.look_until("ready", || self.driver.ready(&self.cx, output.clone())).await?;
        Ok(Finished { output: Some(output), left: Vec::new() })
    }

    /// Deletes. What is not there is deleted.
    async fn delete(&self, caller: &mut Caller, live: &Live) -> Result<Finished> {
        caller.may_lag_until = None;
        // Where a try before it may have deleted it already, it is believed at once to be gone.
        let may_be_gone = AtomicBool::new(live.phase == Phase::Leaving);
        let left = caller
            .insist(|| {
                Box::pin(async {
                    let delete = || self.driver.delete(&self.cx, live);
                    if !may_be_gone.swap(true, Ordering::Relaxed) {
                        return Ok(unless_gone_for_good(delete).await?.unwrap_or_default());
                    }
                    match delete().await {
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
        let is_left = !left.is_empty() && self.driver.leaves_itself();
        self.journal.gone(live, is_left);
        Ok(Finished { output: None, left })
    }
}

/// The journal as it is for one kind.
pub(crate) struct JournalOf<'a, C: Parameters> {
    pub(crate) driver: &'a dyn Driver<C>,
    pub(crate) journal: &'a Journal<C>,
    pub(crate) place: &'a Place,
}

impl<C: Parameters> Notary for JournalOf<'_, C> {
    fn owns(&self, badge: &Badge, id: &str) -> bool {
        let info = self.driver.info();
        let live = Live {
            address: Address::new(info.name, &badge.name),
            place: self.place.clone(),
            generation: badge.generation,
            mark: badge.mark.clone(),
            serial: None,
            standing: Standing::default(),
            is_signed: false,
            tags: BTreeMap::new(),
            spec: Value::Null,
            output: json!({ "id": id }),
            // What it is like is not known, and not held against its mark.
            phase: Phase::Leaving,
            state: String::new(),
            foreign: Vec::new(),
        };
        let Badge { called, proof, of, .. } = badge.clone();
        let seen = Seen { live, called, proof, of };
        !self.journal.snapshot(vec![seen], &Kinds::new([info])).lives.is_empty()
    }

    fn whose(&self, id: &str) -> Option<Address> {
        let deeds = self.journal.deeds();
        let whose = deeds.record.whose(self.place, self.driver.info().name, id);
        whose.map(|(address, ..)| address.clone())
    }

    fn prove_part(&self, identity: &Identity, part: &str) -> Option<String> {
        let Identity { address, generation, .. } = identity;
        let serial = self.journal.serial(address, *generation);
        self.journal.prove(self.place, address, *generation, &serial, part)
    }

    fn vouches(&self, identity: &Identity, part: &str, proof: &str) -> bool {
        self.journal.vouches(self.place, &identity.address, identity.generation, part, proof)
    }
}

/// Which resource a step is about.
fn identify<C: Parameters>(
    scope: &Scope,
    step: &Step,
    kind: &KindInfo,
    spec: Option<&Value>,
    journal: &Journal<C>,
) -> Identity {
    let Step { place, address, generation, .. } = step;
    let normal = spec.and_then(|spec| kind.normalize(spec.clone()).ok());
    let mark = kind.mark(&normal.unwrap_or_default());
    let known = step.live.as_ref().and_then(|live| live.serial.clone());
    let serial = known.unwrap_or_else(|| journal.serial(address, *generation));
    let given = step.live.iter().flat_map(|live| live.tags.keys());
    let dropped = given.filter(|key| !scope.tags.contains_key(*key)).cloned().collect();
    Identity {
        scope: scope.clone(),
        dropped,
        address: address.clone(),
        generation: *generation,
        proof: journal.prove(place, address, *generation, &serial, &mark),
        mark,
        provenance: journal.provenance(address),
        name: kind.physical_name(scope, address, *generation),
    }
}

/// Only a plan file edited by hand gets here.
fn incomplete(step: &Step) -> Failure {
    let attempted = format!("perform step {} of the plan", step.id);
    Failure::new(Cause::Refused, attempted, "it lacks what it is about")
}
