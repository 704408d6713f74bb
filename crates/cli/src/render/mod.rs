//! Values to text. Nothing here writes anywhere, so that tests see what a person would.

mod diagnostic;
mod difference;
mod error;
mod failure;
mod layout;
mod outcome;
mod plan;
mod table;
mod theme;
mod value;
mod words;

pub(crate) use diagnostic::diagnostics;
pub(crate) use error::error;
pub(crate) use failure::notice;
pub(crate) use layout::{fit, truncate};
pub(crate) use outcome::{outcome, receipt};
pub(crate) use plan::{Detail, empty, plan};
pub(crate) use table::table;
pub(crate) use theme::Theme;
pub(crate) use words::{doing, done, elapsed, short, typical};
