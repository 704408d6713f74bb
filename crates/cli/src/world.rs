//! What the commands are handed: a way to a cloud, and a terminal.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deployer_core::{Failure, Stack};
use deployer_engine::{Access, Parameters, Registry};
use serde_json::Value;

use crate::again::typed;
use crate::clean::{clean, escaped};
use crate::console::Console;

/// A way to a cloud.
pub trait Connect {
    /// The cloud.
    type Cloud: Parameters;

    /// The kinds it knows.
    fn registry(&self) -> Registry<Self::Cloud>;

    /// Finds it in this region or the one that the surroundings name, with their credentials, or
    /// with those of the role that they may assume. Paths in the stack are relative to `folder`.
    fn connect(
        &self,
        role: Option<&str>,
        region: Option<&str>,
        folder: &Path,
    ) -> impl Future<Output = Result<Reached<Self::Cloud>, Failure>>;

    /// The policy of somebody who may do so much with a stack, and no more.
    fn policy(&self, access: Access, stack: &Stack) -> Value;

    /// The same in parts, each of which can be a managed policy.
    fn managed_policies(&self, access: Access, stack: &Stack) -> Vec<Value>;

    /// How many characters a policy may have that goes into a role.
    fn longest_policy(&self) -> usize;

    /// Finds out whose account it is, from the cloud itself: what the surroundings say of it may be
    /// of other credentials.
    fn account(&self, cloud: &Self::Cloud) -> impl Future<Output = Result<String, Failure>>;

    /// Finds out who asks, by the cloud's identifier.
    fn caller(&self, cloud: &Self::Cloud) -> impl Future<Output = Result<String, Failure>>;
}

/// A cloud that has been found.
pub struct Reached<C> {
    /// The cloud.
    pub cloud: Arc<C>,
    /// The region.
    pub region: String,
}

/// The narrowest that anything is laid out for; a terminal that is narrower breaks lines itself.
pub(crate) const NARROWEST: usize = 40;

/// More columns than any line has.
const UNCUT: usize = 10_000;

/// Where input comes from, where output goes, and what the process was started with.
pub struct Terminal {
    /// What is typed.
    pub input: Box<dyn BufRead + Send>,
    /// For results, and for machines.
    pub stdout: Stream,
    /// For people: plans to be approved, progress, mistakes.
    pub stderr: Stream,
    /// Whether somebody is there to answer a question.
    pub is_interactive: bool,
    /// The terminal that a session can have to itself, where there is one.
    pub console: Option<Console>,
    /// How many columns there are.
    pub width: usize,
    /// How many lines there are.
    pub height: usize,
    /// The process's environment.
    pub environment: BTreeMap<String, String>,
    /// The folder it was started in.
    pub folder: PathBuf,
}

impl Terminal {
    /// The terminal of this process.
    ///
    /// # Errors
    /// When the folder it was started in is gone.
    pub fn of_process(environment: BTreeMap<String, String>) -> io::Result<Self> {
        // Some pseudo-terminals have no columns, or no lines.
        let size = terminal_size::terminal_size_of(io::stderr())
            .or_else(|| terminal_size::terminal_size_of(io::stdout()))
            .filter(|(width, height)| width.0 > 0 && height.0 > 0);
        let (width, height) =
            size.map_or((80, 24), |(width, height)| (width.0.into(), height.0.into()));
        Ok(Self {
            input: Box::new(io::BufReader::new(io::stdin())),
            stdout: Stream::new(io::stdout(), io::stdout().is_terminal()),
            stderr: Stream::new(io::stderr(), io::stderr().is_terminal()),
            is_interactive: io::stdin().is_terminal() && io::stderr().is_terminal(),
            console: Console::of_process(),
            width,
            height,
            environment,
            folder: std::env::current_dir()?,
        })
    }
}

impl Terminal {
    /// How many columns there are on one of its streams: so many as `COLUMNS` says, where it does;
    /// otherwise in a file or a pipe nothing is cut.
    pub(crate) fn columns(&self, stream: &Stream) -> usize {
        let asked = self.environment.get("COLUMNS").and_then(|columns| columns.parse().ok());
        match asked.filter(|columns| *columns > 0) {
            Some(columns) => usize::max(columns, NARROWEST),
            None if stream.is_terminal => self.width.max(NARROWEST),
            None => UNCUT,
        }
    }

