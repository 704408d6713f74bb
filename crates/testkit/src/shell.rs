//! A session in a task in memory: a shell of this machine, without a terminal of its own.

use std::process::Stdio;

use deployer_core::Cause;
use deployer_engine::{Ends, Result, Session, Typed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

use crate::fault::refusal;

/// What ends what is typed, at the beginning of a line: as terminals have it.
const END: u8 = 4;

/// Runs the line that a session was opened with, which stands behind the task in its identifier.
pub(crate) async fn join(session: &Session, mut ends: Ends) -> Result<String> {
    let line = session.id.split_once('-').map_or("", |(_, line)| line);
    let failed = |error: std::io::Error| refusal(Cause::Refused, error.to_string());
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    let mut shell = shell.spawn().map_err(failed)?;
    let (mut keys, screen) = (shell.stdin.take(), shell.stdout.take());
    let Some(mut screen) = screen else { return Ok(String::new()) };
    let mut bytes = vec![0; 1024];
    loop {
        tokio::select! {
            read = screen.read(&mut bytes) => match read.map_err(failed)? {
                0 => return Ok(String::new()),
                read => drop(ends.shown.send(bytes[..read].to_vec()).await),
            },
            () = ends.ended.cancelled() => return Ok(String::new()),
            typed = ends.typed.recv(), if keys.is_some() => match typed {
                Some(Typed::Bytes(typed)) => {
                    let text: Vec<u8> = typed.iter().copied().filter(|key| *key != END).collect();
                    if let Some(keys) = &mut keys {
                        // What has ended reads nothing more.
                        let _ = keys.write_all(&text).await;
                    }
                    if text.len() < typed.len() {
                        keys = None;
                    }
                }
                Some(Typed::Size { .. }) => {}
                None => keys = None,
            },
        }
    }
}
