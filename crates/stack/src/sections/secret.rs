//! The `secrets` section.

use deployer_kinds::Characters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::quantities::DaysOrNone;

/// A secret whose value AWS generates once; nobody reads it but the services that are given it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Secret {
    /// How many characters are generated, 8 to 4096.
    #[serde(default = "length")]
    pub(crate) length: u32,
    /// Which characters are generated: `alphanumeric` or `printable`.
    #[serde(default)]
    pub(crate) characters: Characters,
    /// How long it can be recovered after it is deleted: `7 days` to `30 days`, or `none`.
    #[serde(default = "recovery")]
    pub(crate) recovery: DaysOrNone,
}

fn length() -> u32 {
    32
}

fn recovery() -> DaysOrNone {
    DaysOrNone(7)
}
