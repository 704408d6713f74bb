//! The commands, one file each, all with the same sections: what it takes, what it does, its
//! helpers, its tests.

pub(crate) mod adopt;
pub(crate) mod apply;
pub(crate) mod completions;
pub(crate) mod destroy;
pub(crate) mod drift;
pub(crate) mod expand;
pub(crate) mod outputs;
pub(crate) mod plan;
pub(crate) mod publish;
pub(crate) mod schema;
pub(crate) mod status;
