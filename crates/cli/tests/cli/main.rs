//! Every command against a cloud in memory: what it prints, what it does, and its exit code.

mod adopt;
mod apply;
mod changes;
mod completing;
mod connecting;
mod corpus;
mod destroy;
mod doctor;
mod documented;
mod drift;
mod exec;
mod guests;
mod locking;
mod logs;
mod lookalike;
mod operating;
mod outside;
mod plan;
mod policy;
mod publish;
mod reading;
mod rollback;
mod run;
mod saved;
mod secret;
mod world;
