//! What a kind is handed when it is asked to do something.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deployer_core::{Address, Scope, Stray};
use tokio::sync::mpsc::UnboundedSender;

use crate::work::Work;
use crate::{Calls, Pauses};

/// A cloud that resources live in.
pub trait Cloud: Send + Sync + 'static {
    /// What the scans of one observation share, so that no call is made twice: a fresh one for
    /// each observation.
    type Shared: Default + Send + Sync + 'static;

    /// All calls that are made on it.
    fn calls(&self) -> &Calls;
}

/// What a scan is handed: whose resources to look for, and where.
pub struct Survey<'a, C: Cloud> {
    /// The cloud.
    pub cloud: &'a C,
    /// Stack and environment whose resources are looked for.
    pub scope: &'a Scope,
    /// What the scans of this observation share.
    pub shared: &'a C::Shared,
    /// Where it notes what it comes upon beside the resources.
    pub sightings: &'a Sightings,
    /// How closely to look.
    pub look: Look,
    /// What is to be found whatever its tags say, because it is to be taken over.
    pub adoption: Option<&'a Adoption>,
}

/// How closely a survey looks at what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// At all that is ours and that a plan changes, in as few calls as AWS allows.
    Quick,
    /// Also at what others attached to it and that takes calls of its own to see.
    Close,
}

impl<C: Cloud> Survey<'_, C> {
    /// Which resource of a kind the thing of this identifier is to become, by its name.
    pub fn adopts(&self, kind: &str, id: &str) -> Option<&str> {
        let adoption = self.adoption.filter(|it| it.address.kind == kind && it.id == id)?;
        Some(&adoption.address.name)
    }
}

/// A thing that is there and is to become a resource of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// The resource.
    pub address: Address,
    /// The thing's identifier, as in the output of its kind.
    pub id: String,
}

/// What the scans of one observation came upon beside resources.
#[derive(Debug, Default)]
pub struct Sightings(Mutex<Sighted>);

/// What has been noted.
#[derive(Debug, Default)]
pub(crate) struct Sighted {
    pub(crate) strays: Vec<Stray>,
    pub(crate) origins: BTreeSet<String>,
}

impl Sightings {
    /// Notes something that carries our tags and is not ours.
    pub fn stray(&self, stray: Stray) {
        self.lock().strays.push(stray);
    }

    /// Notes the origin in the tags of something of ours.
    pub fn origin(&self, origin: &str) {
        let mut sighted = self.lock();
        if !sighted.origins.contains(origin) {
            sighted.origins.insert(origin.to_owned());
        }
    }

    pub(crate) fn into_inner(self) -> Sighted {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Sighted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which resource a step is about, and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Stack and environment; goes into its tags.
    pub scope: Scope,
    /// The address; goes into its tags.
    pub address: Address,
    /// The generation; goes into its tags.
    pub generation: u32,
    /// The mark of its spec; goes into its tags.
    pub mark: String,
    /// For something that was not made under this name: its identifier; goes into its tags.
    pub adopted: Option<String>,
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
}

impl<C: Cloud> Context<'_, C> {
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

/// Carries what a step has to tell to the owner of the run.
#[derive(Clone)]
pub struct Voice(pub(crate) Arc<dyn Fn(String) + Send + Sync>);

impl Voice {
    /// A voice that is heard by a function.
    pub fn new(hear: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hear))
    }

    /// A voice that nobody hears.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Tells one line.
    pub fn say(&self, line: String) {
        (self.0)(line);
    }

    pub(crate) fn channel<T: Send + 'static>(
        sender: UnboundedSender<T>,
        wrap: impl Fn(String) -> T + Send + Sync + 'static,
    ) -> Self {
        // The owner outlives its steps; if it is gone there is nobody left to tell.
        Self(Arc::new(move |line| drop(sender.send(wrap(line)))))
    }
}
