//! The planner, seen through plain values: stacks, snapshots and plans.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod arbitrary;
mod mistakes;
mod order;
mod others;
mod ownership;
mod targets;
mod users;
mod verbs;
mod world;
