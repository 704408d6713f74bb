//! `deployer exec`: a shell, or a command, in a task that runs.

use std::convert::Infallible;
use std::future::pending;
use std::io::{self, BufRead, Read as _};

use deployer_core::{Cause, Failure, Live, Snapshot};
use deployer_engine::{
    Cloud as _, Command as Order, Ends, Session as Opened, Task, TaskState, Typed, Which,
};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::sync::CancellationToken;

use crate::answer::{Answer, Form, Page, document};
use crate::args::StackArgs;
use crate::command::Command;
use crate::console::Console;
use crate::exit::{Error, Exit, RequestError};
use crate::masking::said;
use crate::script::{Reader, Script};
use crate::session::Session;
use crate::wire::document::Position;
use crate::workload::{SERVICE, in_full, is_meant, services};
use crate::world::Connect;

/// What is run where nobody says.
const SHELL: &str = "/bin/sh";

/// What ends what is typed, at the beginning of a line: the key that terminals have for it.
const END_OF_INPUT: u8 = 4;

/// How much of what a task shows is looked at for why it shows nothing else.
const FIRST_WORDS: usize = 1000;

/// How Session Manager's agent says that it could not start a program, in the words of Go's library
/// (amazon-ssm-agent, `agent/session/shell`; that these are all is an assumption).
const NO_PROGRAM: [&str; 3] =
    ["Unable to start command", "no such file or directory", "executable file not found"];

/// What `exec` takes.
#[derive(Debug, clap::Args)]
#[command(
    about = "Get into a task of a service: a shell, or a command",
    long_about = "Get into a task of a service: a shell, or a command.\n\n\
        Without a command it is `/bin/sh`, and every key goes there, ^C too. A command's exit code is \
        what this ends with; it is run by the `sh` of the image. What is piped in is typed there, as \
        text. The service has `execute-command: true`, and whoever runs this may do more than deploy: \
        `deployer policy --break-glass`. What is done is done as root in the container, and is gone \
        with the task.",
    after_long_help = "\
Examples:
  deployer exec web --env prod
  deployer exec web --env prod -- ls -l /app
  deployer exec web --env prod --task 1a2b --container proxy -- cat /etc/proxy.conf"
)]
pub(crate) struct Args {
    /// The service: `web`, or `services/web`
    #[arg(value_name = "SERVICE")]
    service: String,
    #[command(flatten)]
    stack: StackArgs,
    /// The task, by its identifier or the beginning of that [default: the newest that can be got
    /// into]
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// The container [default: the service's own]
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// What is run, word by word [default: /bin/sh]
    #[arg(value_name = "COMMAND", last = true)]
    command: Vec<String>,
}

impl Command for Args {
    const FORM: Form = Form::Document(document::<Entered>);

    /// Opens a session in a task, and stays in it until one of both sides ends it.
    async fn run<W: Connect>(self, session: &mut Session<'_, W>) -> Result<Exit, Error> {
        let known = session.known(&self.stack).await?;
        let live = self.meant(&known.snapshot)?;
        let registry = session.world.registry();
        let (Some(shell), Some(tasks)) = (registry.shell(SERVICE), registry.tasks(SERVICE)) else {
            return Err(self.unknown(&known.snapshot).into());
        };
        let cloud = session.reach(&known, live).await?;
        let failed = |failure| Error::Cloud(vec![failure]);
        let looking = tasks.tasks(&*cloud, live, &Which::Wanted);
        let tasks = session.unless_cancelled(looking).await?.map_err(failed)?;
        let task = self.chosen(live, &tasks)?;
        let has_keys = session.terminal.console.is_some() && !session.is_json;
        let script =
            (!self.command.is_empty()).then(|| Script::of(&self.command, &mark(), has_keys));
        let order = Order {
            task: task.id.clone(),
            container: self.container.clone(),
            line: script.as_ref().map_or(SHELL, |script| &script.line).to_owned(),
        };
        let opening = Opened::opened(shell, &cloud, live, &order);
        let opened = session.unless_cancelled(opening).await?.map_err(failed)?;
        session.note(&format!("{}\n", session.err.faint.style(format!("task {}", task.id))));
        let mut screen = Screen::new(script.as_ref().map(Script::reader), has_keys);
        let words = converse(session, &*cloud, &opened, &mut screen).await;
        if session.cancel.is_cancelled() {
            return Ok(Exit::Interrupted);
        }
        let words = words?;
        screen.verdict(&words).map_err(failed)?;
        if !words.is_empty() {
            session.note(&format!("{}\n", session.err.faint.style(said(&words))));
        }
        let entered = Entered {
            of: Position::of(&live.address, &live.place),
            task: task.id.clone(),
            container: self.container.clone(),
            exit_code: screen.code(),
        };
        session.answer(&entered);
        Ok(entered.exit_code.filter(|code| *code != 0).map_or(Exit::Done, Exit::Ran))
    }
}

