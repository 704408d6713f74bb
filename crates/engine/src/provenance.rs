//! Where a release comes from.

use serde::{Deserialize, Serialize};

/// Who makes a release, of what and where. It is kept with what is made, for people, and compared
/// with nothing: another run makes no other release of the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Provenance {
    /// Who, by the cloud's identifier: an ARN on AWS.
    pub by: Option<String>,
    /// The commit that was checked out, with `-dirty` behind it where files differ from it.
    pub commit: Option<String>,
    /// Where the run can be looked at, such as the page of a CI job.
    pub run: Option<String>,
    /// The number of the earlier release that this one is again, where somebody has gone back.
    pub again: Option<u32>,
}
