//! From a source to an image.

use std::panic;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use crate::attest::Made;
use crate::process::{Line, run};
use crate::{
    BuildError, CargoSource, DockerfileSource, Image, Platform, Progress, Report, Settings, Source,
    archive, bill, cargo, dockerfile, pack,
};

/// Makes an image of `source` for `platform`.
///
/// The same binary and settings give the same digest on every machine. Programs that are started
/// on the way are ended when the future is dropped. `settings` matter for the sources that are
/// packed here, [`Source::Cargo`] and [`Source::Binary`].
pub async fn build(
    source: &Source,
    platform: Platform,
    settings: &Settings,
    report: Report<'_>,
) -> Result<Image, BuildError> {
    match source {
        Source::Cargo(source) => {
            let cargo::Built { binary, packages } = cargo::build(source, platform, report).await?;
            let image = pack_binary(binary, platform, settings, report).await?;
            let made = Made { way: "cargo", commit: commit(&source.dir).await };
            Ok(image.of(packages, made))
        }
        Source::Binary(binary) => {
            let image = pack_binary(binary.clone(), platform, settings, report).await?;
            Ok(image.of(Vec::new(), Made { way: "binary", commit: None }))
        }
        Source::Archive(path) => {
            report(Progress::Packing);
            let (path, made) = (path.clone(), Made { way: "archive", commit: None });
            blocking(move || listed(archive::read(&path, platform)?, &path, made)).await
        }
        Source::Dockerfile(source) => {
            let (directory, path) = dockerfile::build(source, platform, report).await?;
            report(Progress::Packing);
            let made = Made { way: "dockerfile", commit: commit(&source.dir).await };
            let image =
                blocking(move || listed(archive::read(&path, platform)?, &path, made)).await?;
            Ok(image.holding(directory))
        }
    }
}

/// An image with what its layers say is in it.
fn listed(image: Image, archive: &Path, made: Made) -> Result<Image, BuildError> {
    let packages = bill::of_layers(image.layers())
        .map_err(BuildError::file("list the packages in", archive))?;
    Ok(image.of(packages, made))
}

/// The commit that a folder is checked out at, where git knows one. It looks at no file in there.
async fn commit(folder: &Path) -> Option<String> {
    let mut command = Command::new("git");
    command.current_dir(folder).args(["rev-parse", "--verify", "HEAD"]);
    let mut commit = None;
    let ran = run(command, "git", |line| {
        if let Line::Out(line) = line {
            commit = Some(line);
        }
    });
    ran.await.ok()?;
    commit.filter(|it| it.len() >= 40 && it.bytes().all(|letter| letter.is_ascii_hexdigit()))
}

/// Looks whether there is what an image is to be made of, without making it: a file that is not
/// there, or an archive for other machines, is known at once.
///
/// # Errors
/// What a build would end with.
pub async fn look(source: &Source, platform: Platform) -> Result<(), BuildError> {
    let exists = |attempted: &'static str, path: PathBuf| {
        std::fs::metadata(&path).map(|_| ()).map_err(BuildError::file(attempted, path))
    };
    match source.clone() {
        Source::Cargo(CargoSource { dir, .. }) => {
            exists("read the package", dir.join("Cargo.toml"))
        }
        Source::Binary(path) => exists("read the binary", path),
        Source::Dockerfile(DockerfileSource { dir, file, .. }) => {
            exists("read the Dockerfile", dir.join(file.unwrap_or("Dockerfile".into())))?;
            exists("build in the folder", dir)
        }
        Source::Archive(path) => blocking(move || archive::look(&path, platform)).await,
    }
}

async fn pack_binary(
    binary: PathBuf,
    platform: Platform,
    settings: &Settings,
    report: Report<'_>,
) -> Result<Image, BuildError> {
    report(Progress::Packing);
    let settings = settings.clone();
    blocking(move || pack::pack(&binary, platform, &settings)).await
}

/// Runs file work where it does not hold up the other tasks.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BuildError> + Send + 'static,
) -> Result<T, BuildError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(payload) => panic::resume_unwind(payload),
            Err(error) => Err(BuildError::File {
                attempted: "finish the work on",
                path: "the image".into(),
                source: std::io::Error::other(error),
            }),
        },
    }
}
