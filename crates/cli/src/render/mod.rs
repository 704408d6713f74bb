//! Values to text. Nothing here writes anywhere, so that tests see what a person would.

mod diagnostic;
mod difference;
mod drift;
mod error;
mod failure;
mod layout;
mod outcome;
mod plan;
mod table;
mod theme;
mod value;
mod vital;
pub(crate) mod words;

pub use diagnostic::diagnostics;
pub(crate) use diagnostic::located_diagnostics;
pub(crate) use drift::{Drift, drift, drifted};
pub(crate) use error::error;
pub(crate) use failure::{finding, notice, without};
pub(crate) use layout::{broken, fit, truncate, width_of};
pub(crate) use outcome::{outcome, receipt};
pub use plan::{Detail, plan};
pub(crate) use plan::{elsewhere, failed, located, strays, unseen};
pub(crate) use table::table;
pub use theme::Theme;
pub(crate) use vital::vital;
pub(crate) use words::{brief, doing, done, elapsed, short, typical};