impl Args {
    /// The service that is meant.
    fn meant<'s>(&self, snapshot: &'s Snapshot) -> Result<&'s Live, RequestError> {
        let mut all = services(snapshot).into_iter();
        let found = all.find(|live| is_meant(&self.service, &live.address));
        found.ok_or_else(|| self.unknown(snapshot))
    }

    fn unknown(&self, snapshot: &Snapshot) -> RequestError {
        let services = services(snapshot).into_iter();
        let known = services.map(|live| live.address.name.clone()).collect();
        RequestError::NoWorkload { asked: self.service.clone(), known }
    }

    /// The task that is named, or the newest that runs, one with a way in before one without.
    fn chosen<'t>(&self, live: &Live, tasks: &'t [Task]) -> Result<&'t Task, RequestError> {
        let running: Vec<&Task> =
            tasks.iter().filter(|task| task.state == TaskState::Running).collect();
        let begin = self.task.as_deref().unwrap_or_default();
        let meant = || running.iter().copied().filter(|task| task.id.starts_with(begin));
        let is_open = |task: &&Task| task.containers.iter().any(|it| it.has_shell);
        meant().find(is_open).or_else(|| meant().next()).ok_or_else(|| RequestError::NoTask {
            service: in_full(&live.address),
            asked: self.task.clone(),
            known: running.iter().map(|task| task.id.clone()).collect(),
        })
    }
}

/// What distinguishes a command's own output from what is said of it.
fn mark() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    format!("deployer-{:016x}", u64::from_be_bytes(bytes))
}

/// Passes on what is typed and what is shown until the session ends; gives what the cloud says of the
/// end.
async fn converse<W: Connect>(
    session: &mut Session<'_, W>,
    cloud: &W::Cloud,
    opened: &Opened,
    screen: &mut Screen,
) -> Result<String, Error> {
    let input = std::mem::replace(&mut session.terminal.input, Box::new(io::empty()));
    let session = &*session;
    let console = session.terminal.console.as_ref().filter(|_| !session.is_json);
    let raw = console.map(Console::raw).transpose();
    let raw = raw.map_err(|error| Error::Output(format!("the terminal: {error}")))?;
    let (keys, typed) = channel(16);
    let (shown, showing) = channel(64);
    let (ended, begun) = (CancellationToken::new(), CancellationToken::new());
    if screen.has_begun() {
        begun.cancel();
    }
    let ends = Ends { typed, shown, ended: ended.clone() };
    let out = if session.is_json { &session.terminal.stderr } else { &session.terminal.stdout };
    let mut show = async |mut showing: Receiver<Vec<u8>>| {
        while let Some(bytes) = showing.recv().await {
            out.write_bytes(&screen.take(&bytes));
            if screen.has_begun() {
                begun.cancel();
            }
            // Nothing more comes of a command that has ended, and nobody reads what is closed.
            if screen.code().is_some() || out.is_closed() {
                ended.cancel();
            }
        }
    };
    let talking = async { tokio::join!(cloud.join(opened, ends), show(showing)).0 };
    let typing = type_on(input, console, keys, &begun);
    let stopping = async {
        session.cancel.cancelled().await;
        ended.cancel();
        pending::<Infallible>().await
    };
    let words = tokio::select! {
        words = talking => words,
        never = typing => match never {},
        never = stopping => match never {},
    };
    drop(raw);
    words.map_err(|failure| Error::Cloud(vec![failure]))
}

/// Types what comes in, once the command has begun, and says how large the terminal is.
async fn type_on(
    input: Box<dyn BufRead + Send>,
    console: Option<&Console>,
    keys: Sender<Typed>,
    begun: &CancellationToken,
) -> Infallible {
    let mut changes = console.and_then(|_| signal(SignalKind::window_change()).ok());
    let size = async || {
        if let Some((columns, rows)) = console.and_then(Console::size) {
            // A session that is over needs none of it.
            let _ = keys.send(Typed::Size { columns, rows }).await;
        }
    };
    size().await;
    begun.cancelled().await;
    let (reads, mut read) = channel(1);
    // Nothing else can wait for a terminal; the thread ends with the process.
    std::thread::spawn(move || take(input, &reads));
    let (mut is_open, mut last) = (true, b'\n');
    loop {
        let resized = async {
            match &mut changes {
                Some(changes) => changes.recv().await,
                None => pending().await,
            }
        };
        tokio::select! {
            bytes = read.recv(), if is_open => {
                let bytes = bytes.unwrap_or_else(|| {
                    is_open = false;
                    // Within a line the first one only ends that.
                    vec![END_OF_INPUT; if last == b'\n' { 1 } else { 2 }]
                });
                last = *bytes.last().unwrap_or(&last);
                let _ = keys.send(Typed::Bytes(bytes)).await;
            }
            _ = resized => size().await,
        }
    }
}

