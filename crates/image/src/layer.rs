//! Writes layers: tar files that depend on their content alone.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use crate::digest::{DigestWriter, copy};
use crate::image::{FileRange, LAYER_GZIP, Layer};
use crate::{BuildError, Digest};

type Gzip = GzEncoder<DigestWriter<BufWriter<File>>>;

/// A layer in the making: entries have no time, belong to root unless said otherwise, and keep
/// their order.
pub(crate) struct LayerWriter {
    tar: tar::Builder<DigestWriter<Gzip>>,
}

impl LayerWriter {
    /// Starts a layer in a new file of `directory`.
    pub(crate) fn create(directory: &Path, name: &str) -> Result<(Self, FileRange), BuildError> {
        let path = directory.join(name);
        let file = File::create(&path).map_err(BuildError::file("create", &path))?;
        let tar = tar::Builder::new(DigestWriter::new(gzip(file)));
        Ok((Self { tar }, FileRange { path, offset: 0, size: 0 }))
    }

    /// Adds a directory; parents come first.
    pub(crate) fn directory(&mut self, path: &str, mode: u32) -> io::Result<()> {
        self.entry(tar::EntryType::Directory, path, mode, 0, io::empty())
    }

    /// Adds a file of `size` bytes.
    pub(crate) fn file(
        &mut self,
        path: &str,
        mode: u32,
        size: u64,
        content: impl Read,
    ) -> io::Result<()> {
        self.entry(tar::EntryType::Regular, path, mode, size, content)
    }

    fn entry(
        &mut self,
        kind: tar::EntryType,
        path: &str,
        mode: u32,
        size: u64,
        content: impl Read,
    ) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(size);
        self.tar.append_data(&mut header, path, content)
    }

    /// Ends the layer; the second value is the address of its uncompressed bytes.
    pub(crate) fn finish(self, range: FileRange) -> Result<(Layer, Digest), BuildError> {
        let failed = BuildError::file("write", &range.path);
        let ended = self.tar.into_inner().and_then(|tar| {
            let (gzip, diff_id, _) = tar.finish();
            Ok((gzip.finish()?, diff_id))
        });
        let ended = ended.and_then(|(digest, diff_id)| Ok((close(digest)?, diff_id)));
        let ((digest, size), diff_id) = ended.map_err(failed)?;
        Ok((gzip_layer(digest, FileRange { size, ..range }), diff_id))
    }
}

/// Compresses an existing tar file; the second value is the address of its uncompressed bytes.
pub(crate) fn compress(mut tar: impl Read, path: &Path) -> io::Result<(Layer, Digest)> {
    let mut writer = DigestWriter::new(gzip(File::create(path)?));
    copy(&mut tar, &mut writer)?;
    let (gzip, diff_id, _) = writer.finish();
    let (digest, size) = close(gzip.finish()?)?;
    Ok((gzip_layer(digest, FileRange { path: path.to_owned(), offset: 0, size }), diff_id))
}

/// Compresses with nothing in the header that varies from run to run. `miniz_oxide` rather than
/// zlib-rs: the latter chooses its matcher by the processor, so two machines would disagree.
fn gzip(file: File) -> Gzip {
    let file = DigestWriter::new(BufWriter::with_capacity(64 * 1024, file));
    GzBuilder::new().mtime(0).operating_system(255).write(file, Compression::new(6))
}

fn close(writer: DigestWriter<BufWriter<File>>) -> io::Result<(Digest, u64)> {
    let (mut file, digest, size) = writer.finish();
    file.flush()?;
    Ok((digest, size))
}

fn gzip_layer(digest: Digest, range: FileRange) -> Layer {
    Layer { media_type: LAYER_GZIP.to_owned(), digest, size: range.size, range }
}
