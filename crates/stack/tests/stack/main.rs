//! Stacks as text in, and what comes of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

mod examples;
mod expansion;
mod kinds_page;
mod mistakes;
mod outlines;
mod properties;
mod reference;
mod support;
