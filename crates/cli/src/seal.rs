//! The seal on a saved plan, which shows that it was made by who applies it.
//!
//! A plan says what is built, run and made, and lies in a file or an artifact of CI in between.
//! Whoever can write that file and does not have the key cannot make a plan that is taken for ours.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, DirBuilder};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use ring::hmac::{self, HMAC_SHA256};

/// Holds the key where there is one for several machines, as in CI.
const VARIABLE: &str = "DEPLOYER_PLAN_KEY";

/// The least characters of a key that somebody has chosen: what is shorter can be found by trying.
const SHORTEST: usize = 32;

/// The bytes of a key that is made here, as many as SHA-256 gives (RFC 2104, section 3).
const MADE: usize = 32;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The one that was given is too short.
    #[error("{VARIABLE} has {0} characters; a key has at least {SHORTEST}")]
    Short(usize),
    /// Others can read it.
    #[error("{0} can be read by others, and whoever reads it can seal plans")]
    Open(String),
    /// It cannot be read or written.
    #[error("could not read or write the key {name}: {reason}")]
    Unusable {
        /// The file.
        name: String,
        /// Why.
        reason: io::Error,
    },
}

impl KeyError {
    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Short(_) => Some("make one with `openssl rand -hex 32`".to_owned()),
            Self::Open(name) => Some(format!("delete {name}; the next plan makes another")),
            Self::Unusable { .. } => None,
        }
    }
}

/// What seals plans.
pub(crate) struct Key(hmac::Key);

impl Key {
    /// The key of the one who runs this, made where there is none yet; none where there is no
    /// place for it.
    ///
    /// # Errors
    /// When the one that there is cannot be used.
    pub(crate) fn of(environment: &BTreeMap<String, String>) -> Result<Option<Self>, KeyError> {
        let given = environment.get(VARIABLE).filter(|key| !key.is_empty());
        if let Some(given) = given {
            let length = given.chars().count();
            return if length < SHORTEST {
                Err(KeyError::Short(length))
            } else {
                Ok(Some(Self::from(given.as_bytes())))
            };
        }
        let Some(path) = path(environment) else { return Ok(None) };
        let kept = kept(&path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => make(&path),
            _ => Err(error),
        });
        match kept {
            Ok(Some(key)) => Ok(Some(Self::from(&key))),
            Ok(None) => Err(KeyError::Open(path.display().to_string())),
            // Who may not write at home has plans without a seal, and is asked.
            Err(reason) if reason.kind() == io::ErrorKind::PermissionDenied => Ok(None),
            Err(reason) if reason.kind() == io::ErrorKind::ReadOnlyFilesystem => Ok(None),
            Err(reason) => Err(KeyError::Unusable { name: path.display().to_string(), reason }),
        }
    }

    fn from(key: &[u8]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, key))
    }

    /// The seal on this text, in hexadecimal digits.
    pub(crate) fn seal(&self, text: &[u8]) -> String {
        hmac::sign(&self.0, text).as_ref().iter().fold(String::new(), |mut seal, byte| {
            // Writing to a string cannot fail.
            let _ = write!(seal, "{byte:02x}");
            seal
        })
    }

    /// Whether it is the seal on this text. How long that takes says nothing.
    pub(crate) fn has_sealed(&self, text: &[u8], seal: &str) -> bool {
        let digits = seal.as_bytes().chunks(2).map(|digits| {
            let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.len() == 2)?;
            u8::from_str_radix(digits, 16).ok()
        });
        let tag: Option<Vec<u8>> = digits.collect();
        tag.is_some_and(|tag| hmac::verify(&self.0, text, &tag).is_ok())
    }
}

/// Where the key is kept: with what programs keep for themselves
/// (<https://specifications.freedesktop.org/basedir-spec/latest/>).
fn path(environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let folder = |name: &str| {
        let folder = environment.get(name).map(PathBuf::from);
        folder.filter(|folder| folder.is_absolute())
    };
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(state.join("deployer/plan-key"))
}

/// The key that there is; nothing where others can read it.
fn kept(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = fs::File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o077 != 0 {
        return Ok(None);
    }
    let mut key = Vec::with_capacity(MADE);
    file.take(MADE as u64).read_to_end(&mut key)?;
    if key.len() < MADE {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it is cut off; delete it"));
    }
    Ok(Some(key))
}

/// Makes a key. Of two who do so at once, both get the one that was first.
fn make(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut key = vec![0; MADE];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let mut made = tempfile::NamedTempFile::new_in(folder)?;
    made.write_all(&key)?;
    made.as_file().sync_all()?;
    match made.persist_noclobber(path) {
        Ok(_) => Ok(Some(key)),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => kept(path),
        Err(error) => Err(error.error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_home(home: &Path) -> BTreeMap<String, String> {
        BTreeMap::from([("HOME".to_owned(), home.display().to_string())])
    }

    #[test]
    fn a_key_is_made_once_and_is_nobody_elses() {
        let home = tempfile::tempdir().unwrap();
        let environment = at_home(home.path());
        let first = Key::of(&environment).unwrap().expect("a key");
        let again = Key::of(&environment).unwrap().expect("a key");
        assert!(again.has_sealed(b"plan", &first.seal(b"plan")));
        let file = home.path().join(".local/state/deployer/plan-key");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let elsewhere = tempfile::tempdir().unwrap();
        let other = Key::of(&at_home(elsewhere.path())).unwrap().expect("a key");
        assert!(!other.has_sealed(b"plan", &first.seal(b"plan")));
    }

    #[test]
    fn a_seal_is_on_one_text_and_nothing_else() {
        let environment = BTreeMap::from([(VARIABLE.to_owned(), "k".repeat(SHORTEST))]);
        let key = Key::of(&environment).unwrap().expect("a key");
        let seal = key.seal(b"plan");
        assert!(key.has_sealed(b"plan", &seal));
        let upper = seal.to_uppercase();
        for (text, seal) in
            [("plan ", seal.as_str()), ("plan", ""), ("plan", "é"), ("plan", &seal[2..])]
        {
            assert!(!key.has_sealed(text.as_bytes(), seal), "{text} {seal}");
        }
        assert!(key.has_sealed(b"plan", &upper), "the same number");
    }

    #[test]
    fn a_key_that_can_be_found_or_read_is_none() {
        let short = BTreeMap::from([(VARIABLE.to_owned(), "secret".to_owned())]);
        assert!(matches!(Key::of(&short), Err(KeyError::Short(6))));
        let home = tempfile::tempdir().unwrap();
        let environment = at_home(home.path());
        Key::of(&environment).unwrap().expect("a key");
        let file = home.path().join(".local/state/deployer/plan-key");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Key::of(&environment), Err(KeyError::Open(_))));
    }

    #[test]
    fn without_a_home_there_is_no_key() {
        assert!(Key::of(&BTreeMap::new()).unwrap().is_none());
        assert!(Key::of(&at_home(Path::new("relative"))).unwrap().is_none());
    }
}
