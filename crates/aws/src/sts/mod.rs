//! STS: whose account it is.

mod operations;

pub(crate) use operations::*;
