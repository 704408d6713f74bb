//! The terminal of this process, handed to a session: every key goes through, and it is as it was
//! before on every way out.

use std::io::{self, IsTerminal};
use std::sync::{Mutex, PoisonError};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// How the terminal was before a session.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// A terminal that keys are typed at and that shows what comes back.
#[derive(Debug)]
pub struct Console {
    input: io::Stdin,
    output: io::Stdout,
}

impl Console {
    /// That of this process, where its input and its output are one.
    pub fn of_process() -> Option<Self> {
        let (input, output) = (io::stdin(), io::stdout());
        (input.is_terminal() && output.is_terminal()).then_some(Self { input, output })
    }

    /// How many columns and lines there are.
    pub(crate) fn size(&self) -> Option<(u16, u16)> {
        let (width, height) = terminal_size::terminal_size_of(&self.output)?;
        Some((width.0, height.0)).filter(|(columns, rows)| *columns > 0 && *rows > 0)
    }

    /// From now on keys come as they are typed and mean nothing here: `^C` is one of them.
    ///
    /// # Errors
    /// When it is a terminal no more.
    pub(crate) fn raw(&self) -> io::Result<Raw> {
        let before = tcgetattr(&self.input)?;
        let mut raw = before.clone();
        raw.make_raw();
        *lock() = Some(before);
        // A release ends at a panic without unwinding.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            hook(panic);
        }));
        tcsetattr(&self.input, OptionalActions::Now, &raw)?;
        Ok(Raw(()))
    }
}

/// While there is one, keys come as they are typed.
pub(crate) struct Raw(());

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

/// Makes the terminal what it was before a session, if there is one.
pub(crate) fn restore() {
    if let Some(before) = lock().take() {
        // One that has gone needs nothing.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
    }
}

fn lock() -> std::sync::MutexGuard<'static, Option<Termios>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}
