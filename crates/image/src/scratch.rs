//! Folders for the files of images.

use std::path::Path;

use tempfile::TempDir;

use crate::BuildError;
use crate::watch::Watch;

/// Removes the folder in `$0`.
const REMOVE: &str = "exec rm -rf -- \"$0\"";

/// A folder that is removed when this is dropped, and also where this process ends without that.
#[derive(Debug)]
pub(crate) struct Scratch {
    // The fields go in this order: until the folder is gone there is something to watch.
    directory: TempDir,
    _watch: Watch,
}

impl Scratch {
    /// A folder among those for temporary files.
    pub(crate) fn new() -> Result<Self, BuildError> {
        Self::within(&std::env::temp_dir())
    }

    /// A folder in this one.
    pub(crate) fn within(parent: &Path) -> Result<Self, BuildError> {
        let made = tempfile::Builder::new().prefix("deployer-image-").tempdir_in(parent);
        let directory = made.map_err(BuildError::file("make a folder for an image in", parent))?;
        let watch = Watch::begin(REMOVE, directory.path().as_os_str());
        Ok(Self { directory, _watch: watch })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}
