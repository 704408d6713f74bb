//! What a kind is handed when it is asked to do something.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use deployer_core::{
    Address, Cause, Deeds, ExistingBalancer, ExistingNetwork, Failure, Kind, KindInfo, Place,
    Record, Scope, Stack, Step, Stray,
};
use serde_json::Value;

use crate::work::Work;
use crate::{Badge, Calls, Ends, Foreseen, Pauses, Provenance, Result, Session, Voice};

/// A cloud that resources live in.
pub trait Cloud: Send + Sync + Sized + 'static {
    /// What the scans of one observation share, so that no call is made twice: a fresh one for
    /// each observation.
    type Shared: Default + Send + Sync + 'static;

    /// All calls that are made on it.
    fn calls(&self) -> &Calls;

    /// The same cloud elsewhere: in the account that a role leads to, and in another region.
    /// Calls there have buckets of their own, and pass the same fence.
    ///
    /// # Errors
    /// When the role cannot be assumed.
    fn at(
        &self,
        role: Option<&str>,
        region: Option<&str>,
    ) -> impl Future<Output = Result<Self>> + Send;

    /// The availability zones that something new can be in, by name.
    ///
    /// # Errors
    /// When nobody says.
    fn zones(&self) -> impl Future<Output = Result<BTreeSet<String>>> + Send;

    /// What a network is like, whoever made it, and those of these subnets that there are, whichever
    /// network they are in; none where there is no such network.
    ///
    /// # Errors
    /// When nobody says.
    fn network(
        &self,
        vpc: &str,
        subnets: &BTreeSet<String>,
    ) -> impl Future<Output = Result<Option<ExistingNetwork>>> + Send;

    /// What a load balancer is like, whoever made it, by its ARN; none where there is none.
    ///
    /// # Errors
    /// When nobody says.
    fn balancer(&self, arn: &str) -> impl Future<Output = Result<Option<ExistingBalancer>>> + Send;

    /// The identifiers of the VPCs, subnets or load balancers, by the name of their kind, that carry
    /// all of these tags, whoever made them; of subnets those in a VPC.
    ///
    /// # Errors
    /// When nobody says.
    fn tagged(
        &self,
        kind: &str,
        tags: &BTreeMap<String, String>,
        vpc: Option<&str>,
    ) -> impl Future<Output = Result<BTreeSet<String>>> + Send;

    /// The names of the parameters right below a path, `/app/prod`, whoever made them, in whole.
    /// What they hold is not kept.
    ///
    /// # Errors
    /// When nobody says.
    fn names_below(&self, path: &str) -> impl Future<Output = Result<BTreeSet<String>>> + Send;

    /// Looks whether these steps of a plan can be done in a place: whether whoever runs this may do
    /// them, and whether the account has room for what they make. What could not be looked at it
    /// says once, as something that may fail. A cloud without permissions and quotas foresees
    /// nothing.
    fn foresee(
        &self,
        _stack: &Stack,
        _place: &Place,
        _steps: &[&Step],
    ) -> impl Future<Output = Vec<Foreseen>> + Send {
        async { Vec::new() }
    }

    /// Joins a session that is open in a task, and passes on what is typed and what the task shows
    /// until it ends; gives what the cloud says of the end, if it says anything.
    ///
    /// # Errors
    /// When nobody gets in, or the connection breaks.
    fn join(&self, session: &Session, ends: Ends) -> impl Future<Output = Result<String>> + Send;
}

/// What a scan is handed: whose resources to look for, and where.
pub struct Survey<'a, C: Cloud> {
    /// The cloud.
    pub cloud: &'a C,
    /// Stack and environment whose resources are looked for.
    pub scope: &'a Scope,
    /// What the scans of this observation share.
    pub shared: &'a C::Shared,
    /// What tells whose a part of something is.
    pub deeds: &'a Deeds,
    /// Where it is.
    pub place: &'a Place,
    /// The account and the region that are home.
    pub home: (&'a str, &'a str),
    /// How closely to look.
    pub look: Look,
    /// The stack whose resources are looked for, where they are those of a file.
    pub(crate) stack: Option<&'a Stack>,
    /// Whether it is enough to look for what the record has; otherwise for all there is.
    pub(crate) is_by_record: bool,
    /// The kinds that something may have been missed of, and why.
    pub(crate) missed: Mutex<Vec<(&'static str, Failure)>>,
    /// What carries the scope's tags and cannot be read.
    pub(crate) aside: Mutex<Vec<Stray>>,
}

/// What is said of something that others have made and that has `what` a resource is to have, and
/// the advice. `otherwise` is what helps instead of taking it over.
pub(crate) fn others(address: &Address, id: &str, what: &str, otherwise: &str) -> (String, String) {
    (
        format!("{what} is taken: {id} was not made by this stack"),
        format!("{otherwise}, or take it over with `deployer adopt {address} {id}`"),
    )
}

