//! Builds a cargo package to a static binary.

use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokio::process::Command;

use crate::bill::{self, Graph, Package};
use crate::process::{Line, run};
use crate::{BuildError, CargoSource, Platform, Progress, Report};

const RUSTUP: &str = "Rust from https://rustup.rs";

/// What cargo has built.
pub(crate) struct Built {
    /// Where the binary is.
    pub(crate) binary: PathBuf,
    /// The crates that it is linked of.
    pub(crate) packages: Vec<Package>,
}

/// Builds the package.
pub(crate) async fn build(
    source: &CargoSource,
    platform: Platform,
    report: Report<'_>,
) -> Result<Built, BuildError> {
    let target = match &source.target {
        Some(target) => target.clone(),
        None => static_target(&source.dir, platform, report).await?,
    };
    let mut binaries = Vec::new();
    run(command(source, &target), RUSTUP, |line| match line {
        Line::Out(message) => binaries.extend(Binary::in_message(&message)),
        Line::Err(line) => report(Progress::Line(line)),
    })
    .await?;
    let Binary { path: binary, package_id, .. } = pick(source, binaries)?;
    let packages = match graph(source, &target, report).await {
        Ok(graph) => bill::of_binary(&graph, &package_id),
        // It is built all the same.
        Err(error) => {
            report(Progress::Line(format!("what it is linked of is not listed: {error}")));
            Vec::new()
        }
    };
    Ok(Built { binary, packages })
}

/// The crates that there are, and what each is linked with for `target`.
async fn graph(
    source: &CargoSource,
    target: &str,
    report: Report<'_>,
) -> Result<Graph, BuildError> {
    let mut command = Command::new("cargo");
    command.current_dir(&source.dir).args(["metadata", "--locked", "--format-version", "1"]);
    command.args(["--filter-platform", target]);
    for feature in &source.features {
        command.args(["--features", feature]);
    }
    let mut printed = String::new();
    run(command, RUSTUP, |line| match line {
        Line::Out(line) => printed.push_str(&line),
        Line::Err(line) => report(Progress::Line(line)),
    })
    .await?;
    serde_json::from_str(&printed).map_err(|error| BuildError::File {
        attempted: "read what cargo says of",
        path: source.dir.clone(),
        source: io::Error::other(error),
    })
}

/// The command that builds for `target` with everything linked in.
///
/// The explicit `--target` keeps the flag away from build scripts and procedural macros. Given as
/// configuration it joins the flags the package itself configures.
fn command(source: &CargoSource, target: &str) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(&source.dir).args(["build", "--release", "--locked", "--color", "never"]);
    command.args(["--message-format", "json-render-diagnostics", "--target", target]);
    command.arg("--config");
    command.arg(format!("target.{target}.rustflags=['-C', 'target-feature=+crt-static']"));
    if let Some(bin) = &source.bin {
        command.args(["--bin", bin]);
    }
    for feature in &source.features {
        command.args(["--features", feature]);
    }
    command
}

/// Chooses musl where its standard library is installed, and glibc otherwise: linked statically,
/// glibc resolves names by itself since 2.34.
async fn static_target(
    dir: &Path,
    platform: Platform,
    report: Report<'_>,
) -> Result<String, BuildError> {
    let mut command = Command::new("rustc");
    command.current_dir(dir).args(["--print", "sysroot"]);
    let mut sysroot = PathBuf::new();
    run(command, RUSTUP, |line| match line {
        Line::Out(line) => sysroot = line.into(),
        Line::Err(line) => report(Progress::Line(line)),
    })
    .await?;
    let [musl, gnu] =
        ["musl", "gnu"].map(|c| format!("{}-unknown-linux-{c}", platform.rust_architecture()));
    let is_installed = |target: &str| sysroot.join("lib/rustlib").join(target).join("lib").is_dir();
    if is_installed(&musl) {
        Ok(musl)
    } else if is_installed(&gnu) {
        Ok(gnu)
    } else {
        Err(BuildError::TargetMissing { platform, advice: musl })
    }
}

/// A binary cargo has built.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Binary {
    name: String,
    path: PathBuf,
    /// What cargo calls the package that it is of.
    package_id: String,
}

impl Binary {
    /// The binary that a line of cargo's JSON names, if it names one.
    fn in_message(message: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct Artifact {
            package_id: String,
            target: Target,
            executable: PathBuf,
        }
        #[derive(Deserialize)]
        struct Target {
            name: String,
            kind: Vec<String>,
        }
        // The other messages have no executable, or a null.
        let artifact: Artifact = serde_json::from_str(message).ok()?;
        let is_binary = artifact.target.kind.iter().any(|kind| kind == "bin");
        let Artifact { package_id, target: Target { name, .. }, executable: path } = artifact;
        is_binary.then_some(Self { name, path, package_id })
    }
}

/// The binary that was asked for, or the only one there is.
fn pick(source: &CargoSource, binaries: Vec<Binary>) -> Result<Binary, BuildError> {
    let names: Vec<_> = binaries.iter().map(|binary| binary.name.as_str()).collect();
    let found = if names.is_empty() { "no binary".to_owned() } else { names.join(", ") };
    let wanted = |binary: &Binary| source.bin.as_ref().is_none_or(|bin| *bin == binary.name);
    let mut fitting = binaries.into_iter().filter(wanted);
    match (fitting.next(), fitting.next()) {
        (Some(binary), None) => Ok(binary),
        _ => Err(BuildError::Binary { dir: source.dir.clone(), found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(name: &str) -> Binary {
        Binary {
            name: name.to_owned(),
            path: PathBuf::from(format!("/target/{name}")),
            package_id: format!("{name}@0.1.0"),
        }
    }

    #[test]
    fn one_of_several_binaries_must_be_named() {
        let mut source = CargoSource::default();
        let both = vec![binary("web"), binary("worker")];
        let error = pick(&source, both.clone()).expect_err("two binaries").to_string();
        assert!(error.contains("made web, worker; name one"), "{error}");
        source.bin = Some("worker".to_owned());
        assert_eq!(pick(&source, both).expect("named"), binary("worker"));
    }

    #[test]
    fn only_messages_about_binaries_count() {
        let artifact = |kind: &str, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","package_id":"web@0.1.0","target":{{"name":"web","kind":["{kind}"]}},"executable":{executable}}}"#
            )
        };
        let found = Binary::in_message(&artifact("bin", r#""/target/web""#));
        assert_eq!(found, Some(binary("web")));
        assert_eq!(Binary::in_message(&artifact("example", r#""/target/web""#)), None);
        assert_eq!(Binary::in_message(&artifact("lib", "null")), None);
        assert_eq!(Binary::in_message("a line some build script printed"), None);
    }
}
