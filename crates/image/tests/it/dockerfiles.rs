//! Dockerfiles, built by whichever tool the machine has.

use std::path::Path;
use std::process::Command;

use deployer_image::{DockerfileSource, Progress, Settings, Source, base_of, build, push};

use crate::building::failure;
use crate::probe::{self, PLATFORM};
use crate::quick::Quick;
use crate::registry::Registry;

fn source(dir: &Path, text: &str) -> Source {
    std::fs::write(dir.join("Dockerfile"), text).expect("writes");
    Source::Dockerfile(DockerfileSource { dir: dir.to_owned(), ..DockerfileSource::default() })
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

/// An image in buildah's own store under a name of this process, taken off when dropped.
struct Base(String);

impl Base {
    fn new() -> Self {
        Self(format!("localhost/deployer-test-base-{}:1", std::process::id()))
    }

    /// Makes the name name an image that holds `text`.
    fn move_to(&self, text: &str) {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("text"), text).expect("writes");
        std::fs::write(directory.path().join("Dockerfile"), "FROM scratch\nCOPY text /\n")
            .expect("writes");
        let arguments = ["build", "--quiet", "--tag", &self.0, "."];
        let built = Command::new("buildah").args(arguments).current_dir(directory.path()).output();
        let built = built.expect("buildah is needed: apt-get install buildah");
        assert!(built.status.success(), "{built:?}");
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        drop(Command::new("buildah").args(["rmi", "--force", &self.0]).output());
    }
}

#[tokio::test]
async fn what_an_image_is_built_on_is_known_and_that_it_has_moved() {
    let registry = Registry::start();
    let base = Base::new();
    let directory = tempfile::tempdir().expect("a directory");
    let source = source(directory.path(), &format!("FROM {}\nCOPY Dockerfile /\n", base.0));
    let mut digests = Vec::new();
    for (tag, text) in [("v1", "old"), ("v2", "new")] {
        base.move_to(text);
        let built = build(&source, PLATFORM, &Settings::default(), &mut |_| {}).await;
        let image = built.expect("it builds");
        let found = image.base().expect("buildah says it");
        assert_eq!(found.name, base.0);
        let target = registry.target(tag);
        push(&image, &target, &Quick, &mut |_| {}).await.expect("the registry takes it");
        let read = base_of(tag, &target, &Quick, &mut |_| {}).await.expect("it is there");
        assert_eq!(read, Some(found.clone()));
        digests.push(found.digest);
        let provenance = registry.documents("predicateType");
        let dependencies = provenance.iter().filter(|it| {
            it["predicate"]["buildDefinition"]["resolvedDependencies"]
                .as_array()
                .is_some_and(|all| all.iter().any(|on| on["digest"]["sha256"] == digests[0].hex()))
        });
        assert_eq!(dependencies.count(), 1, "{provenance:?}");
    }
    assert_ne!(digests[0], digests[1]);
    let none = base_of("v0", &registry.target("v3"), &Quick, &mut |_| {}).await;
    assert_eq!(none.expect("the question is answered"), None);
}

/// What is written in a stack is an argument of a program, and no word of a shell.
#[tokio::test]
async fn a_name_is_no_command() {
    let directory = tempfile::tempdir().expect("a directory");
    let name = "Dockerfile$(touch${IFS}made)";
    std::fs::write(directory.path().join(name), "FROM scratch\nCOPY . /\n").expect("writes");
    let dir = directory.path().to_owned();
    let file = Some(name.into());
    let source = Source::Dockerfile(DockerfileSource { dir, file, ..DockerfileSource::default() });
    let built = build(&source, PLATFORM, &Settings::default(), &mut |_| {}).await;
    assert!(!directory.path().join("made").exists());
    built.expect("the tool takes the name as it is");
}

/// The Dockerfile lies elsewhere, and a stage that is not asked for is not built.
#[tokio::test]
async fn a_stage_is_built_with_arguments_from_a_folder_of_its_own() {
    let (context, other) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("other"));
    std::fs::write(context.path().join("kept"), "kept").expect("writes");
    let file = other.path().join("Dockerfile");
    let text = "FROM scratch AS release\nARG VERSION=none\nLABEL version=$VERSION\nCOPY kept /\n\
                FROM scratch\nCOPY no-such-file /\n";
    std::fs::write(&file, text).expect("writes");
    let mut source = DockerfileSource {
        dir: context.path().to_owned(),
        file: Some(file),
        target: Some("release".to_owned()),
        args: std::collections::BTreeMap::new(),
        cache: None,
    };
    let mut digests = Vec::new();
    for version in ["1.2 $(id)", "1.3"] {
        source.args.insert("VERSION".to_owned(), version.to_owned());
        let from = Source::Dockerfile(source.clone());
        let built = build(&from, PLATFORM, &Settings::default(), &mut |_| {}).await;
        let image = built.expect("it builds");
        let config: serde_json::Value = serde_json::from_slice(image.config()).expect("JSON");
        assert_eq!(config["config"]["Labels"]["version"], version);
        digests.push(image.digest().to_string());
    }
    assert_ne!(digests[0], digests[1], "what is built of other arguments is another image");
}

#[tokio::test]
async fn a_dockerfile_that_fails_shows_what_the_tool_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let source = source(directory.path(), "FROM scratch\nCOPY missing /\n");
    let error = failure(&source, PLATFORM).await.to_string();
    assert!(error.contains(" build` ended with exit status: "), "{error}");
    assert!(error.contains("missing"), "{error}");
}
