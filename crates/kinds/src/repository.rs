//! An ECR repository: where images are kept.

use deployer_core::{Change, Impact, Kind, Naming, Notice, Opaque, is_unread};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An ECR repository.
pub struct Repository;

impl Kind for Repository {
    const NAME: &'static str = "repository";
    const CHANGES: &'static [(&'static str, Change)] = &[
        ("immutable", Change::InPlace(Impact::None)),
        ("scan-on-push", Change::InPlace(Impact::None)),
        ("keep", Change::InPlace(Impact::None)),
        ("force-delete", Change::InPlace(Impact::None)),
    ];
    const NAMING: Option<Naming> = Some(Naming::hyphens(256));
    const GENTLEST: &'static [(&'static str, &'static str)] = &[("force-delete", "false")];
    const DELETION: Impact = Impact::DataLoss;
    const REFUSED_WHILE_USED: bool = true;
    type Spec = RepositorySpec;
    type Output = RepositoryOutput;

    fn stays(live: &RepositorySpec) -> Option<&'static str> {
        let goes = live.force_delete == true.into();
        (!goes).then_some("it holds images; with `force-delete: true` they go too")
    }

    fn notices(live: &RepositorySpec, wanted: &RepositorySpec) -> Vec<Notice> {
        let kept = |keep: &Opaque<u32>| match keep.known() {
            Some(0) | None => u32::MAX,
            Some(keep) => *keep,
        };
        let (was, will) = (kept(&live.keep), kept(&wanted.keep));
        if will >= was {
            return Vec::new();
        }
        let because = format!("with the next release those beyond the newest {will} are deleted");
        vec![Notice::new(Impact::DataLoss, because)]
    }

    /// A tag that is gone is written again.
    fn change(field: &str, live: &Value, _wanted: &Value) -> Option<Change> {
        let is_lost = field == "force-delete" && is_unread(live);
        is_lost.then_some(Change::InPlace(Impact::None))
    }
}

/// What we want of a repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RepositorySpec {
    /// Whether a tag, once pushed, stays with its image.
    #[serde(default = "immutable")]
    pub immutable: Opaque<bool>,
    /// Whether images are scanned for known vulnerabilities when pushed.
    #[serde(default = "yes")]
    pub scan_on_push: Opaque<bool>,
    /// How many releases of each image are kept, the newest; all of them when 0. What runs in the
    /// environment, or ran before that, is kept as well.
    #[serde(default)]
    pub keep: Opaque<u32>,
    /// Whether deleting the repository deletes the images in it; otherwise a repository that holds
    /// images is left as it is.
    #[serde(default)]
    pub force_delete: Opaque<bool>,
}

/// What AWS returns for a repository.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryOutput {
    /// The name.
    pub id: String,
    /// The ARN.
    pub arn: String,
    /// What images are pulled from, without tag or digest.
    pub uri: String,
}

fn immutable() -> Opaque<bool> {
    true.into()
}

fn yes() -> Opaque<bool> {
    true.into()
}
