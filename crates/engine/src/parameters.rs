//! Small texts that the account keeps of an environment, beside its resources.
//!
//! Only those who deploy may write them, which is what they are for: who is writing, what was
//! made, and the keys that prove it. See `docs/ownership.md`.

use std::collections::BTreeSet;
use std::time::Duration;

use deployer_core::{Cause, Failure, Scope};

use crate::{Cloud, Lease, Result};

/// How long the name of a deleted parameter may stay taken, though nothing has it: "wait for at
/// least 30 seconds" (Systems Manager API reference, `DeleteParameter`), and as long again.
pub(crate) const WITHHELD: Duration = Duration::from_mins(1);

/// One text as the account has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name, such as `record/1`.
    pub name: String,
    /// The text; of a secret one, nothing that can be read.
    pub value: String,
    /// How often it has been written.
    pub version: u64,
    /// How long ago it was written, as far as the clocks of this machine and the account agree.
    pub age: Option<Duration>,
}

/// A cloud that keeps texts of a scope by name.
pub trait Parameters: Cloud {
    /// All of a scope, in one call where there are few.
    fn parameters(&self, scope: &Scope) -> impl Future<Output = Result<Vec<Parameter>>> + Send;

    /// The environments of a stack that the account keeps something of.
    fn environments(&self, stack: &str) -> impl Future<Output = Result<BTreeSet<String>>> + Send;

    /// The text of a secret one; none where there is none.
    fn reveal(
        &self,
        scope: &Scope,
        name: &str,
    ) -> impl Future<Output = Result<Option<String>>> + Send;

    /// Makes one, with the tags of the scope. `false` when there is one of the name: of all that try,
    /// exactly one succeeds.
    fn make(
        &self,
        scope: &Scope,
        name: &str,
        value: &str,
        secrecy: Secrecy,
    ) -> impl Future<Output = Result<bool>> + Send;

    /// Writes one, over what it was. Gives how often it has been written by now: once if there was
    /// none.
    fn write(
        &self,
        scope: &Scope,
        name: &str,
        value: &str,
    ) -> impl Future<Output = Result<u64>> + Send;

    /// Gives one the tags of the scope, and takes these off. One that is not there is no failure.
    fn retag(
        &self,
        scope: &Scope,
        name: &str,
        dropped: &BTreeSet<String>,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Takes one off. One that is off already is no failure.
    fn remove(&self, scope: &Scope, name: &str) -> impl Future<Output = Result<()>> + Send;

    /// From now on every call that changes a resource is refused as busy while the lease is not
    /// fresh.
    fn fence(&self, lease: Lease);
}

/// Who may read a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// Everybody who plans.
    Open,
    /// Those who deploy.
    Secret,
}

/// The failure of what needs a name that the account has withheld for too long.
pub(crate) fn withheld(name: &str, attempted: &str) -> Failure {
    let message = format!("the name {name} is taken, and nobody has it");
    Failure::new(Cause::Busy, attempted, message)
        .help("the account keeps the name of a deleted parameter for some 30 s: try again")
}
