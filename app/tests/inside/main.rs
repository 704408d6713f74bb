//! The app inside the process of its test, on a store that gives nothing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod limits;
mod refusal;
mod store;
