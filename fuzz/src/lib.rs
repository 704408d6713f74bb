//! What must hold whatever is read. The targets feed it what the fuzzer comes up with.

pub mod archive;
pub mod lines;
pub mod mutated;
pub mod overlay;
pub mod parameters;
pub mod plan;
pub mod stack;
pub mod tags;
pub mod written;
