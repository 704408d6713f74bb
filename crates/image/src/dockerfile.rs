//! Builds a Dockerfile with a tool the machine has.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::process::{Line, run};
use crate::scratch::Scratch;
use crate::{BuildError, DockerfileSource, Platform, Progress, Report};

/// A program that builds Dockerfiles.
#[derive(Debug, Clone, Copy)]
struct Tool {
    name: &'static str,
    build: &'static [&'static str],
    /// Whether a layer that it kept is used again for the same arguments of a build alone. Buildah
    /// 1.28 takes one of another `ARG` for `LABEL`.
    heeds_arguments: bool,
    /// Arguments that take layers from a repository and keep them there, with `CACHE` to be filled
    /// in.
    cache: &'static [&'static str],
    /// Arguments that write an image to a file, with `ID` and `FILE` to be filled in.
    save: &'static [&'static str],
}

/// In the order of preference: what needs no daemon comes first.
const TOOLS: [Tool; 3] = [
    Tool {
        name: "buildah",
        build: &["build", "--layers", "--force-rm"],
        heeds_arguments: false,
        cache: &CACHE,
        save: &["push", "ID", "oci-archive:FILE"],
    },
    Tool {
        name: "podman",
        build: &["build", "--force-rm"],
        heeds_arguments: false,
        cache: &CACHE,
        save: &["save", "--format", "oci-archive", "--output", "FILE", "ID"],
    },
    Tool {
        name: "docker",
        build: &["build"],
        heeds_arguments: true,
        cache: &[
            "--cache-from=type=registry,ref=CACHE",
            "--cache-to=type=registry,ref=CACHE,mode=max",
        ],
        save: &["save", "--output", "FILE", "ID"],
    },
];

/// As buildah and Podman call it (buildah-build(1), podman-build(1)).
const CACHE: [&str; 2] = ["--cache-from=CACHE", "--cache-to=CACHE"];

/// Builds the image and gives the archive it is in, with the directory that holds it.
pub(crate) async fn build(
    source: &DockerfileSource,
    platform: Platform,
    report: Report<'_>,
) -> Result<(Scratch, PathBuf), BuildError> {
    build_with(first_present(&TOOLS).await?, source, platform, report).await
}

async fn build_with(
    tool: Tool,
    source: &DockerfileSource,
    platform: Platform,
    report: Report<'_>,
) -> Result<(Scratch, PathBuf), BuildError> {
    let scratch = Scratch::new()?;
    let (id_file, archive) = (scratch.path().join("id"), scratch.path().join("image.tar"));

    report(Progress::Line(begins(&tool, source)));
    speak(command(&tool, source, platform, &id_file), report).await?;

    let id = tokio::fs::read_to_string(&id_file).await;
    let id = id.map_err(BuildError::file("read", &id_file))?;
    let id = id.trim().trim_start_matches("sha256:");
    let file = archive.to_string_lossy();
    let mut save = Command::new(tool.name);
    save.args(tool.save.iter().map(|a| OsString::from(a.replace("ID", id).replace("FILE", &file))));
    speak(save, report).await?;
    Ok((scratch, archive))
}

/// What is built of which folder: it may be outside of the stack's own.
fn begins(tool: &Tool, source: &DockerfileSource) -> String {
    let file = source.file.as_deref().unwrap_or("Dockerfile".as_ref());
    format!("{} builds {} in {}", tool.name, file.display(), source.dir.display())
}

/// The build, run in its context. Nothing that a stack says can be taken for an option of the tool.
fn command(tool: &Tool, source: &DockerfileSource, platform: Platform, id_file: &Path) -> Command {
    let mut build = Command::new(tool.name);
    build.current_dir(&source.dir).args(tool.build);
    build.args(["--platform", &platform.to_string()]).arg("--iidfile").arg(id_file);
    if let Some(file) = &source.file {
        build.arg("--file").arg(file);
    }
    build.args(source.target.iter().map(|target| format!("--target={target}")));
    let is_cached = source.args.is_empty() || tool.heeds_arguments;
    if !is_cached {
        build.arg("--no-cache");
    }
    build.args(source.args.iter().map(|(name, value)| format!("--build-arg={name}={value}")));
    if let Some(cache) = source.cache.as_ref().filter(|_| is_cached) {
        build.args(tool.cache.iter().map(|argument| argument.replace("CACHE", cache)));
    }
    build.arg(".");
    build
}

/// Runs a command, handing on all it says.
async fn speak(command: Command, report: Report<'_>) -> Result<(), BuildError> {
    run(command, "it again", |line| {
        let (Line::Out(line) | Line::Err(line)) = line;
        report(Progress::Line(line));
    })
    .await
}

/// The first tool that starts at all.
async fn first_present(tools: &[Tool]) -> Result<Tool, BuildError> {
    for tool in tools {
        let mut version = Command::new(tool.name);
        version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match version.status().await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => return Ok(*tool),
        }
    }
    Err(BuildError::ToolMissing {
        wanted: tools.iter().map(|tool| tool.name).collect::<Vec<_>>().join(" or "),
        advice: "one of them, or give the image as an archive".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_machine_without_any_tool_is_shown_which_would_do() {
        let absent = Tool {
            name: "no-such-builder",
            build: &[],
            heeds_arguments: true,
            cache: &[],
            save: &[],
        };
        let error = first_present(&[absent]).await.expect_err("it is absent").to_string();
        let expected = "no-such-builder is not on the PATH; install one of them, or give the \
                        image as an archive";
        assert_eq!(error, expected);
    }
}
