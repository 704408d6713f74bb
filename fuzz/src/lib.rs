//! What must hold whatever is read. The targets feed it what the fuzzer comes up with.

pub mod mutated;
pub mod overlay;
pub mod plan;
pub mod stack;
pub mod written;
