//! Systems Manager: its parameters keep the lock, the record and the keys of an environment.

mod operations;
mod parameters;

pub(crate) use operations::*;
