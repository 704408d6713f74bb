//! A plan kept in a file, to be applied later as it was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use deployer_core::{Address, Plan, Stack};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::reading::reading;
use crate::seal::{Key, KeyError};

/// What the file says it is.
const FORMAT: &str = "deployer-plan";

/// The version of the format. A plan is not kept long enough to be worth converting.
const VERSION: u32 = 2;

/// The most that is read: a plan of ten thousand resources is not half as large.
const LARGEST: u64 = 256 << 20;

/// A saved plan. What is run is what its stack gives when it is planned again: the steps are there
/// to be compared with that, and to be looked at.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    format: String,
    version: u32,
    /// The stack file's folder, which builds are relative to.
    pub folder: String,
    /// The stack, in the zones that there were.
    pub stack: Stack,
    /// The resources that it was cut down to; none where it is whole.
    #[serde(default)]
    pub targets: Vec<Address>,
    /// The resources that may be deleted although they are protected.
    #[serde(default)]
    pub unprotect: Vec<Address>,
    /// The plan.
    pub plan: Plan,
    /// What it was made from.
    #[serde(default)]
    pub seen: Seen,
    /// Shows who made it; none where there was no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seal: Option<String>,
}

impl PlanFile {
    /// A plan to be saved.
    pub(crate) fn new(
        folder: &Path,
        stack: Stack,
        plan: Plan,
        seen: BTreeMap<String, String>,
    ) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            folder: folder.display().to_string(),
            stack,
            targets: Vec::new(),
            unprotect: Vec::new(),
            plan,
            seen: Seen(seen),
            seal: None,
        }
    }

    /// The same for a plan that was cut down to `targets`, and may delete what is in `unprotect`.
    pub(crate) fn cut_down(self, targets: Vec<Address>, unprotect: Vec<Address>) -> Self {
        Self { targets, unprotect, ..self }
    }

    /// Whether it was made, just as it is, by somebody who has this key.
    pub(crate) fn is_of(&self, key: &Key) -> bool {
        let (Some(seal), Ok(text)) = (&self.seal, self.sealed()) else { return false };
        key.has_sealed(&text, seal)
    }

    /// What the seal is on: all of it but the seal.
    fn sealed(&self) -> serde_json::Result<Vec<u8>> {
        let mut text = serde_json::to_value(self)?;
        if let Some(fields) = text.as_object_mut() {
            fields.remove("seal");
        }
        serde_json::to_vec(&text)
    }
}

/// A hash of each resource that a plan was made from, by what it is.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seen(BTreeMap<String, String>);

impl Seen {
    /// The resources that are not as they were; none where that is not known.
    pub(crate) fn changed(&self, now: &BTreeMap<String, String>) -> Option<String> {
        const NAMED: usize = 3;
        let differ = |(name, hash): (&String, &String), other: &BTreeMap<String, String>| {
            (other.get(name) != Some(hash)).then(|| name.clone())
        };
        let before = self.0.iter().filter_map(|one| differ(one, now));
        let after = now.iter().filter_map(|one| differ(one, &self.0));
        // A name begins with the address.
        let address = |name: String| name.split(' ').next().unwrap_or_default().to_owned();
        let changed: BTreeSet<String> = before.chain(after).map(address).collect();
        let mut named: Vec<String> = changed.iter().take(NAMED).cloned().collect();
        if changed.len() > NAMED {
            named.push(format!("{} more", changed.len() - NAMED));
        }
        (!self.0.is_empty() && !named.is_empty()).then(|| named.join(", "))
    }
}

