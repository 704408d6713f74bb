//! What is done to a resource, how, and what users notice of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a step does.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Makes a resource and waits until it works.
    Create,
    /// Changes a resource where it is and waits until it works.
    Update,
    /// Waits for a resource that an earlier run began and AWS has not finished.
    Await,
    /// Deletes a resource and waits until it is gone.
    Delete,
}

/// What users of the system notice of a change, from nothing to the worst.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Impact {
    /// Nobody notices.
    #[default]
    None,
    /// Tasks are replaced one after another; requests are still answered.
    Rolling,
    /// Somebody else answers than before.
    Elsewhere,
    /// A short interruption, such as a database's reboot.
    Restart,
    /// Not available while the change is made.
    Outage,
    /// Data is gone for good.
    DataLoss,
    /// Not known; counts as the worst.
    Unknown,
}

/// What a difference in one field of a spec leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// AWS changes it where it is.
    InPlace(Impact),
    /// The resource is replaced.
    Replace(Impact),
    /// Somebody else owns the value once the resource exists: a difference is no difference, and
    /// an update is given the value that is there.
    Delegated,
    /// AWS cannot do it, and replacing the resource would be worse: the field stays as it is, and
    /// everything else is done. Says what to do instead.
    Never(&'static str),
}

impl Change {
    /// What users notice of it.
    pub fn impact(self) -> Impact {
        match self {
            Self::InPlace(impact) | Self::Replace(impact) => impact,
            Self::Delegated | Self::Never(_) => Impact::None,
        }
    }
}

/// How the successor of a resource comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Replacement {
    /// The successor comes first, under a name of its own; the old one goes when nothing uses it.
    CreateFirst,
    /// The two cannot exist side by side: the old one goes first.
    DeleteFirst,
    /// The successor supersedes the old one, which stays as history.
    Supersede,
}

/// What becomes of a resource that is no longer wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is deleted.
    Delete,
    /// It goes when the resource it is kept in goes, and stays until then.
    WithParent,
}