/// How closely a survey looks at what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// At all that is ours and that a plan changes, in as few calls as AWS allows.
    Quick,
    /// Also at what others attached to it and that takes calls of its own to see.
    Close,
    /// The same, and at who lives by it, since it is to be deleted.
    Last,
}

impl<'a, C: Cloud> Survey<'a, C> {
    /// A quick look at single things by their identifiers or names.
    pub(crate) fn of_things(
        (cloud, scope): (&'a C, &'a Scope),
        (shared, deeds): (&'a C::Shared, &'a Deeds),
        (place, home): (&'a Place, (&'a str, &'a str)),
    ) -> Self {
        let (look, is_by_record) = (Look::Quick, false);
        let (stack, missed, aside) = (None, Mutex::default(), Mutex::default());
        Self { cloud, scope, shared, deeds, place, home, look, stack, is_by_record, missed, aside }
    }
}

impl<C: Cloud> Survey<'_, C> {
    /// The names of the resources of a kind that there may be, by the record, so that they can be
    /// asked for by them. None where the record is lost, or where all there is is looked for.
    pub fn expected<K: Kind>(&self) -> Option<BTreeSet<String>> {
        self.record().map(|_| self.recorded::<K>())
    }

    /// What the stack says of its resources of a kind here, references as they stand there: a scan
    /// can begin where they are to be. None where no file says anything.
    pub fn declared<K: Kind>(&self) -> Option<Vec<K::Spec>> {
        let declared =
            self.stack?.resources.iter().filter(|(address, desired)| {
                address.kind == K::NAME && desired.place == *self.place
            });
        let read = |spec: &Value| serde_json::from_value(spec.clone()).ok();
        Some(declared.filter_map(|(_, desired)| read(&desired.spec)).collect())
    }

    /// The names of the resources of a kind that the record has, whatever is looked for.
    pub fn recorded<K: Kind>(&self) -> BTreeSet<String> {
        let kind = KindInfo::of::<K>();
        let name = |(address, generation)| kind.physical_name(self.scope, address, generation);
        self.deeds.record.of_kind(self.place, K::NAME).map(name).collect()
    }

    /// Whether there is one of a kind by the record, so that its scan looks at it in any case and
    /// what that shows of others costs no call.
    pub fn looks_at<K: Kind>(&self) -> bool {
        let mut found = self.record().into_iter().flat_map(|it| it.of_kind(self.place, K::NAME));
        found.next().is_some()
    }

    /// Whether something of a kind is the scope's, by the record, whatever is looked for.
    pub fn is_recorded<K: Kind>(&self, id: &str) -> bool {
        self.deeds.record.whose(self.place, K::NAME, id).is_some()
    }

    /// Whether something of a kind is the scope's, by the record.
    pub fn has<K: Kind>(&self, id: &str) -> bool {
        self.record().is_some_and(|record| record.whose(self.place, K::NAME, id).is_some())
    }

    /// Whether there are no others of a kind than these, by the record. What a create made that
    /// nobody has written down yet may be another.
    pub fn are_all<'i, K: Kind>(&self, ids: impl IntoIterator<Item = &'i str>) -> bool {
        self.record().is_some_and(|record| record.has_only(self.place, K::NAME, ids))
    }

    /// Notes that something of a kind may have been missed, since what leads to it could not be
    /// looked at. It is reported where the record has more than was seen.
    pub fn missed<K: Kind>(&self, failure: &Failure) {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed.push((K::NAME, failure.clone()));
    }

    /// Sets something aside that carries the scope's tags and cannot be read: somebody else's thing,
    /// which no stack could have made, must not keep anybody from going on.
    ///
    /// # Errors
    /// When it is ours by the record, with its name: then nobody knows what to do about it.
    pub fn set_aside<K: Kind>(&self, badge: &Badge, id: &str, failure: Failure) -> Result<()> {
        let address = Address::new(K::NAME, &badge.name);
        if self.is_recorded::<K>(id) {
            let attempted = format!("{} ({address}, {id})", failure.attempted);
            return Err(Failure { attempted, ..failure });
        }
        let because = format!("could not {}: {}", failure.attempted, failure.message);
        let (place, id, uses) = (self.place.clone(), id.to_owned(), BTreeSet::new());
        let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
        aside.push(Stray { address, place, id, because, uses });
        Ok(())
    }

    /// The record, where it says what there may be. One that never had anything does not: it may
    /// have been lost together with the keys.
    fn record(&self) -> Option<&Record> {
        let record = &self.deeds.record;
        let says = self.is_by_record && record.is_whole() && !record.places().is_empty();
        says.then_some(record)
    }

    /// Whether tags are not those that were written last, so that whoever has them lags behind.
    pub fn are_outdated(&self, address: &Address, generation: u32, mark: &str) -> bool {
        self.deeds.record.is_former(address, generation, mark)
    }

    /// Whether we made a part of a resource, by the proof in its tags; see
    /// [`Context::prove_part`].
    pub fn vouches(&self, address: &Address, generation: u32, part: &str, proof: &str) -> bool {
        self.deeds.vouch(self.place.within(self.home), self.scope, address, generation, part, proof)
    }
}

