//! The `repositories` section.

use deployer_kinds::{self as kinds, RepositorySpec};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::draft::{Draft, Origin};
use crate::later::NotYet;
use crate::node::Node;
use crate::section::{Output, Section, Sections, yes};

/// A repository of container images.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Repository {
    /// How many releases of each image are kept, the newest; all of them when 0. What runs in the
    /// environment, or ran before that, is kept as well.
    #[serde(default = "keep")]
    pub(crate) keep: u32,
    /// Whether images are scanned for known vulnerabilities when they are pushed.
    #[serde(default)]
    pub(crate) scan: Scan,
    /// Whether a tag, once pushed, stays with its image.
    #[serde(default = "yes")]
    pub(crate) immutable: bool,
    /// Whether deleting the repository deletes the images in it.
    #[serde(default)]
    pub(crate) force_delete: bool,
    /// Other regions that images are copied to.
    pub(crate) copy_to: Option<NotYet>,
}

/// When images are scanned for known vulnerabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scan {
    /// When they are pushed.
    #[default]
    OnPush,
    /// Never.
    None,
}

/// Makes the repository that a service has of its own. What is in it was built from this stack, so
/// it goes with it.
pub(super) fn make_own(draft: &mut Draft, name: &str, body: &[&str]) {
    let spec = RepositorySpec {
        immutable: true.into(),
        scan_on_push: true.into(),
        keep: keep().into(),
        force_delete: true.into(),
    };
    draft.make::<kinds::Repository>(name, &spec, Origin::new(body, &[]));
}

impl Section for Repository {
    const KEY: &'static str = "repositories";
    const ABOUT: &'static str = "Repositories of container images, by name.";

    fn expand(&self, name: &str, _all: &Sections, draft: &mut Draft) {
        let spec = RepositorySpec {
            immutable: self.immutable.into(),
            scan_on_push: (self.scan == Scan::OnPush).into(),
            keep: self.keep.into(),
            force_delete: self.force_delete.into(),
        };
        let fields = &[("keep", "keep"), ("immutable", "immutable")];
        draft.make::<kinds::Repository>(name, &spec, Origin::new(&[Self::KEY, name], fields));
    }

    fn outputs(name: &str, _body: &Node) -> Vec<Output> {
        vec![
            Output::of("uri", "repository", name, "uri").printed(),
            Output::of("arn", "repository", name, "arn"),
        ]
    }
}

fn keep() -> u32 {
    20
}
