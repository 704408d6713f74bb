//! Writes down what a run makes: before it makes it, and as it succeeds.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deployer_core::{
    Action, Address, Cause, Deeds, Failure, Live, Place, Plan, Record, Roles, Scope, Serial,
    Signer, Snapshot, Statement, Unrecorded,
};

use super::book::{Book, PRIVATE, PUBLIC, part};
use crate::parameters::{WITHHELD, withheld};
use crate::random::random;
use crate::retry::insist;
use crate::wait::{Wait, pause};
use crate::work::Work;
use crate::{Lease, Parameters, Provenance, Registry, Result, Secrecy};

/// How often what was made is written down, at most. A run that dies before leaves what the next
/// one finds by its proof.
const PAUSE: Duration = Duration::from_secs(3);

/// The journal of one run: what it signs with, and what it keeps in the account.
pub struct Journal<C: Parameters> {
    cloud: Arc<C>,
    scope: Scope,
    account: String,
    region: String,
    /// Nothing is written while it is not fresh.
    lease: Option<Lease>,
    /// What the serials of this run begin with.
    run: Serial,
    state: Mutex<State>,
    /// Held while something is written, so that writes come in their order.
    writing: tokio::sync::Mutex<()>,
}

struct State {
    deeds: Deeds,
    signer: Option<Arc<Signer>>,
    has_private: bool,
    /// The parts of the record as the account has them.
    parts: BTreeMap<usize, String>,
    /// The creates of this run.
    serials: BTreeMap<(Address, u32), Serial>,
    /// The creates of this run that one before it had begun, and of which nobody knows what it
    /// made.
    reopened: BTreeSet<(Address, u32)>,
    /// The roles that lead to other accounts.
    roles: Roles,
    /// Where the releases of this run come from.
    provenance: Provenance,
    /// The releases that this run goes back to.
    again: BTreeMap<Address, u32>,
}

impl State {
    /// The record as it is to be written.
    fn written(&mut self) -> Result<BTreeMap<usize, String>> {
        let record = &mut self.deeds.record;
        record.keep_roles(&self.roles).map_err(|too_many| {
            Failure::new(Cause::Refused, "write down what is made", too_many.to_string())
                .help("use one role for an account, or split the stack")
        })?;
        Ok(record.written())
    }

    /// Takes this, and what the record has, for all that there is of a scope.
    fn confirm(&mut self, scope: &Scope, unrecorded: &[Unrecorded]) {
        let record = &mut self.deeds.record;
        if record.origin.is_none() {
            record.origin.clone_from(&scope.origin);
        }
        for Unrecorded { place, address, generation, serial, id } in unrecorded {
            record.made(place, address, *generation, serial, id);
        }
        record.confirm();
    }
}

impl<C: Parameters> Journal<C> {
    /// The journal of a run by what the account keeps; `lease` is that of the run's lock.
    pub fn new(
        cloud: Arc<C>,
        scope: &Scope,
        (account, region): (&str, &str),
        lease: Option<Lease>,
        book: Book,
    ) -> Self {
        let Book { deeds, parts, has_private, .. } = book;
        let signer = None;
        let (serials, reopened, roles) = (BTreeMap::new(), BTreeSet::new(), Roles::new());
        let (provenance, again) = (Provenance::default(), BTreeMap::new());
        let state = State {
            deeds,
            signer,
            has_private,
            parts,
            serials,
            reopened,
            roles,
            provenance,
            again,
        };
        Self {
            cloud,
            scope: scope.clone(),
            account: account.to_owned(),
            region: region.to_owned(),
            lease,
            run: Serial::of(&random()),
            state: Mutex::new(state),
            writing: tokio::sync::Mutex::default(),
        }
    }

    /// Takes down which roles lead to other accounts. The record keeps those that it needs.
    pub fn know(&self, roles: &Roles) {
        self.lock().roles.extend(roles.clone());
    }

    /// Takes down where the releases of this run come from.
    pub fn comes_from(&self, provenance: Provenance) {
        self.lock().provenance = provenance;
    }

    /// Takes down who makes them.
    pub fn made_by(&self, caller: String) {
        self.lock().provenance.by = Some(caller);
    }

    /// Takes down that a release of something is an earlier one again, by its number.
    pub fn goes_back(&self, address: &Address, number: u32) {
        self.lock().again.insert(address.clone(), number);
    }

