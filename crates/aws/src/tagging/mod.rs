//! The tagging index (`crate::index`).

mod operations;

pub(crate) use operations::*;
