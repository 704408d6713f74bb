//! The app as a process of its own, seen from outside, on every store it can use.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checks;
mod deployment;
mod drain;
mod edge;
mod environment;
mod health;
mod limits;
mod metrics;
mod migrations;
mod outage;
mod process;
mod queue;
mod routes;
mod servers;
mod sessions;
mod tls;
mod wire;
mod worker;