    /// Where a release of this run comes from.
    pub(crate) fn provenance(&self, address: &Address) -> Provenance {
        let state = self.lock();
        Provenance { again: state.again.get(address).copied(), ..state.provenance.clone() }
    }

    /// What tells whose something is, by now.
    pub fn deeds(&self) -> Deeds {
        self.lock().deeds.clone()
    }

    /// Writes down what a plan is about to make, and what it took for ours by its proof: from then
    /// on that is so by the record.
    ///
    /// # Errors
    /// When that is not possible; nothing may be made then.
    pub async fn begin(&self, plan: &Plan, registry: &Registry<C>) -> Result<()> {
        self.know(&plan.roles);
        if plan.steps.iter().any(|it| matches!(it.action, Action::Create | Action::Update)) {
            self.signer().await?;
        }
        self.retag(plan).await?;
        {
            let state = &mut *self.lock();
            state.confirm(&self.scope, &plan.unrecorded);
            let record = &mut state.deeds.record;
            for step in plan.steps.iter().filter(|step| step.action == Action::Create) {
                // A kind that nobody knows fails its step.
                let Ok(kind) = registry.driver(&step.address.kind) else { continue };
                if kind.info().part_of.is_some() {
                    record.expect(&step.place, &step.address.kind);
                    continue;
                }
                let at = (step.address.clone(), step.generation);
                let open = record.open(&step.place, &at.0, at.1).cloned();
                if open.is_some() {
                    state.reopened.insert(at.clone());
                }
                let open = open.filter(|_| kind.is_made_once());
                let serial = open.unwrap_or_else(|| self.run.clone());
                record.begin(&step.place, &at.0, at.1, &serial);
                state.serials.insert(at, serial);
            }
        }
        self.flush().await
    }

    /// Gives what the account keeps the tags that the resources of a plan get.
    async fn retag(&self, plan: &Plan) -> Result<()> {
        let lives = plan.steps.iter().filter(|step| step.action == Action::Update);
        let lives = lives.filter_map(|step| step.live.as_ref());
        let tags = &self.scope.tags;
        let mut differing = lives.filter(|live| live.tags != *tags).peekable();
        if differing.peek().is_none() {
            return Ok(());
        }
        let given = differing.flat_map(|live| live.tags.keys());
        let dropped: BTreeSet<String> =
            given.filter(|key| !tags.contains_key(*key)).cloned().collect();
        let mut names: Vec<String> = self.lock().parts.keys().map(|it| part(*it)).collect();
        names.extend([PRIVATE, PUBLIC].map(str::to_owned));
        for name in names {
            insist(|| self.cloud.retag(&self.scope, &name, &dropped)).await?;
        }
        Ok(())
    }

    /// Writes down that a create is about to be sent again although the first may have taken
    /// effect, and gives the serial of this one.
    ///
    /// # Errors
    /// When that is not possible; nothing may be made then.
    pub(crate) async fn again(
        &self,
        place: &Place,
        address: &Address,
        generation: u32,
    ) -> Result<Serial> {
        let serial = self.serial(address, generation).next();
        {
            let state = &mut *self.lock();
            state.deeds.record.begin(place, address, generation, &serial);
            state.serials.insert((address.clone(), generation), serial.clone());
        }
        self.flush().await?;
        Ok(serial)
    }

    /// The serial of the create of a resource in this run.
    pub(crate) fn serial(&self, address: &Address, generation: u32) -> Serial {
        let known = self.lock().serials.get(&(address.clone(), generation)).cloned();
        known.unwrap_or_else(|| self.run.clone())
    }

    /// Whether a run before this one had begun the create of a resource, and nobody knows what it
    /// made.
    pub(crate) fn is_reopened(&self, address: &Address, generation: u32) -> bool {
        self.lock().reopened.contains(&(address.clone(), generation))
    }

    /// The proof for the tags of something.
    pub(crate) fn prove(
        &self,
        place: &Place,
        address: &Address,
        generation: u32,
        serial: &Serial,
        mark: &str,
    ) -> Option<String> {
        let signer = self.lock().signer.clone()?;
        let (account, region) = place.within(self.home());
        let statement =
            Statement { account, region, scope: &self.scope, address, generation, serial, mark };
        Some(signer.sign(&statement).to_string())
    }

