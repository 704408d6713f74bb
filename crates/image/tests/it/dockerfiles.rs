//! Dockerfiles, built by whichever tool the machine has.

use std::path::Path;

use deployer_image::{DockerfileSource, Progress, Settings, Source, build};

use crate::building::failure;
use crate::probe::{self, PLATFORM};

fn source(dir: &Path, text: &str) -> Source {
    std::fs::write(dir.join("Dockerfile"), text).expect("writes");
    Source::Dockerfile(DockerfileSource { dir: dir.to_owned(), file: None })
}

#[tokio::test]
async fn a_dockerfile_becomes_an_image() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::copy(probe::binary().await, directory.path().join("probe")).expect("copies");
    let source = source(directory.path(), "FROM scratch\nCOPY probe /\nENTRYPOINT [\"/probe\"]\n");
    let mut lines = Vec::new();
    let mut hear = |progress| {
        if let Progress::Line(line) = progress {
            lines.push(line);
        }
    };
    let built = build(&source, PLATFORM, &Settings::default(), &mut hear).await;
    let image = built.expect("buildah, podman or docker is needed: apt-get install buildah");
    let config: serde_json::Value = serde_json::from_slice(image.config()).expect("JSON");
    assert_eq!(config["config"]["Entrypoint"][0], "/probe");
    assert_eq!(image.layers().len(), 1);
    assert!(lines.iter().any(|line| line.contains("COPY probe /")), "{lines:?}");
}

#[tokio::test]
async fn a_dockerfile_that_fails_shows_what_the_tool_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = source(directory.path(), "FROM scratch\nCOPY missing /\n");
    let error = failure(&source, PLATFORM).await.to_string();
    assert!(error.contains(" build` ended with exit status: "), "{error}");
    assert!(error.contains("missing"), "{error}");
}
