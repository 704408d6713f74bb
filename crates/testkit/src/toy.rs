//! What all kinds have in common.

use deployer_core::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the cloud tells of any resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// Its identifier.
    pub id: String,
    /// Where it can be reached, once it is ready.
    pub host: Option<String>,
}

/// A kind that lives in [`Memory`](crate::Memory).
pub(crate) trait Toy: Kind<Output = Output> {
    /// The fields that a scan does not show.
    const HIDDEN: &'static [&'static str] = &[];
}
