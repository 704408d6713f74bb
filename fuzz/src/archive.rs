//! Whatever is in an archive: reading it ends, with an image or with what is wrong with it.

use std::fs;

use deployer_image::{Platform, Settings, Source, build, look};

/// Reads a file as the archive of an image.
///
/// # Panics
/// When something does not hold.
pub fn check(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let path = folder.path().join("image.tar");
    fs::write(&path, bytes).expect("there is room for a file");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("there is memory for a runtime");
    let source = Source::Archive(path);
    runtime.block_on(async {
        let seen = look(&source, Platform::LinuxAmd64).await;
        let read = build(&source, Platform::LinuxAmd64, &Settings::default(), &mut |_| {}).await;
        assert!(seen.is_ok() || read.is_err(), "it is built from what cannot be looked at");
    });
}
