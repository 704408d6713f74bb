//! Runs a build tool, hands on its lines, and ends it with everything it started when dropped, or
//! when this process ends.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};

use crate::BuildError;
use crate::watch::Watch;

/// How many lines of stderr an error keeps.
const TAIL: usize = 20;
/// How long to listen on after the tool has ended: what it left running may hold its pipes open.
const LINGER: Duration = Duration::from_secs(1);

/// A line a tool wrote.
pub(crate) enum Line {
    /// To stdout.
    Out(String),
    /// To stderr.
    Err(String),
}

/// Runs `command` to its end; fails unless it succeeds.
///
/// The tool gets a process group of its own. Dropping the future sends the group SIGTERM: cargo
/// and its compilers end at once, and container tools clean up after themselves. So does the end
/// of this process, whatever ends it. What goes on for ten seconds after that is killed.
pub(crate) async fn run(
    mut command: Command,
    advice: &str,
    mut hear: impl FnMut(Line),
) -> Result<(), BuildError> {
    let shown = shown(&command);
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    keep_to_ourselves(&mut command);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound if command.as_std().get_current_dir().is_none_or(Path::is_dir) => {
            BuildError::ToolMissing { wanted: program, advice: advice.to_owned() }
        }
        _ => BuildError::File {
            attempted: "start a program in",
            path: command.as_std().get_current_dir().unwrap_or("/".as_ref()).to_owned(),
            source,
        },
    })?;
    let group = Group::of(&child);

    let mut tail = VecDeque::new();
    let mut hear = |line: Line| {
        if let Line::Err(text) = &line {
            tail.push_back(text.clone());
            if tail.len() > TAIL {
                tail.pop_front();
            }
        }
        hear(line);
    };
    let out = child.stdout.take().map(|pipe| segments(pipe).map(Line::Out));
    let err = child.stderr.take().map(|pipe| segments(pipe).map(Line::Err));
    let (out, err) = (stream::iter(out).flatten(), stream::iter(err).flatten());
    let mut lines = pin!(stream::select(out, err));
    let status = loop {
        tokio::select! {
            biased;
            Some(line) = lines.next() => hear(line),
            status = child.wait() => break status.map_err(BuildError::file("wait for", &shown))?,
        }
    };
    group.has_ended();
    let rest = async {
        while let Some(line) = lines.next().await {
            hear(line);
        }
    };
    let _ = tokio::time::timeout(LINGER, rest).await;

    if status.success() {
        return Ok(());
    }
    let tail = Vec::from(tail).join("\n");
    Err(BuildError::ToolFailed { command: shown, status: status.to_string(), tail })
}

/// Takes out of a tool's environment what it could act with in our place: a build runs what others
/// have written, down to the build script of a dependency's dependency. The file of credentials in
/// the home folder is not hidden by that.
fn keep_to_ourselves(command: &mut Command) {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in names.filter(|name| is_ours_alone(name)) {
        command.env_remove(name);
    }
}

fn is_ours_alone(name: &str) -> bool {
    const CREDENTIALS: [&str; 6] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ];
    CREDENTIALS.contains(&name)
        || name.starts_with("AWS_CONTAINER_")
        || name.starts_with("DEPLOYER_")
}

/// The lines of a pipe, whatever their encoding, until it ends.
fn segments(pipe: impl AsyncRead + Unpin) -> impl Stream<Item = String> {
    stream::unfold(BufReader::new(pipe).split(b'\n'), |mut split| async {
        let line = split.next_segment().await.ok().flatten()?;
        Some((String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned(), split))
    })
}

