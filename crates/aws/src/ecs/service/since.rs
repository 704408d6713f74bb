//! What is different from the last release that came up.

use deployer_core::Cause;
use deployer_engine::{Result, Rollout as Recorded, RolloutState, Version};
use deployer_kinds::{ReleaseChange, release_changes};
use serde_json::Value;

use crate::Aws;
use crate::ecs::task_definition::versions;

/// How many differences are shown.
const SHOWN: usize = 8;

/// What is different in a release from the last one that came up before it.
pub(super) struct Since {
    /// The number of that one.
    number: u32,
    changes: Vec<ReleaseChange>,
    is_same: bool,
    has_new_build: bool,
}

impl Since {
    /// Compares a revision with what came up before it, by rollouts, the newest first; none where nothing
    /// did, or where what did is forgotten.
    pub(super) async fn of(
        aws: &Aws,
        rollouts: &[Recorded],
        revision: &str,
    ) -> Result<Option<Self>> {
        let Some(good) = last_good(rollouts, revision) else { return Ok(None) };
        let (Some(before), Some(after)) =
            (version(aws, good).await?, version(aws, revision).await?)
        else {
            return Ok(None);
        };
        let mut changes = release_changes(&before.spec, &after.spec);
        // Mostly it is the image.
        changes.sort_by_key(|it| !is_image(it));
        let has_new_build = changes.iter().any(is_image) && is_built(&after.spec);
        let (number, is_same) = (before.number, good == revision);
        Ok(Some(Self { number, changes, is_same, has_new_build }))
    }

    /// Whether another image is among it, and one that was built for the service.
    pub(super) fn has_new_build(&self) -> bool {
        self.has_new_build
    }

    /// It in lines, with settings by their names.
    pub(super) fn lines(&self) -> Vec<String> {
        let Self { number, changes, is_same, .. } = self;
        if *is_same {
            return vec![format!("release {number} has come up before, with these settings")];
        }
        if changes.is_empty() {
            return vec![format!("its settings are those of release {number}, which came up")];
        }
        let mut lines = vec![format!("changed since release {number}, the last that came up:")];
        let shown = changes.iter().take(SHOWN);
        lines.extend(shown.map(|it| format!("  {}: {}", it.name, it.how)));
        let more = changes.len().saturating_sub(SHOWN);
        lines.extend((more > 0).then(|| format!("  and {more} more: `deployer history`")));
        lines
    }
}

fn is_image(change: &ReleaseChange) -> bool {
    change.name == "image" || change.name.ends_with(": image")
}

/// Whether a release runs an image by its digest, as it does what was built for it.
fn is_built(spec: &Value) -> bool {
    let mut containers = spec["containers"].as_object().into_iter().flatten();
    containers.any(|(_, it)| it["image"].as_str().is_some_and(|image| image.contains("@sha256:")))
}

/// What came up before the newest rollout of a revision.
fn last_good<'a>(rollouts: &'a [Recorded], revision: &str) -> Option<&'a str> {
    let runs = |rollout: &'a Recorded| rollout.to.as_ref()?.runs.as_deref();
    let own = rollouts.iter().position(|it| runs(it) == Some(revision));
    let before = &rollouts[own.map_or(0, |own| own + 1)..];
    before.iter().filter(|it| it.state == RolloutState::Succeeded).find_map(runs)
}

/// A revision; none where it is forgotten, or may not be looked at: it only helps to explain.
async fn version(aws: &Aws, revision: &str) -> Result<Option<Version>> {
    match versions::version(aws, revision).await {
        Err(failure) if failure.cause == Cause::Denied => Ok(None),
        version => version,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(changes: usize) -> Since {
        let change = |at| ReleaseChange { name: format!("V{at}"), how: "added".to_owned() };
        let changes = (0..changes).map(change).collect();
        Since { number: 3, changes, is_same: false, has_new_build: false }
    }

    #[test]
    fn a_few_differences_are_shown_and_the_others_counted() {
        assert_eq!(since(8).lines().len(), 9);
        let lines = since(11).lines();
        assert_eq!(lines.first().unwrap(), "changed since release 3, the last that came up:");
        assert_eq!(lines.last().unwrap(), "  and 3 more: `deployer history`");
        assert_eq!(since(0).lines(), ["its settings are those of release 3, which came up"]);
    }
}
