//! Finding and reading the stack file.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::origin;
use crate::reading::reading;

/// What the stack file is called where it has the usual name.
const USUAL: [&str; 2] = ["deployer.yaml", "deployer.yml"];

/// The most that is read: a stack of fifty thousand lines has a tenth of it. A device or a pipe may
/// have no end.
const LARGEST: u64 = 16 << 20;

/// A stack file that has been read.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The path, as a person would write it.
    pub(crate) name: String,
    /// The folder it is in; paths in it are relative to that.
    pub(crate) folder: PathBuf,
    /// What is in it.
    pub(crate) text: String,
    /// Where it is kept, if that is known.
    pub(crate) origin: Option<String>,
}

/// Why there is no stack to work with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    /// It cannot be read.
    #[error("could not read {name}: {reason}")]
    Unreadable {
        /// The file.
        name: String,
        /// Why.
        reason: io::Error,
    },
    /// It is larger than any stack.
    #[error("{0} has more than {mib} MiB, which no stack has", mib = LARGEST >> 20)]
    TooLarge(String),
    /// There is none here.
    #[error("there is no stack file in {0}")]
    Missing(PathBuf),
    /// There are several.
    #[error("there are several stack files here: {}", .0.join(", "))]
    Several(Vec<String>),
}

impl SourceError {
    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } | Self::TooLarge(_) => None,
            Self::Missing(_) => {
                Some("write a `deployer.yaml`, or name a file with `--file`".to_owned())
            }
            Self::Several(names) => Some(format!("name one, as in `--file {}`", names.first()?)),
        }
    }
}

/// Reads the stack file that was named, or the one that is in `folder`.
pub(crate) fn read(folder: &Path, named: Option<&Path>) -> Result<Source, SourceError> {
    let name = match named {
        Some(path) => path.to_owned(),
        None => PathBuf::from(find(folder)?),
    };
    let path = folder.join(&name);
    let text = beside(folder, &name)?;
    let folder = path.parent().unwrap_or(folder).to_owned();
    Ok(Source { name: name.display().to_string(), folder, text, origin: origin::of(&path) })
}

/// Reads a file that was named beside the stack.
pub(crate) fn beside(folder: &Path, named: &Path) -> Result<String, SourceError> {
    let shown = || named.display().to_string();
    reading(|| text(&folder.join(named)))
        .map_err(|reason| SourceError::Unreadable { name: shown(), reason })?
        .ok_or_else(|| SourceError::TooLarge(shown()))
}

/// The text of a file; nothing where it is larger than any stack.
fn text(path: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    let size = fs::File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    Ok((size as u64 <= LARGEST).then_some(text))
}

/// The file with the usual name, or the only one that names a stack.
fn find(folder: &Path) -> Result<String, SourceError> {
    if let Some(usual) = USUAL.into_iter().find(|name| folder.join(name).is_file()) {
        return Ok(usual.to_owned());
    }
    let unreadable =
        |reason| SourceError::Unreadable { name: folder.display().to_string(), reason };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        let path = folder.join(&name);
        // A pipe or a device is not opened unless it is named.
        let is_one = || path.is_file() && matches!(text(&path), Ok(Some(it)) if is_stack(&it));
        if is_yaml(&name) && is_one() {
            found.push(name);
        }
    }
    found.sort();
    match found.as_slice() {
        [] => Err(SourceError::Missing(folder.to_owned())),
        [name] => Ok(name.clone()),
        _ => Err(SourceError::Several(found)),
    }
}

fn is_yaml(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn is_stack(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("stack:"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn the_usual_name_wins() {
        let folder = folder(&[("deployer.yaml", "stack: a"), ("b.yaml", "stack: b")]);
        assert_eq!(read(folder.path(), None).unwrap().text, "stack: a");
    }

    #[test]
    fn the_only_file_that_names_a_stack_is_found() {
        let folder = folder(&[("notes.yaml", "# hello\nstack: notes"), ("ci.yaml", "jobs: {}")]);
        assert_eq!(read(folder.path(), None).unwrap().name, "notes.yaml");
    }

    #[test]
    fn none_and_several_are_distinguished() {
        let none = folder(&[("ci.yaml", "jobs: {}")]);
        assert!(matches!(read(none.path(), None), Err(SourceError::Missing(_))));
        let several = folder(&[("a.yaml", "stack: a"), ("b.yaml", "stack: b")]);
        let error = read(several.path(), None).unwrap_err();
        assert_eq!(error.to_string(), "there are several stack files here: a.yaml, b.yaml");
    }

    #[test]
    fn a_file_without_an_end_is_refused() {
        let endless = read(Path::new("/"), Some(Path::new("/dev/zero"))).unwrap_err();
        assert_eq!(endless.to_string(), "/dev/zero has more than 16 MiB, which no stack has");
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let none = folder(&[]);
        let error = read(none.path(), Some(Path::new("x.yaml"))).unwrap_err();
        assert!(error.to_string().starts_with("could not read x.yaml"), "{error}");
    }
}
