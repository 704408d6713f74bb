//! What every command is.

use crate::answer::Form;
use crate::exit::{Error, Exit};
use crate::session::Session;
use crate::world::Connect;

/// One command: its arguments, which say themselves what it is for, and what it does.
pub(crate) trait Command: clap::Args {
    /// What it prints with `--json`.
    const FORM: Form;

    /// Does it.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error>;
}
