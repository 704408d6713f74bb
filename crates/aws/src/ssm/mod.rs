//! Systems Manager: its parameters keep the lock (`crate::lock`).

mod operations;

pub(crate) use operations::*;
