//! What commands print with `--json`: types of their own, so that what goes on inside can change
//! and what scripts read does not. `deployer schema json` prints their schema.
//!
//! What is added does not change the version; what is renamed, moved or taken away does.

pub(crate) mod document;
pub(crate) mod error;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod state;
