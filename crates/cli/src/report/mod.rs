//! What is shown while a plan runs: from the engine's events, and from nothing else.

mod board;
mod human;
mod json;
mod plain;
mod reporter;
mod screen;

pub(crate) use human::Human;
pub(crate) use json::Json;
pub(crate) use plain::Plain;
pub(crate) use reporter::Reporter;

#[cfg(test)]
mod tests;
