//! Archives that other tools have written.

use std::path::Path;
use std::process::Command;

use deployer_image::{
    BuildError, CargoSource, Digest, DockerfileSource, Image, Platform, Settings, Source, build,
    look, push,
};

use crate::building::failure;
use crate::probe::{self, PLATFORM};
use crate::quick::Quick;
use crate::registry::Registry;

/// Pushes the probe's image and has skopeo write it to `destination`.
async fn copied(destination: &str) -> Image {
    let registry = Registry::start();
    let image = probe::image().await;
    push(&image, &registry.target("v1"), &Quick, &mut |_| {}).await.expect("the registry takes it");
    let source = format!("docker://{}/notes:v1", registry.address);
    let status = Command::new("skopeo")
        .args(["copy", "--quiet", "--insecure-policy", "--src-tls-verify=false"])
        .args(["--src-creds", &Registry::credentials(), &source, destination])
        .status();
    assert!(status.expect("skopeo is needed: apt-get install skopeo").success());
    image
}

async fn read(path: &Path) -> Image {
    let source = Source::Archive(path.to_owned());
    build(&source, PLATFORM, &Settings::default(), &mut |_| {}).await.expect("the archive reads")
}

#[tokio::test]
async fn an_oci_archive_reads_as_the_very_image() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("image.tar");
    let image = copied(&format!("oci-archive:{}", path.display())).await;
    let read_back = read(&path).await;
    assert_eq!(read_back.digest(), image.digest());

    let registry = Registry::start();
    let pushed = push(&read_back, &registry.target("v1"), &Quick, &mut |_| {}).await;
    assert_eq!(pushed.expect("layers inside a tar file upload").uploaded, 3);
}

#[tokio::test]
async fn an_oci_layout_in_a_directory_reads_as_the_very_image() {
    let directory = tempfile::tempdir().expect("a directory");
    let image = copied(&format!("oci:{}", directory.path().display())).await;
    assert_eq!(read(directory.path()).await.digest(), image.digest());
}

#[tokio::test]
async fn a_docker_archive_keeps_its_configuration_and_content() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("image.tar");
    let image = copied(&format!("docker-archive:{}:notes:v1", path.display())).await;
    let plain = read(&path).await;
    let config: serde_json::Value = serde_json::from_slice(plain.config()).expect("JSON");
    assert_eq!(config["config"]["Entrypoint"][0], "/probe");
    let layers = |image: &Image| -> Vec<_> {
        image.layers().iter().map(|layer| layer.digest.clone()).collect()
    };
    assert_eq!(layers(&plain), layers(&image), "the same tar files compress the same");

    assert!(Command::new("gzip").arg(&path).status().expect("gzip starts").success());
    assert_eq!(read(&path.with_extension("tar.gz")).await.digest(), plain.digest());
}

#[tokio::test]
async fn an_archive_for_another_platform_says_what_it_has() {
    let directory = tempfile::tempdir().expect("a directory");
    copied(&format!("oci:{}", directory.path().display())).await;
    let other = match PLATFORM {
        Platform::LinuxAmd64 => Platform::LinuxArm64,
        Platform::LinuxArm64 => Platform::LinuxAmd64,
    };
    let error = failure(&Source::Archive(directory.path().to_owned()), other).await.to_string();
    assert!(error.ends_with(&format!("is for {PLATFORM}, not for {other}")), "{error}");
}

#[tokio::test]
async fn a_damaged_archive_is_noticed_before_anything_is_pushed() {
    let directory = tempfile::tempdir().expect("a directory");
    let image = copied(&format!("oci:{}", directory.path().display())).await;
    let layer = &image.layers()[1].digest;
    let path = directory.path().join("blobs/sha256").join(layer.hex());
    let mut bytes = std::fs::read(&path).expect("reads");
    bytes[1000] ^= 1;
    std::fs::write(&path, bytes).expect("writes");
    let error = failure(&Source::Archive(directory.path().to_owned()), PLATFORM).await;
    let expected = format!("is not an image: its blob {layer} is damaged");
    assert!(error.to_string().ends_with(&expected), "{error}");
}