/// Which resource a step is about, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Stack and environment; goes into its tags.
    pub scope: Scope,
    /// Tags of the user's own that it was given and that it is not to have any more.
    pub dropped: BTreeSet<String>,
    /// The address; goes into its tags.
    pub address: Address,
    /// The generation; goes into its tags.
    pub generation: u32,
    /// The mark of its spec; goes into its tags.
    pub mark: String,
    /// What proves all that; goes into its tags. None where nobody can sign.
    pub proof: Option<String>,
    /// Where it comes from; goes into the tags of what is a release.
    pub provenance: Provenance,
    /// Its name in AWS, made by [`deployer_core::Naming`]; for kinds that have none, what the
    /// console shows.
    pub name: String,
}

/// What a step is handed.
pub struct Context<'a, C: Cloud> {
    /// The cloud.
    pub cloud: &'a C,
    /// Which resource it is about.
    pub identity: &'a Identity,
    pub(crate) voice: Voice,
    pub(crate) notary: &'a dyn Notary,
}

/// Signs, and tells what is ours.
pub(crate) trait Notary: Send + Sync {
    /// Whether a thing of the step's kind with this badge and identifier is ours.
    fn owns(&self, badge: &Badge, id: &str) -> bool;

    /// The resource that a thing of the step's kind is by the record, whatever its tags say.
    fn whose(&self, id: &str) -> Option<Address>;

    /// A proof for a part of what a step is about.
    fn prove_part(&self, identity: &Identity, part: &str) -> Option<String>;

    /// Whether a proof for a part holds.
    fn vouches(&self, identity: &Identity, part: &str, proof: &str) -> bool;
}

impl<C: Cloud> Context<'_, C> {
    /// Whether something that has the name of what the step is to make is that very resource: a
    /// create whose reply got lost made it, or it was deleted and can be brought back.
    pub fn is_ours(&self, badge: &Badge, id: &str) -> bool {
        let Identity { address, generation, .. } = self.identity;
        (&badge.name, badge.generation) == (&address.name, *generation) && self.owns(badge, id)
    }

    /// Whether something of the step's kind is ours, whichever it is.
    pub fn owns(&self, badge: &Badge, id: &str) -> bool {
        self.notary.owns(badge, id)
    }

    /// The failure of a create that something stands in the way of: it has `what` the resource is
    /// to have, such as a port. One that is ours has lost its tags, and nothing that may be ours
    /// is advised to be deleted. `otherwise` is what helps instead of taking it over.
    pub fn in_the_way(
        &self,
        attempted: impl Into<String>,
        id: &str,
        what: &str,
        otherwise: &str,
    ) -> Failure {
        let Identity { address, .. } = self.identity;
        let (message, help) = match self.notary.whose(id) {
            Some(owner) if owner == *address => (
                format!("{what} is taken: {id} is {address}, and its tags are gone"),
                format!("`deployer adopt {address} {id}` puts them back"),
            ),
            Some(owner) => (format!("{what} is taken: {id} is {owner}"), otherwise.to_owned()),
            None => others(address, id, what, otherwise),
        };
        Failure::new(Cause::Refused, attempted, message).help(help)
    }

    /// What proves that we made a part of the resource that carries tags of its own, such as a rule
    /// of a security group. `part` says which; none where nobody can sign.
    pub fn prove_part(&self, part: &str) -> Option<String> {
        self.notary.prove_part(self.identity, part)
    }

    /// Whether we made a part of the resource, by the proof in its tags.
    pub fn vouches(&self, part: &str, proof: &str) -> bool {
        self.notary.vouches(self.identity, part, proof)
    }

    /// Tells the user something while the step runs, such as a line of a build.
    pub fn say(&self, line: impl Into<String>) {
        self.voice.say(line.into());
    }

    /// Does something that takes all that the machine has, such as a build: one at a time, and
    /// while it lasts the step holds up no call of others. `on` says what the step waits for then.
    /// It is cut short when the run is interrupted.
    pub async fn alone<F: Future>(&self, on: &str, future: F) -> F::Output {
        let work = Work::current();
        let _alone = work.wait(on, self.cloud.calls().be_alone()).await;
        work.begin().await;
        work.wait(on, future).await
    }

    /// The pauses between the tries of something that is no call on the cloud.
    pub fn pauses(&self) -> Pauses<'_> {
        self.cloud.calls().pauses()
    }

    /// A handle for telling from elsewhere, such as a callback.
    pub fn voice(&self) -> Voice {
        self.voice.clone()
    }
}