    /// Whether there is room for lines that change, and a way to change them. What is narrower
    /// than what is laid out for breaks lines by itself, and nobody knows how many there are then.
    pub(crate) fn takes_a_board(&self) -> bool {
        self.width >= NARROWEST && self.height > 5 && !self.is_dumb()
    }

    /// Whether it can do nothing but print line after line.
    pub(crate) fn is_dumb(&self) -> bool {
        self.environment.get("TERM").is_some_and(|term| term == "dumb")
    }
}

/// One stream of output. Clones write to the same place.
#[derive(Clone)]
pub struct Stream {
    writer: Arc<Mutex<Writer>>,
    /// Whether a person reads it as it comes: colours, and lines that change.
    pub is_terminal: bool,
}

struct Writer {
    inner: Box<dyn Write + Send>,
    /// The first thing that went wrong. Nothing is written after it.
    failed: Option<io::Error>,
    /// How commands say which stack is meant.
    which: String,
    /// How many columns their lines may have.
    width: usize,
}

impl Stream {
    /// A stream into `writer`.
    pub fn new(writer: impl Write + Send + 'static, is_terminal: bool) -> Self {
        let writer =
            Writer { inner: Box::new(writer), failed: None, which: String::new(), width: UNCUT };
        Self { writer: Arc::new(Mutex::new(writer)), is_terminal }
    }

    /// From now on, commands that are advised say so which stack they mean.
    pub(crate) fn advise(&self, which: &str, width: usize) {
        let mut writer = self.lock();
        which.clone_into(&mut writer.which);
        writer.width = width;
    }

    /// Writes a text, and what a terminal would obey of it so that it is seen instead: whatever it
    /// says, it says no more than letters can, in colours where there are any.
    pub(crate) fn write(&self, text: &str) {
        let (which, width) = {
            let writer = self.lock();
            (writer.which.clone(), writer.width)
        };
        self.write_frame(&clean(&typed(text, &which, width), self.is_terminal));
    }

    /// Writes JSON and the end of its line.
    pub(crate) fn write_json(&self, json: &str) {
        self.write_frame(&format!("{}\n", escaped(json)));
    }

    /// Writes a text as it stands, with what moves the cursor: none of it may come from outside. A
    /// run must not die because nobody listens any more, so what goes wrong is kept for
    /// [`Stream::failure`].
    pub(crate) fn write_frame(&self, text: &str) {
        self.write_bytes(text.as_bytes());
    }

    /// The same with what a session shows, which has the terminal to itself: it is meant to be obeyed.
    pub(crate) fn write_bytes(&self, bytes: &[u8]) {
        let mut writer = self.lock();
        if writer.failed.is_none()
            && let Err(error) = writer.inner.write_all(bytes).and_then(|()| writer.inner.flush())
        {
            writer.failed = Some(error);
        }
    }

    /// Whether nothing more can be written, such as when its reader went away.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().failed.is_some()
    }

    /// Why not all could be written. A reader that went away, such as `head`, is no failure.
    pub(crate) fn failure(&self) -> Option<String> {
        let writer = self.lock();
        let error = writer.failed.as_ref()?;
        (error.kind() != io::ErrorKind::BrokenPipe).then(|| error.to_string())
    }

    fn lock(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Self::write(self, &String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("is_terminal", &self.is_terminal).finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What was written, instead of a terminal.
    #[derive(Clone, Default)]
    pub(crate) struct Paper(pub(crate) Arc<Mutex<Vec<u8>>>);

    impl Paper {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// That is how what happens inside is written, and AWS's messages with it.
    #[test]
    fn nothing_that_is_traced_is_obeyed() {
        let paper = Paper::default();
        let mut stream = Stream::new(paper.clone(), true);
        io::Write::write_all(&mut stream, b"failed: \x1b]52;c;cm0=\x07\n").unwrap();
        assert_eq!(paper.text(), "failed: ␛]52;c;cm0=␇\n");
    }
}
