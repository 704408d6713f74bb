//! Finds the files of an archive without unpacking it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::digest::copy;
use crate::image::FileRange;

/// Manifests and configurations are far smaller; a larger one is not read into memory.
const DOCUMENT: u64 = 8 * 1024 * 1024;

/// A directory, or a tar file with the places of its entries.
pub(crate) enum Contents {
    Directory(PathBuf),
    Tar(BTreeMap<PathBuf, Entry>),
}

/// What a name in a tar file leads to.
pub(crate) enum Entry {
    File(FileRange),
    Link(PathBuf),
}

impl Contents {
    /// Opens an archive; a gzipped one is decompressed into `scratch` first.
    pub(crate) fn open(path: &Path, scratch: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Ok(Self::Directory(path.to_owned()));
        }
        if !is_gzip(File::open(path)?)? {
            return Self::index(path);
        }
        let plain = scratch.join("archive.tar");
        copy(&mut MultiGzDecoder::new(File::open(path)?), &mut File::create(&plain)?)?;
        Self::index(&plain)
    }

    fn index(path: &Path) -> io::Result<Self> {
        let mut archive = tar::Archive::new(File::open(path)?);
        let mut entries = BTreeMap::new();
        for entry in archive.entries_with_seek()? {
            let entry = entry?;
            let name = plain(&entry.path()?);
            let found = match (entry.header().entry_type(), entry.link_name()?) {
                (tar::EntryType::Symlink, Some(link)) => {
                    Entry::Link(plain(&name.parent().unwrap_or(Path::new("")).join(link)))
                }
                (tar::EntryType::Link, Some(link)) => Entry::Link(plain(&link)),
                (kind, _) if kind.is_file() => Entry::File(FileRange {
                    path: path.to_owned(),
                    offset: entry.raw_file_position(),
                    size: entry.size(),
                }),
                _ => continue,
            };
            entries.insert(name, found);
        }
        Ok(Self::Tar(entries))
    }

    /// Where a file's bytes are; links are followed.
    pub(crate) fn find(&self, name: &str) -> Option<FileRange> {
        let mut name = plain(Path::new(name));
        match self {
            Self::Directory(directory) => {
                let path = directory.join(name);
                let metadata = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
                Some(FileRange { path, offset: 0, size: metadata.len() })
            }
            Self::Tar(entries) => {
                for _ in 0..8 {
                    match entries.get(&name)? {
                        Entry::File(range) => return Some(range.clone()),
                        Entry::Link(target) => name.clone_from(target),
                    }
                }
                None
            }
        }
    }
}

/// Reads a small file whole.
pub(crate) fn document(range: &FileRange) -> io::Result<Vec<u8>> {
    if range.size > DOCUMENT {
        return Err(io::Error::other(format!("{} bytes are too many for it", range.size)));
    }
    let mut bytes = Vec::new();
    range.open()?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether the first bytes are gzip's.
pub(crate) fn is_gzip(mut reader: impl Read) -> io::Result<bool> {
    let mut magic = Vec::new();
    reader.by_ref().take(2).read_to_end(&mut magic)?;
    Ok(magic == [0x1f, 0x8b])
}

/// The path without `.`, `..` and the root, so that it stays inside.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir => {
                plain.pop();
            }
            _ => {}
        }
    }
    plain
}
