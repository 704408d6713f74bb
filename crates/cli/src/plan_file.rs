//! A plan kept in a file, to be applied later as it was looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use deployer_core::Plan;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tempfile::NamedTempFile;

/// What the file says it is.
const FORMAT: &str = "deployer-plan";

/// The version of the format. A plan is not kept long enough to be worth converting.
const VERSION: u32 = 1;

/// Longer than any step typically takes, in seconds: four hours. What is waited for, and for how
/// long, is reckoned from it.
const LONGEST: u32 = 4 * 60 * 60;

/// A saved plan.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanFile {
    format: String,
    version: u32,
    /// The stack file's folder, which builds are relative to.
    pub folder: String,
    /// The plan.
    pub plan: Plan,
    /// What it was made from.
    #[serde(default)]
    pub seen: Seen,
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
            Self::Foreign(_) => Some(
                "`deployer plan --out FILE` saves a plan; a stack is named with `--file`"
                    .to_owned(),
            ),
            Self::OtherVersion { .. } | Self::Damaged { .. } => {
                Some("make the plan again: `deployer plan --out …`".to_owned())
            }
        }
    }
}

/// Writes a plan, all of it or nothing, for the owner's eyes only.
pub(crate) fn write(
    path: &Path,
    folder: &Path,
    plan: &Plan,
    seen: BTreeMap<String, String>,
) -> Result<(), PlanFileError> {
    let saved = PlanFile {
        format: FORMAT.to_owned(),
        version: VERSION,
        folder: folder.display().to_string(),
        plan: plan.clone(),
        seen: Seen(seen),
    };
    let unwritable =
        |reason| PlanFileError::Unwritable { name: path.display().to_string(), reason };
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
    match fs::read(path) {
        Ok(text) => read_plan(&text, &name),
        Err(reason) => Err(PlanFileError::Unreadable { name, reason }),
    }
}

/// Reads a saved plan, which came from `name`, and checks that its steps fit together: what it
/// gives can be shown and run, whatever has been done to the file.
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
    let saved: PlanFile =
        serde_json::from_value(value).map_err(|error| damaged(error.to_string()))?;
    for (place, step) in saved.plan.steps.iter().enumerate() {
        if step.id != place || step.after.iter().any(|before| *before >= place) {
            return Err(damaged(format!("step {place} is out of order")));
        }
        if step.typical > LONGEST {
            return Err(damaged(format!("step {place} takes {} s", step.typical)));
        }
    }
    Ok(saved)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::samples;

    fn saved(edit: impl FnOnce(String) -> String) -> Result<PlanFile, PlanFileError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.json");
        write(&path, Path::new("stacks"), &samples::plan(), BTreeMap::new()).unwrap();
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
    fn only_the_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.json");
        write(&path, Path::new(""), &samples::plan(), BTreeMap::new()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_no_plan_of_ours_is_refused() {
        assert!(matches!(saved(|_| "stack: notes".into()), Err(PlanFileError::Foreign(_))));
        assert!(matches!(saved(|_| "{}".into()), Err(PlanFileError::Foreign(_))));
        let other = saved(|text| text.replace("\"version\": 1", "\"version\": 9")).unwrap_err();
        assert!(other.to_string().contains("version 9"), "{other}");
        let cut = saved(|text| text.replace("\"fingerprint\"", "\"finger\"")).unwrap_err();
        assert!(matches!(cut, PlanFileError::Damaged { .. }), "{cut}");
    }

    #[test]
    fn steps_that_wait_for_later_ones_are_refused() {
        let edited = saved(|text| text.replacen("\"after\": []", "\"after\": [7]", 1)).unwrap_err();
        assert!(edited.to_string().contains("out of order"), "{edited}");
    }

    #[test]
    fn a_step_that_takes_longer_than_any_is_refused() {
        let longer = format!("\"typical\": {}", u32::MAX);
        let edited = saved(|text| text.replacen("\"typical\": 540", &longer, 1)).unwrap_err();
        assert!(edited.to_string().contains("takes 4294967295"), "{edited}");
    }
}
