//! What a build makes, and how it fails.

use deployer_image::{BuildError, CargoSource, Platform, Progress, Settings, Source, build};
use serde_json::{Value, json};

use crate::probe::{self, PLATFORM};

#[tokio::test]
async fn the_same_binary_gives_the_same_image_wherever_and_whenever() {
    let first = probe::image().await;
    let directory = tempfile::tempdir().expect("a directory");
    let copy = directory.path().join("probe");
    std::fs::copy(probe::binary().await, &copy).expect("copies");
    let second = probe::pack(&copy).await;
    assert_eq!(first.digest(), second.digest());
    assert_eq!(first.manifest(), second.manifest());
}

#[tokio::test]
async fn another_binary_changes_the_upper_layer_alone() {
    let first = probe::image().await;
    let directory = tempfile::tempdir().expect("a directory");
    let other = directory.path().join("probe");
    let mut bytes = std::fs::read(probe::binary().await).expect("reads");
    bytes.push(0);
    std::fs::write(&other, bytes).expect("writes");
    let second = probe::pack(&other).await;
    assert_eq!(first.layers()[0].digest, second.layers()[0].digest);
    assert_ne!(first.layers()[1].digest, second.layers()[1].digest);
    assert_ne!(first.digest(), second.digest());
}

#[tokio::test]
async fn the_configuration_says_how_the_container_runs() {
    let image = probe::image().await;
    let config: Value = serde_json::from_slice(image.config()).expect("JSON");
    assert_eq!(config["os"], "linux");
    assert_eq!(config["architecture"], PLATFORM.architecture());
    assert_eq!(config["created"], "1970-01-01T00:00:00Z");
    assert_eq!(
        config["config"],
        json!({
            "User": "65532:65532",
            "ExposedPorts": { "8080/tcp": {} },
            "Env": ["RUST_LOG=info"],
            "Entrypoint": ["/probe"],
            "Cmd": ["serve"],
            "WorkingDir": "/",
            "Healthcheck": { "Test": ["CMD", "/probe", "healthcheck"] },
        })
    );
    let manifest: Value = serde_json::from_slice(image.manifest()).expect("JSON");
    assert_eq!(manifest["mediaType"], "application/vnd.oci.image.manifest.v1+json");
    assert_eq!(manifest["config"]["digest"], image.config_digest().as_str());
    for (at, layer) in image.layers().iter().enumerate() {
        assert_eq!(manifest["layers"][at]["digest"], layer.digest.as_str());
        let diff_id = diff_id(layer);
        assert_eq!(config["rootfs"]["diff_ids"][at], diff_id, "layer {at}");
    }
}

fn diff_id(layer: &deployer_image::Layer) -> String {
    let mut gzip = flate2::read::GzDecoder::new(layer.open().expect("opens"));
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut gzip, &mut tar).expect("decompresses");
    deployer_image::Digest::of(&tar).to_string()
}

#[tokio::test]
async fn a_build_hands_on_what_cargo_says() {
    let mut lines = Vec::new();
    let mut hear = |progress| {
        if let Progress::Line(line) = progress {
            lines.push(line);
        }
    };
    let built = build(&probe::source(), PLATFORM, &Settings::default(), &mut hear).await;
    built.expect("the probe builds");
    assert!(lines.iter().any(|line| line.contains("Finished `release`")), "{lines:?}");
}

#[tokio::test]
async fn a_failed_build_shows_what_the_compiler_said() {
    let directory = tempfile::tempdir().expect("a directory");
    let dir = directory.path().to_owned();
    let manifest = "[package]\nname = \"broken\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::create_dir(dir.join("src")).expect("creates");
    std::fs::write(dir.join("Cargo.toml"), manifest).expect("writes");
    let lock = "version = 4\n\n[[package]]\nname = \"broken\"\nversion = \"0.0.0\"\n";
    std::fs::write(dir.join("Cargo.lock"), lock).expect("writes");
    std::fs::write(dir.join("src/main.rs"), "fn main() { missing() }").expect("writes");
    let source = Source::Cargo(CargoSource { dir, ..CargoSource::default() });
    let error = failure(&source, PLATFORM).await.to_string();
    assert!(error.starts_with("`cargo build` ended with exit status: 101:\n"), "{error}");
    assert!(error.contains("cannot find function `missing`"), "{error}");
}

#[tokio::test]
async fn a_build_takes_the_lock_file_as_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let dir = directory.path().to_owned();
    let (manifest, lock) =
        ("[package]\nname = \"web\"\nedition = \"2024\"\n[workspace]\n", "version = 4\n");
    std::fs::create_dir(dir.join("src")).expect("creates");
    std::fs::write(dir.join("Cargo.toml"), manifest).expect("writes");
    std::fs::write(dir.join("Cargo.lock"), lock).expect("writes");
    std::fs::write(dir.join("src/main.rs"), "fn main() {}").expect("writes");
    let source = Source::Cargo(CargoSource { dir: dir.clone(), ..CargoSource::default() });
    let error = failure(&source, PLATFORM).await.to_string();
    assert!(error.contains("--locked"), "{error}");
    assert_eq!(std::fs::read_to_string(dir.join("Cargo.lock")).expect("reads"), lock);
}

#[tokio::test]
async fn a_dynamic_binary_is_refused() {
    let error = failure(&Source::Binary("/bin/sh".into()), PLATFORM).await;
    assert!(matches!(error, BuildError::NotStatic { .. }), "{error}");
}

#[tokio::test]
async fn a_binary_for_another_platform_is_refused() {
    let other = match PLATFORM {
        Platform::LinuxAmd64 => Platform::LinuxArm64,
        Platform::LinuxArm64 => Platform::LinuxAmd64,
    };
    let binary = Source::Binary(probe::binary().await.to_owned());
    let error = failure(&binary, other).await.to_string();
    assert!(error.ends_with(&format!("is for {PLATFORM}, not for {other}")), "{error}");
}

#[tokio::test]
async fn what_is_no_binary_and_what_does_not_exist_are_distinguished() {
    let error = failure(&Source::Binary("Cargo.toml".into()), PLATFORM).await.to_string();
    assert!(error.ends_with("Cargo.toml is not a 64-bit Linux binary"), "{error}");
    let error = failure(&Source::Binary("/no/such/file".into()), PLATFORM).await.to_string();
    assert!(error.starts_with("read /no/such/file: No such file"), "{error}");
}

#[test]
fn a_source_reads_as_the_stack_language_writes_it() {
    let source: Source =
        serde_json::from_value(json!({ "cargo": { "dir": "app" } })).expect("reads");
    assert!(matches!(source, Source::Cargo(CargoSource { bin: None, .. })));
    let source: Source = serde_json::from_value(json!({ "archive": "image.tar" })).expect("reads");
    assert_eq!(source, Source::Archive("image.tar".into()));
    let unknown = json!({ "cargo": { "dir": "app", "profile": "dev" } });
    assert!(serde_json::from_value::<Source>(unknown).is_err());
}

/// How building fails.
pub(crate) async fn failure(source: &Source, platform: Platform) -> BuildError {
    let built = build(source, platform, &Settings::default(), &mut |_| {}).await;
    built.expect_err("the source is not fit to build")
}
