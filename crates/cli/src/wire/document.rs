//! What all that is printed has in common.

use deployer_core::{Address, Place, Scope};
use schemars::JsonSchema;
use serde::Serialize;

/// The version of the format.
const VERSION: u32 = 1;

/// One document, or one line of a run.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "{T}Document")]
pub(crate) struct Document<T> {
    /// The version of the format: 1. What is added does not change it; what is renamed, moved or
    /// taken away does.
    version: u32,
    #[serde(flatten)]
    what: T,
}

impl<T> Document<T> {
    pub(crate) fn of(what: T) -> Self {
        Self { version: VERSION, what }
    }
}

/// Which environment of which stack: `notes/prod`.
pub(crate) fn scope(scope: &Scope) -> String {
    scope.to_string()
}

/// Which resource, and where it is.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Position {
    /// The kind and the name: `service/web`.
    address: String,
    /// Another account than the stack's.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// Another region than the stack's.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
}

impl Position {
    pub(crate) fn of(address: &Address, place: &Place) -> Self {
        let Place { account, region } = place.clone();
        Self { address: address.to_string(), account, region }
    }
}
