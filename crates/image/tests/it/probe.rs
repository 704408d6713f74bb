//! A small static binary, built once, and images of it.

use std::path::{Path, PathBuf};

use deployer_image::{CargoSource, Image, Platform, Settings, Source, build};
use tokio::sync::OnceCell;

/// The platform the tests run on, which is the one they build for.
pub(crate) const PLATFORM: Platform =
    if cfg!(target_arch = "aarch64") { Platform::LinuxArm64 } else { Platform::LinuxAmd64 };

/// The source of the probe.
pub(crate) fn source() -> Source {
    let dir = std::path::absolute("tests/fixtures/probe").expect("tests run somewhere");
    Source::Cargo(CargoSource { dir, ..CargoSource::default() })
}

/// Settings with something in every field.
pub(crate) fn settings() -> Settings {
    Settings {
        arguments: vec!["serve".to_owned()],
        healthcheck: Some(vec!["/probe".to_owned(), "healthcheck".to_owned()]),
        ports: [8080].into(),
        environment: [("RUST_LOG".to_owned(), "info".to_owned())].into(),
        ..Settings::default()
    }
}

/// An image of the probe, unpacked nowhere yet.
pub(crate) async fn image() -> Image {
    pack(binary().await).await
}

/// An image of a binary.
pub(crate) async fn pack(binary: &Path) -> Image {
    let source = Source::Binary(binary.to_owned());
    build(&source, PLATFORM, &settings(), &mut |_| {}).await.expect("a static binary packs")
}

/// The probe itself, taken out of the image of cargo's build into a place named by its content.
pub(crate) async fn binary() -> &'static Path {
    static BINARY: OnceCell<PathBuf> = OnceCell::const_new();
    let take_out = || async {
        let image = build(&source(), PLATFORM, &settings(), &mut |_| {}).await;
        let image = image.expect("the probe builds");
        let layer = &image.layers()[1];
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(layer.digest.hex());
        let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        unpack(layer, root.path());
        std::fs::create_dir_all(&place).expect("creates");
        std::fs::rename(root.path().join("probe"), place.join("probe")).expect("renames");
        place.join("probe")
    };
    BINARY.get_or_init(take_out).await
}

/// Unpacks a layer.
pub(crate) fn unpack(layer: &deployer_image::Layer, root: &Path) {
    let gzip = flate2::read::GzDecoder::new(layer.open().expect("the layer opens"));
    let mut archive = tar::Archive::new(gzip);
    archive.set_preserve_permissions(true);
    archive.unpack(root).expect("the layer unpacks");
}
