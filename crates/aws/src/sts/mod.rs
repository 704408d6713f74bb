//! STS: whose account it is, and the way into another one.

mod operations;

pub(crate) use operations::*;
