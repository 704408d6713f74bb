//! What is to be done when this process has ended without doing it: by a signal that cannot be
//! heard, by a second Ctrl-C, by a panic.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// A shell that waits for this process to end. It reads from a pipe that nobody else holds, which
/// the system closes with the process.
#[derive(Debug)]
pub(crate) struct Watch(Option<Child>);

impl Watch {
    /// Runs `script`, a constant, with `subject` as its `$0`, when this process has ended before
    /// [`Watch::end`]. Without a shell nobody watches.
    pub(crate) fn begin(script: &'static str, subject: &OsStr) -> Self {
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("read -r _ && exit\n{script}")).arg(subject);
        // A group of its own: a Ctrl-C in the terminal is not meant for it.
        shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(shell.spawn().ok())
    }

    /// There is nothing to be done any more.
    pub(crate) fn end(&mut self) {
        self.leave(true);
    }

    /// Has it done now.
    pub(crate) fn act(&mut self) {
        self.leave(false);
    }

    fn leave(&mut self, is_done: bool) {
        let Some(mut shell) = self.0.take() else { return };
        if let Some(mut pipe) = shell.stdin.take()
            && is_done
        {
            // A shell that is not there any more does nothing either.
            let _ = pipe.write_all(b"\n");
        }
        if is_done {
            let _ = shell.wait();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end();
    }
}
