//! Where the releases of a run come from: the commit that is checked out, and the run of a CI system.

use std::collections::BTreeMap;
use std::path::Path;

use deployer_engine::Provenance;

use crate::holder;
use crate::origin;

/// Where CI systems say which commit they have checked out, as their documentation has it: GitHub,
/// GitLab, Buildkite, `CircleCI`, Jenkins, `CodeBuild`.
const COMMITS: [&str; 6] = [
    "GITHUB_SHA",
    "CI_COMMIT_SHA",
    "BUILDKITE_COMMIT",
    "CIRCLE_SHA1",
    "GIT_COMMIT",
    "CODEBUILD_RESOLVED_SOURCE_VERSION",
];

/// Where releases come from that are made in this folder, with this environment of a process. What
/// git says goes first: only that knows whether files have changed since.
pub(crate) fn of(folder: &Path, environment: &BTreeMap<String, String>) -> Provenance {
    let known = |name| environment.get(name).filter(|value| !value.is_empty()).cloned();
    let said = || COMMITS.into_iter().find_map(known);
    Provenance { commit: origin::commit(folder).or_else(said), ..of_run(environment) }
}

/// Where releases come from that are earlier ones again: whatever is checked out is not in them.
pub(crate) fn of_run(environment: &BTreeMap<String, String>) -> Provenance {
    Provenance { run: holder::run(environment), ..Provenance::default() }
}