/// Hands on what comes in, as it comes.
fn take(mut input: Box<dyn BufRead + Send>, reads: &Sender<Vec<u8>>) {
    let mut bytes = [0; 1024];
    while let Ok(count @ 1..) = input.read(&mut bytes) {
        if reads.blocking_send(bytes[..count].to_vec()).is_err() {
            return;
        }
    }
}

/// What is shown of a session.
struct Screen {
    /// What reads the output of a command; of a shell all is shown.
    reader: Option<Reader>,
    /// Whether a terminal shows it, as another one has made it.
    is_terminal: bool,
    /// Whether the last byte begins what may be the end of a line.
    has_return: bool,
    /// What came first.
    first: Vec<u8>,
}

impl Screen {
    fn new(reader: Option<Reader>, is_terminal: bool) -> Self {
        Self { reader, is_terminal, has_return: false, first: Vec::new() }
    }

    /// What is to be shown of what came.
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let room = FIRST_WORDS.saturating_sub(self.first.len());
        self.first.extend(bytes.iter().take(room));
        let shown = match &mut self.reader {
            Some(reader) => reader.read(bytes),
            None => bytes.to_vec(),
        };
        if self.is_terminal { shown } else { self.unix(&shown) }
    }

    /// Lines as files have them: the other side's terminal ends each with a return and a line feed.
    fn unix(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut lines = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if std::mem::take(&mut self.has_return) && *byte != b'\n' {
                lines.push(b'\r');
            }
            self.has_return = *byte == b'\r';
            if !self.has_return {
                lines.push(*byte);
            }
        }
        lines
    }

    fn has_begun(&self) -> bool {
        self.reader.as_ref().is_none_or(Reader::has_begun)
    }

    fn code(&self) -> Option<u8> {
        self.reader.as_ref().and_then(Reader::code)
    }

    /// Whether it went as it should, after the end; `words` are what the cloud says of that.
    fn verdict(&self, words: &str) -> Result<(), Failure> {
        let first = String::from_utf8_lossy(&self.first);
        let said: Vec<&str> =
            [first.trim(), words].into_iter().filter(|it| !it.is_empty()).collect();
        let failed =
            |attempted: &str, message: String| Failure::new(Cause::Refused, attempted, message);
        let says = |words: &str| said.iter().any(|said| said.contains(words));
        let has_started = match &self.reader {
            Some(reader) => reader.has_begun(),
            None => !says(NO_PROGRAM[0]),
        };
        if !has_started {
            let failure = failed("start the command in the task", said.join("\n"));
            return Err(if NO_PROGRAM.iter().any(|words| says(words)) {
                failure.help(
                    "commands are run by the `sh` of the image, and this one seems to have none: add \
                     a shell to it, or run what is in it with `deployer run`",
                )
            } else {
                failure
            });
        }
        if self.reader.is_some() && self.code().is_none() {
            let message = if words.is_empty() { "the session ended before" } else { words };
            return Err(failed("see how the command ended", message.to_owned()));
        }
        Ok(())
    }
}

/// How a session ended.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
struct Entered {
    /// The service.
    #[serde(flatten)]
    of: Position,
    /// The identifier of the task.
    task: String,
    /// The container that was named.
    container: Option<String>,
    /// With what the command ended; none for a shell.
    exit_code: Option<u8>,
}

impl Answer for Entered {
    type Wire = Self;

    fn wire(&self) -> Self {
        self.clone()
    }

    /// Nothing beside what it showed.
    fn text(&self, _page: &Page) -> String {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_in_files_where_no_terminal_shows_them() {
        let mut screen = Screen::new(None, false);
        let mut shown = screen.take(b"one\r\ntwo\r");
        shown.extend(screen.take(b"\nthr\ree\r\n"));
        assert_eq!(shown, b"one\ntwo\nthr\ree\n");
    }

    #[test]
    fn an_image_without_a_shell_is_told_from_a_command_that_fails() {
        let reader = || Some(Script::of(&["ls".to_owned()], "m4rk", true).reader());
        let mut screen = Screen::new(reader(), true);
        screen.take(b"Unable to start command: exec: \"sh\": executable file not found in $PATH");
        let failure = screen.verdict("").expect_err("it has not begun");
        assert!(failure.help.is_some_and(|help| help.contains("add a shell")));
        let mut screen = Screen::new(reader(), true);
        screen.take(b"m4rk<ls: no such file or directory\r\nm4rk>2.");
        assert!(screen.verdict("").is_ok());
        let mut screen = Screen::new(reader(), true);
        screen.take(b"m4rk<working");
        let failure = screen.verdict("Session ended by the idle timeout").expect_err("no end");
        assert!(failure.message.contains("idle"), "{failure}");
    }
}