#[tokio::test]
async fn a_damaged_configuration_is_noticed_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let image = copied(&format!("oci:{}", directory.path().display())).await;
    let config = image.config_digest();
    let path = directory.path().join("blobs/sha256").join(config.hex());
    let text = std::fs::read_to_string(&path).expect("reads").replace("serve", "erase");
    std::fs::write(&path, text).expect("writes");
    let error = failure(&Source::Archive(directory.path().to_owned()), PLATFORM).await;
    let expected = format!("is not an image: its blob {config} is damaged");
    assert!(error.to_string().ends_with(&expected), "{error}");
}

#[tokio::test]
async fn a_damaged_docker_archive_is_noticed_too() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("image.tar");
    copied(&format!("docker-archive:{}:notes:v1", path.display())).await;
    let mut archive = tar::Archive::new(std::fs::File::open(&path).expect("opens"));
    let entries = archive.entries().expect("a tar file").map(|it| it.expect("an entry"));
    let largest = entries.map(|it| (it.size(), it.raw_file_position())).max().expect("a layer");
    let mut bytes = std::fs::read(&path).expect("reads");
    let middle = usize::try_from(largest.1 + largest.0 / 2).expect("a small file");
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("writes");
    let error = failure(&Source::Archive(path), PLATFORM).await.to_string();
    assert!(
        error.contains("is not an image: its layer") && error.ends_with("is damaged"),
        "{error}"
    );
}

/// An index of an index: what tools for several platforms write. Without an end it is no archive.
#[tokio::test]
async fn indexes_of_indexes_are_followed_and_not_for_ever() {
    let directory = tempfile::tempdir().expect("a directory");
    let image = copied(&format!("oci:{}", directory.path().display())).await;
    let index = directory.path().join("index.json");
    for depth in 1..=5 {
        let inner = std::fs::read(&index).expect("an index");
        let digest = Digest::of(&inner);
        std::fs::write(directory.path().join("blobs/sha256").join(digest.hex()), &inner)
            .expect("a blob");
        let outer = serde_json::json!({ "schemaVersion": 2, "manifests": [{
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "digest": digest.to_string(),
            "size": inner.len(),
        }] });
        std::fs::write(&index, outer.to_string()).expect("an index");
        if depth < 5 {
            assert_eq!(read(directory.path()).await.digest(), image.digest(), "{depth}");
        }
    }
    let error = failure(&Source::Archive(directory.path().to_owned()), PLATFORM).await.to_string();
    assert!(error.ends_with("is not an image: its indexes are nested too deep"), "{error}");
}

#[tokio::test]
async fn what_is_no_image_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let error = failure(&Source::Archive(directory.path().to_owned()), PLATFORM).await.to_string();
    assert!(error.contains("is not an image: it has neither an index.json (OCI) nor"), "{error}");
    let error = failure(&Source::Archive("/no/such.tar".into()), PLATFORM).await.to_string();
    assert!(error.starts_with("read the archive /no/such.tar: No such file"), "{error}");
}

#[tokio::test]
async fn what_is_missing_or_for_other_machines_is_seen_without_a_build() {
    let folder = tempfile::tempdir().expect("a directory");
    let inside = |name: &str| folder.path().join(name);
    let archive = Path::new("../../tests/contracts/images/shop.tar").to_owned();
    let amd64 = look(&Source::Archive(archive.clone()), Platform::LinuxAmd64).await;
    assert!(amd64.is_ok(), "{amd64:?}");
    let arm64 = look(&Source::Archive(archive), Platform::LinuxArm64).await;
    assert!(matches!(arm64, Err(BuildError::WrongPlatform { .. })), "{arm64:?}");
    std::fs::write(inside("Dockerfile"), "FROM scratch").expect("a file");
    let dockerfile = |name: Option<&str>| {
        let (dir, file) = (folder.path().to_owned(), name.map(Into::into));
        Source::Dockerfile(DockerfileSource { dir, file, ..DockerfileSource::default() })
    };
    assert!(look(&dockerfile(None), Platform::LinuxAmd64).await.is_ok());
    let cargo = Source::Cargo(CargoSource { dir: inside("nowhere"), ..CargoSource::default() });
    for missing in [dockerfile(Some("Other")), cargo, Source::Archive(inside("web.tar"))] {
        let error = look(&missing, Platform::LinuxAmd64).await.expect_err("nothing is there");
        assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
    }
}