/// Why a saved plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// It cannot be read.
    #[error("could not read {name}: {reason}")]
    Unreadable {
        /// The file.
        name: String,
        /// Why.
        reason: io::Error,
    },
    /// It cannot be written.
    #[error("could not write {name}: {reason}")]
    Unwritable {
        /// The file.
        name: String,
        /// Why.
        reason: io::Error,
    },
    /// Something else is there.
    #[error("{0} is not a regular file, and is not replaced")]
    Special(String),
    /// It is larger than any plan.
    #[error("{0} has more than {mib} MiB, which no plan has", mib = LARGEST >> 20)]
    TooLarge(String),
    /// There is no key to seal it with, or to look at its seal with.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// It is something else.
    #[error("{0} is not a saved plan")]
    Foreign(String),
    /// Another version of deployer wrote it.
    #[error("{name} has version {version} of the plan format; this deployer reads {VERSION}")]
    OtherVersion {
        /// The file.
        name: String,
        /// Its version.
        version: u64,
    },
    /// It has been edited, or cut off.
    #[error("{name} is damaged: {reason}")]
    Damaged {
        /// The file.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl PlanFileError {
    /// What to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } | Self::Unwritable { .. } => None,
            Self::Special(_) => Some("name another file with `--out`".to_owned()),
            Self::Key(error) => error.help(),
            Self::Foreign(_) | Self::TooLarge(_) => Some(
                "`deployer plan --out FILE` saves a plan; a stack is named with `--file`"
                    .to_owned(),
            ),
            Self::OtherVersion { .. } | Self::Damaged { .. } => {
                Some("make the plan again: `deployer plan --out …`".to_owned())
            }
        }
    }
}

/// Writes a plan, all of it or nothing, for the owner's eyes only, and seals it where there is a
/// key. Nothing is replaced but a regular file.
pub(crate) fn write(
    path: &Path,
    mut saved: PlanFile,
    key: Option<&Key>,
) -> Result<(), PlanFileError> {
    let unwritable =
        |reason| PlanFileError::Unwritable { name: path.display().to_string(), reason };
    if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(PlanFileError::Special(path.display().to_string()));
    }
    let sealed = saved.sealed().map_err(|error| unwritable(error.into()))?;
    saved.seal = key.map(|key| key.seal(&sealed));
    let text = serde_json::to_vec_pretty(&saved).map_err(|error| unwritable(error.into()))?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    // A temporary file has the mode 0600.
    let mut file = NamedTempFile::new_in(parent.unwrap_or(Path::new("."))).map_err(unwritable)?;
    file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(unwritable)?;
    file.persist(path).map_err(|error| unwritable(error.error))?;
    Ok(())
}

/// Reads a plan from its file.
pub(crate) fn read(path: &Path) -> Result<PlanFile, PlanFileError> {
    let name = path.display().to_string();
    let mut text = Vec::new();
    let read = reading(|| fs::File::open(path)?.take(LARGEST + 1).read_to_end(&mut text));
    match read {
        Ok(size) if size as u64 > LARGEST => Err(PlanFileError::TooLarge(name)),
        Ok(_) => read_plan(&text, &name),
        Err(reason) => Err(PlanFileError::Unreadable { name, reason }),
    }
}

