//! What would keep a resource from coming up.

use deployer_core::Address;

/// Something that would keep a resource from coming up, or may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// The field of its spec that it is about, as a path with dots.
    pub path: String,
    /// What is wrong.
    pub title: String,
    /// What can be done about it.
    pub help: String,
    /// Whether it is known that it will fail.
    pub is_sure: bool,
}

/// Something that would keep a plan from being done: the resource that it is about, if it is about
/// one, and what it is.
pub type Foreseen = (Option<Address>, Concern);

impl Concern {
    /// Something that will fail.
    pub fn sure(
        path: impl Into<String>,
        title: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { path: path.into(), title: title.into(), help: help.into(), is_sure: true }
    }

    /// Something that may fail.
    pub fn maybe(
        path: impl Into<String>,
        title: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self { is_sure: false, ..Self::sure(path, title, help) }
    }
}
