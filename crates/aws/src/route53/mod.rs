//! Route 53: its kinds, and what they share. Records carry no tags: what they would say stands in a
//! record beside each, its marker, which is written and deleted together with it.

mod change;
mod marker;
mod operations;
mod record;
mod sets;
mod validation_record;
mod zones;

pub(crate) use marker::label;
pub(crate) use operations::*;
