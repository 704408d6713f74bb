//! The calls that are made on the cloud.

use deployer_engine::Service;

/// The service behind all kinds. It takes as many calls as one likes.
static MEMORY: Service =
    Service { name: "memory", burst: u32::MAX, per_second: u32::MAX, codes: &[] };

static READS: deployer_engine::Operation = MEMORY.reads("Read");
static CHANGES: deployer_engine::Operation = MEMORY.changes("Change");

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Finds all of a kind.
    Scan,
    /// Finds one of a kind by its identifier.
    Read,
    /// Makes one.
    Create,
    /// Does the second half of making one.
    Configure,
    /// Changes one.
    Update,
    /// Notes what it was last given.
    Remember,
    /// Deletes one.
    Delete,
    /// Looks whether it is ready.
    Ready,
    /// Looks whether it is gone.
    Gone,
    /// Looks at what goes on in one.
    Look,
    /// Stops a rollout, or lets it go on.
    Steer,
    /// Opens a session.
    Open,
}

impl Operation {
    /// The same for the engine.
    pub(crate) fn of_engine(self) -> &'static deployer_engine::Operation {
        match self {
            Self::Scan | Self::Read | Self::Ready | Self::Gone | Self::Look => &READS,
            Self::Create
            | Self::Configure
            | Self::Update
            | Self::Remember
            | Self::Delete
            | Self::Steer
            | Self::Open => &CHANGES,
        }
    }
}

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What it did.
    pub operation: Operation,
    /// The kind it was made for.
    pub kind: &'static str,
    /// The name of the resource, or its identifier where it is read; empty for a scan.
    pub name: String,
}
