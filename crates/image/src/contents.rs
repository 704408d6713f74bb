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

/// The most bytes that are decompressed: Fargate gives an image at most 200 GiB (Fargate's guide,
/// task ephemeral storage).
pub(crate) const LARGEST: u64 = 200 << 30;

/// The most members: an image has two or three for each of its layers, and runtimes take a few
/// hundred of those.
const MEMBERS: usize = 20_000;

/// The most bytes of a name and of what stands beside it in the tar format; a path has 4,096 on
/// Linux.
const NAME: u64 = 1 << 20;

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
        if decompress(path, &plain, LARGEST)? {
            return Self::index(&plain);
        }
        Err(too_many(&format!("more than {} GiB", LARGEST >> 30)))
    }

    fn index(path: &Path) -> io::Result<Self> {
        check(path)?;
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

/// Decompresses a file, if it has at most so many bytes then; gives whether it has.
fn decompress(path: &Path, plain: &Path, most: u64) -> io::Result<bool> {
    let mut content = MultiGzDecoder::new(File::open(path)?).take(most + 1);
    copy(&mut content, &mut File::create(plain)?)?;
    Ok(content.limit() > 0)
}

/// Looks through a tar file for what would fill the memory when it is read, however small the file
/// was before it was decompressed: members without end, and names without end.
fn check(path: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(File::open(path)?);
    for (count, entry) in archive.entries_with_seek()?.raw(true).enumerate() {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        let is_read_whole = kind.is_gnu_longname()
            || kind.is_gnu_longlink()
            || kind.is_pax_local_extensions()
            || kind.is_pax_global_extensions();
        if kind.is_gnu_sparse() {
            return Err(io::Error::other("it has a sparse file, which no image tool writes"));
        }
        if count >= MEMBERS {
            return Err(too_many(&format!("more than {MEMBERS} members")));
        }
        if is_read_whole && entry.header().entry_size()? > NAME {
            return Err(too_many(&format!("a name of more than {NAME} bytes")));
        }
        if kind.is_pax_local_extensions() || kind.is_pax_global_extensions() {
            let mut records = Vec::new();
            entry.by_ref().take(NAME).read_to_end(&mut records)?;
            // A size that is not the header's would make one reader skip what another reads.
            let odd = tar::PaxExtensions::new(&records).any(|record| {
                record.map_or(true, |record| {
                    record.key().map_or(true, |key| key == "size" || key.starts_with("GNU.sparse"))
                })
            });
            if odd {
                return Err(io::Error::other("it says of a file that it has another size"));
            }
        }
    }
    Ok(())
}

fn too_many(what: &str) -> io::Error {
    io::Error::other(format!("it has {what}, which no image has"))
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

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    /// What is said of a gzipped archive that is built so.
    fn refusal(build: impl FnOnce(&mut tar::Builder<GzEncoder<File>>)) -> String {
        let scratch = tempfile::tempdir().expect("a folder");
        let path = scratch.path().join("bomb.tar.gz");
        let file = File::create(&path).expect("a file");
        let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::best()));
        build(&mut tar);
        tar.into_inner().and_then(GzEncoder::finish).expect("an archive");
        let size = path.metadata().expect("a file").len();
        assert!(size < 1 << 20, "{size} bytes");
        Contents::open(&path, scratch.path()).err().expect("it is refused").to_string()
    }

    fn header(kind: tar::EntryType, size: u64) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_path("odd").expect("a name");
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        header
    }

    #[test]
    fn of_what_is_decompressed_no_more_than_the_most_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, plain) = (folder.path().join("zeros.gz"), folder.path().join("zeros"));
        let mut zeros = GzEncoder::new(File::create(&path).expect("a file"), Compression::best());
        copy(&mut io::repeat(0).take(1 << 20), &mut zeros).expect("a file");
        zeros.finish().expect("a file");
        assert!(decompress(&path, &plain, 1 << 20).expect("it is read"));
        assert!(!decompress(&path, &plain, (1 << 20) - 1).expect("it is read"));
        assert!(!decompress(&path, &plain, 1000).expect("it is read"));
        assert_eq!(plain.metadata().expect("a file").len(), 1001);
    }

    #[test]
    fn no_name_leads_out_of_an_archive() {
        let folder = tempfile::tempdir().expect("a folder");
        let (archive, outside) = (folder.path().join("archive"), folder.path().join("outside"));
        std::fs::create_dir(&archive).expect("a folder");
        std::fs::write(&outside, "x").expect("a file");
        let archive = Contents::Directory(archive);
        for name in ["../outside", "a/../../outside", &outside.display().to_string()] {
            assert!(archive.find(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_document_without_end_is_not_read() {
        let range = FileRange { path: "/dev/zero".into(), offset: 0, size: DOCUMENT + 1 };
        assert!(document(&range).is_err());
    }

    #[test]
    fn an_archive_with_members_without_end_is_refused() {
        let said = refusal(|tar| {
            for number in 0..=MEMBERS {
                let mut header = tar::Header::new_gnu();
                header.set_size(0);
                let name = format!("{number}");
                tar.append_data(&mut header, name, io::empty()).expect("a member");
            }
        });
        assert_eq!(said, "it has more than 20000 members, which no image has");
    }

    #[test]
    fn a_name_without_end_is_not_read() {
        for kind in [tar::EntryType::GNULongName, tar::EntryType::XHeader] {
            let said = refusal(|tar| {
                tar.append(&header(kind, 64 << 20), io::repeat(b'x').take(64 << 20))
                    .expect("a member");
            });
            assert_eq!(said, "it has a name of more than 1048576 bytes, which no image has");
        }
    }

    /// What one reader takes for another size than a second one can hide anything.
    #[test]
    fn a_file_whose_size_is_said_twice_is_refused() {
        let said = refusal(|tar| {
            let header = header(tar::EntryType::XHeader, 9);
            tar.append(&header, &b"9 size=5\n"[..]).expect("a member");
        });
        assert_eq!(said, "it says of a file that it has another size");
        let said = refusal(|tar| {
            let header = header(tar::EntryType::GNUSparse, 0);
            tar.append(&header, io::empty()).expect("a member");
        });
        assert_eq!(said, "it has a sparse file, which no image tool writes");
    }
}