    /// Whether a proof for a part of a resource holds.
    pub(crate) fn vouches(
        &self,
        place: &Place,
        address: &Address,
        generation: u32,
        part: &str,
        proof: &str,
    ) -> bool {
        let place = place.within(self.home());
        self.lock().deeds.vouch(place, &self.scope, address, generation, part, proof)
    }

    /// The account and the region that are home.
    pub(crate) fn home(&self) -> (&str, &str) {
        (&self.account, &self.region)
    }

    /// What is ours of what a scan saw.
    pub(crate) fn snapshot(
        &self,
        seen: Vec<deployer_core::Seen>,
        kinds: &deployer_core::Kinds,
    ) -> Snapshot {
        let deeds = self.deeds();
        let (account, region) = (self.account.clone(), self.region.clone());
        Snapshot::new(self.scope.clone(), account, region, seen, &deeds, kinds)
    }

    /// Notes what a create made.
    pub(crate) fn made(
        &self,
        place: &Place,
        address: &Address,
        generation: u32,
        serial: &Serial,
        id: &str,
    ) {
        self.lock().deeds.record.made(place, address, generation, serial, id);
    }

    /// Notes the mark that is on something now; none where nobody knows.
    pub(crate) fn gave(&self, place: &Place, address: &Address, id: &str, mark: Option<&str>) {
        self.lock().deeds.record.gave(place, address, id, mark);
    }

    /// Notes that the generations before the newest are history from now on.
    pub(crate) fn supersede(&self, place: &Place, address: &Address, generation: u32) {
        self.lock().deeds.record.forget_before(place, address, generation);
    }

    /// Notes that something is gone, for good or until it is brought back.
    pub(crate) fn gone(&self, live: &Live, is_left: bool) {
        let record = &mut self.lock().deeds.record;
        if is_left {
            record.left(&live.place, &live.address, live.id());
        } else {
            record.gone(&live.place, &live.address, live.id());
        }
    }

    /// Takes something over: signs for it, and writes it down. Gives its serial.
    ///
    /// # Errors
    /// When that is not possible.
    pub(crate) async fn adopt(&self, live: &Live, mark: &str) -> Result<Serial> {
        self.signer().await?;
        let serial = self.run.clone();
        {
            let state = &mut *self.lock();
            state.confirm(&self.scope, &[]);
            let Live { place, address, generation, .. } = live;
            state.deeds.record.made(place, address, *generation, &serial, live.id());
            state.deeds.record.gave(place, address, live.id(), Some(mark));
        }
        self.flush().await?;
        Ok(serial)
    }

    /// Writes down what somebody has confirmed to be ours.
    ///
    /// # Errors
    /// When that is not possible.
    pub async fn confirm(&self, unrecorded: &[Unrecorded]) -> Result<()> {
        self.lock().confirm(&self.scope, unrecorded);
        self.flush().await
    }

    /// Writes down now and then what was made, until it is dropped.
    pub(crate) async fn keep(&self) -> Infallible {
        loop {
            pause(PAUSE).await;
            if let Err(failure) = self.flush().await {
                tracing::debug!(%failure, "could not write the record, will try again");
            }
        }
    }

    /// Writes what has changed since it was last written, the later parts first: the first has the
    /// number of them.
    ///
    /// # Errors
    /// When that is not possible.
    pub async fn flush(&self) -> Result<()> {
        let _writing = self.writing.lock().await;
        let wanted = self.lock().written()?;
        for (number, text) in wanted.into_iter().rev() {
            if self.lock().parts.get(&number) == Some(&text) {
                continue;
            }
            let is_there = self.lock().parts.contains_key(&number);
            self.write(&part(number), &text, is_there).await?;
            self.lock().parts.insert(number, text);
        }
        Ok(())
    }

    /// Writes down the end of a run that had this epoch of the lock, so that no other gets it
    /// again. An environment that has nothing keeps nothing.
    ///
    /// # Errors
    /// When that is not possible. The next run finds all the same what was made.
    pub async fn end(&self, epoch: u64) -> Result<()> {
        {
            let state = &mut *self.lock();
            if state.parts.is_empty() {
                return Ok(());
            }
            state.deeds.record.epoch = state.deeds.record.epoch.max(epoch.saturating_add(1));
            state.deeds.record.forget_places();
        }
        self.flush().await
    }