/// Reads a saved plan, which came from `name`. Whatever has been done to the file, it is a plan or
/// a mistake; what its steps say is believed by nobody, they are planned again.
///
/// # Errors
/// When it is no plan, one of another version, or a damaged one.
pub fn read_plan(text: &[u8], name: &str) -> Result<PlanFile, PlanFileError> {
    let name = || name.to_owned();
    let value: Value = serde_json::from_slice(text).map_err(|_| PlanFileError::Foreign(name()))?;
    if value.get("format").and_then(Value::as_str) != Some(FORMAT) {
        return Err(PlanFileError::Foreign(name()));
    }
    let version = value.get("version").and_then(Value::as_u64).unwrap_or(0);
    if version != u64::from(VERSION) {
        return Err(PlanFileError::OtherVersion { name: name(), version });
    }
    let damaged = |reason: String| PlanFileError::Damaged { name: name(), reason };
    serde_json::from_value(value).map_err(|error| damaged(error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use deployer_core::{Home, Roles};

    use super::*;
    use crate::samples;

    fn sample() -> PlanFile {
        let plan = samples::plan();
        let stack = Stack {
            scope: plan.scope.clone(),
            region: plan.region.clone(),
            home: Home::default(),
            roles: Roles::new(),
            resources: BTreeMap::new(),
            outputs: BTreeMap::new(),
        };
        PlanFile::new(Path::new("stacks"), stack, plan, BTreeMap::new())
    }

    fn key() -> Key {
        let variable = ("DEPLOYER_PLAN_KEY".to_owned(), "k".repeat(40));
        Key::of(&BTreeMap::from([variable])).unwrap().expect("a key")
    }

    fn saved(edit: impl FnOnce(String) -> String) -> Result<PlanFile, PlanFileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.json");
        write(&path, sample(), None).unwrap();
        fs::write(&path, edit(fs::read_to_string(&path).unwrap())).unwrap();
        read(&path)
    }

    #[test]
    fn a_plan_reads_back_as_it_was_written() {
        let read = saved(|text| text).unwrap();
        assert_eq!((read.plan, read.folder.as_str()), (samples::plan(), "stacks"));
    }

    #[test]
    fn what_is_not_as_it_was_is_named() {
        let all = |all: &[(&str, &str)]| -> BTreeMap<String, String> {
            all.iter().map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned())).collect()
        };
        let then = [("service/web home 1 a", "1"), ("log-group/web home 1 b", "1")];
        let changed = |now: &[(&str, &str)]| Seen(all(&then)).changed(&all(now));
        assert_eq!(changed(&then), None);
        assert_eq!(changed(&[then[0], ("log-group/web home 1 b", "2")]).unwrap(), "log-group/web");
        assert_eq!(changed(&[then[0]]).unwrap(), "log-group/web");
        assert_eq!(changed(&[]).unwrap(), "log-group/web, service/web");
        assert_eq!(Seen::default().changed(&all(&then)), None, "a file that does not say");
    }

    #[test]
    fn of_what_is_too_large_for_a_plan_no_more_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.json");
        fs::File::create(&path).unwrap().set_len(LARGEST + (1 << 40)).unwrap();
        let refused = read(&path).unwrap_err();
        assert!(matches!(refused, PlanFileError::TooLarge(_)), "{refused}");
    }

    #[test]
    fn only_the_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.json");
        write(&path, sample(), None).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn whoever_reads_a_plan_while_it_is_replaced_reads_one_of_the_two() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.json");
        write(&path, sample(), None).unwrap();
        let (before, mut reading) = (fs::read(&path).unwrap(), fs::File::open(&path).unwrap());
        write(&path, PlanFile { folder: "elsewhere".into(), ..sample() }, None).unwrap();
        let mut read = Vec::new();
        reading.read_to_end(&mut read).unwrap();
        assert_eq!(read, before);
        assert_ne!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn what_is_no_plan_of_ours_is_refused() {
        assert!(matches!(saved(|_| "stack: notes".into()), Err(PlanFileError::Foreign(_))));
        assert!(matches!(saved(|_| "{}".into()), Err(PlanFileError::Foreign(_))));
        let other = saved(|text| text.replace("\"version\": 2", "\"version\": 9")).unwrap_err();
        assert!(other.to_string().contains("version 9"), "{other}");
        let cut = saved(|text| text.replace("\"fingerprint\"", "\"finger\"")).unwrap_err();
        assert!(matches!(cut, PlanFileError::Damaged { .. }), "{cut}");
    }

    #[test]
    fn a_seal_is_broken_by_any_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.json");
        write(&path, sample(), Some(&key())).unwrap();
        assert!(read(&path).unwrap().is_of(&key()));
        let text = fs::read_to_string(&path).unwrap();
        for (then, now) in
            [("\"folder\": \"stacks\"", "\"folder\": \"/tmp\""), ("\"seal\"", "\"unsealed\"")]
        {
            assert!(text.contains(then), "{text}");
            fs::write(&path, text.replace(then, now)).unwrap();
            assert!(read(&path).map_or(true, |plan| !plan.is_of(&key())), "{now}");
        }
        write(&path, sample(), None).unwrap();
        assert!(!read(&path).unwrap().is_of(&key()), "there is none");
    }

    #[test]
    fn nothing_but_a_regular_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (link, target) = (folder.path().join("link"), folder.path().join("target"));
        fs::write(&target, "keep").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        for path in [Path::new("/dev/null"), &link, folder.path()] {
            let refused = write(path, sample(), None).unwrap_err();
            assert!(matches!(refused, PlanFileError::Special(_)), "{refused}");
        }
        assert_eq!(fs::read_to_string(target).unwrap(), "keep");
    }
}
