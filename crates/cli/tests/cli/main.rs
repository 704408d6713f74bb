//! Every command against a cloud in memory: what it prints, what it does, and its exit code.

mod apply;
mod connecting;
mod destroy;
mod documented;
mod locking;
mod lookalike;
mod plan;
mod publish;
mod reading;
mod saved;
mod world;
