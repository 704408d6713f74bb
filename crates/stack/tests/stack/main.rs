//! Stacks as text in, and what comes of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

mod containers;
mod examples;
mod existing;
mod expansion;
mod guests;
mod language;
mod mistakes;
mod outlines;
mod pages;
mod properties;
mod reference;
mod rollouts;
mod support;