/// The program and its first argument; the rest is long and says little.
fn shown(command: &Command) -> String {
    let command = command.as_std();
    let words = std::iter::once(command.get_program()).chain(command.get_args().take(1));
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Ends the process group in `$0`; `kill` as POSIX writes it, since shells differ in the rest.
const END: &str = "kill -s TERM -- \"-$0\" 2>&- || exit
for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 1; kill -s 0 -- \"-$0\" 2>&- || exit; done
kill -s KILL -- \"-$0\"";

/// A process group that is made to end when this is dropped, and when this process ends.
struct Group(Option<(Pid, Watch)>);

impl Group {
    /// The group of a tool that leads one.
    fn of(leader: &Child) -> Self {
        let pid = leader.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let watched = |pid: Pid| {
            let watch = Watch::begin(END, pid.as_raw_nonzero().to_string().as_ref());
            (pid, watch)
        };
        Self(pid.map(watched))
    }

    /// Leaves the group alone from now on: its number may be given to somebody else.
    fn has_ended(mut self) {
        if let Some((_, mut watch)) = self.0.take() {
            watch.end();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some((group, mut watch)) = self.0.take() {
            // It may have ended by itself a moment ago, which is as good.
            let _ = kill_process_group(group, Signal::TERM);
            watch.act();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[tokio::test]
    async fn a_failure_keeps_the_last_lines_of_stderr() {
        let script = "echo out; seq 1 30 >&2; printf 'no line end' >&2; exit 3";
        let mut heard = Vec::new();
        let ended = run(shell(script), "", |line| {
            heard.push(match line {
                Line::Out(line) => format!("out {line}"),
                Line::Err(line) => format!("err {line}"),
            });
        });
        let error = ended.await.expect_err("it exits with 3").to_string();
        assert!(error.starts_with("`sh -c` ended with exit status: 3:\n12\n13\n"), "{error}");
        assert!(error.ends_with("\n30\nno line end"), "{error}");
        assert_eq!(heard.len(), 32);
        assert!(heard.contains(&"out out".to_owned()), "{heard:?}");
    }

    #[test]
    fn a_tool_gets_nothing_to_act_with_in_our_place() {
        for ours in [
            "AWS_SECRET_ACCESS_KEY",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "DEPLOYER_PLAN_KEY",
            "DEPLOYER_VAR_PASSWORD",
        ] {
            assert!(is_ours_alone(ours), "{ours}");
        }
        for anybodys in ["PATH", "HOME", "AWS_REGION", "CARGO_HOME", "DOCKER_HOST"] {
            assert!(!is_ours_alone(anybodys), "{anybodys}");
        }
    }

    #[tokio::test]
    async fn what_a_tool_leaves_running_does_not_hold_up_the_build() {
        let started = tokio::time::Instant::now();
        let mut left = String::new();
        let ended = run(shell("sleep 60 & echo $!"), "", |line| {
            if let Line::Out(line) = line {
                left = line;
            }
        });
        ended.await.expect("the shell ends well");
        assert!(started.elapsed() < Duration::from_secs(30));
        let left = left.parse().ok().and_then(Pid::from_raw).expect("its number");
        rustix::process::kill_process(left, Signal::TERM).expect("it is still running");
    }

    #[tokio::test]
    async fn dropping_the_future_ends_the_tool_and_what_it_started() {
        let directory = tempfile::tempdir().expect("a directory");
        let fifo = directory.path().join("fifo");
        let made = Command::new("mkfifo").arg(&fifo).status().await.expect("mkfifo starts");
        assert!(made.success());
        // The fifo ends for its reader once the last process that holds it has ended.
        let fifo_shown = fifo.display();
        let script = format!("exec 3>{fifo_shown}; sleep 1000 & echo started; sleep 1000");
        let reader = tokio::task::spawn_blocking(move || {
            let mut file = std::fs::File::open(fifo).expect("opens with the writer");
            std::io::Read::read_to_end(&mut file, &mut Vec::new())
        });
        let (sender, mut started) = tokio::sync::mpsc::unbounded_channel();
        tokio::select! {
            _ = run(shell(&script), "", |_| sender.send(()).expect("is listened to")) => {
                panic!("the shell does not end by itself");
            }
            Some(()) = started.recv() => {}
        }
        let read = tokio::time::timeout(Duration::from_secs(20), reader).await;
        read.expect("all processes end").expect("no panic").expect("the fifo reads");
    }

    #[tokio::test]
    async fn a_missing_program_and_a_missing_directory_are_distinguished() {
        let mut command = Command::new("no-such-program");
        let error = run(Command::new("no-such-program"), "it", |_| {}).await;
        let error = error.expect_err("there is none").to_string();
        assert_eq!(error, "no-such-program is not on the PATH; install it");
        command.current_dir("/no/such/directory");
        let error = run(command, "it", |_| {}).await.expect_err("there is none").to_string();
        assert!(error.starts_with("start a program in /no/such/directory: "), "{error}");
    }
}
