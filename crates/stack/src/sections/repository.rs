//! The `repositories` section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A repository of container images.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Repository {
    /// How many images are kept, the newest; all of them when 0.
    #[serde(default = "keep")]
    pub(crate) keep: u32,
    /// Whether images are scanned for known vulnerabilities when they are pushed.
    #[serde(default)]
    pub(crate) scan: Scan,
    /// Whether a tag, once pushed, stays with its image.
    #[serde(default = "super::yes")]
    pub(crate) immutable: bool,
    /// Whether deleting the repository deletes the images in it.
    #[serde(default)]
    pub(crate) force_delete: bool,
}

/// When images are scanned for known vulnerabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scan {
    /// When they are pushed.
    #[default]
    OnPush,
    /// Never.
    Off,
}

fn keep() -> u32 {
    20
}