    /// Takes the record and the keys off, since the environment has nothing any more. What can be
    /// brought back keeps them: then this gives `false`.
    ///
    /// # Errors
    /// When that is not possible. The next `destroy` does it.
    pub async fn close(&self) -> Result<bool> {
        let _writing = self.writing.lock().await;
        if self.lock().deeds.record.has_left() {
            return Ok(false);
        }
        let numbers: Vec<usize> = self.lock().parts.keys().copied().collect();
        for number in numbers.into_iter().rev() {
            let name = part(number);
            insist(|| self.cloud.remove(&self.scope, &name)).await?;
            self.lock().parts.remove(&number);
        }
        let (has_private, has_public) = {
            let state = self.lock();
            (state.has_private, !state.deeds.keys.is_empty())
        };
        if has_private {
            insist(|| self.cloud.remove(&self.scope, PRIVATE)).await?;
        }
        if has_public {
            insist(|| self.cloud.remove(&self.scope, PUBLIC)).await?;
        }
        let state = &mut *self.lock();
        state.deeds = Deeds { record: Record::new(None), ..Deeds::default() };
        (state.signer, state.has_private) = (None, false);
        Ok(true)
    }

    /// What this run signs with: the environment's private key, made if there is none.
    async fn signer(&self) -> Result<()> {
        if self.lock().signer.is_some() {
            return Ok(());
        }
        let new = Signer::write(&random());
        // The one that is there counts: a reply may have got lost.
        let text = once_free(PRIVATE, || async {
            if !self.lock().has_private {
                insist(|| async {
                    self.pass_fence()?;
                    self.cloud.make(&self.scope, PRIVATE, &new, Secrecy::Secret).await
                })
                .await?;
            }
            let text = insist(|| self.cloud.reveal(&self.scope, PRIVATE)).await?;
            self.lock().has_private = text.is_some();
            Ok(text)
        })
        .await?;
        let signer = Signer::read(&text).ok_or_else(|| {
            Failure::new(
                Cause::Refused,
                format!("read the private key of {}", self.scope),
                format!("the parameter {PRIVATE} does not hold one"),
            )
            .help(format!(
                "put an earlier value of {PRIVATE} back: `aws ssm get-parameter-history \
                 --with-decryption --name NAME` lists them"
            ))
        })?;
        let mut keys = self.lock().deeds.keys.clone();
        if !keys.contains(&signer.public()) {
            let is_there = !keys.is_empty();
            keys.add(signer.public());
            self.write(PUBLIC, &keys.written(), is_there).await?;
        }
        let state = &mut *self.lock();
        (state.deeds.keys, state.signer) = (keys, Some(Arc::new(signer)));
        Ok(())
    }

    /// Writes a text. One that is new is made, since only what makes it gives it tags.
    async fn write(&self, name: &str, text: &str, is_there: bool) -> Result<()> {
        once_free(name, || async {
            let written = insist(|| async {
                self.pass_fence()?;
                if !is_there && self.cloud.make(&self.scope, name, text, Secrecy::Open).await? {
                    return Ok(1);
                }
                self.cloud.write(&self.scope, name, text).await
            });
            match written.await {
                Ok(_) => Ok(Some(())),
                Err(failure) if failure.cause == Cause::Taken => Ok(None),
                Err(failure) => Err(failure),
            }
        })
        .await
    }

    fn pass_fence(&self) -> Result<()> {
        if self.lease.as_ref().is_none_or(Lease::is_fresh) {
            return Ok(());
        }
        let attempted = "write down what was made";
        Err(Failure::new(Cause::Busy, attempted, "the lock could not be renewed in time"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks again for what gives nothing while the name of a parameter is withheld, which is shown.
async fn once_free<T, F>(name: &str, call: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<Option<T>>>,
{
    if let Some(value) = call().await? {
        return Ok(value);
    }
    let wait = Wait::of(WITHHELD);
    let again = async {
        while let Some(delay) = wait.next_look() {
            pause(delay).await;
            if let Some(value) = call().await? {
                return Ok(value);
            }
        }
        Err(withheld(name, "write down what is made"))
    };
    Work::current().show(&format!("the name {name}, deleted a moment ago, to be free"), again).await
}
