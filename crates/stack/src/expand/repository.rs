//! A repository becomes itself.

use deployer_kinds::{Repository, RepositorySpec};

use crate::draft::{Draft, Origin};
use crate::sections::{Scan, Sections};

pub(super) fn expand(draft: &mut Draft, sections: &Sections) {
    for (name, body) in &sections.repositories {
        let spec = RepositorySpec {
            immutable: body.immutable.into(),
            scan_on_push: body.scan == Scan::OnPush,
            keep: body.keep.into(),
            force_delete: body.force_delete.into(),
        };
        let fields = &[("keep", "keep"), ("immutable", "immutable")];
        draft.make::<Repository>(name, &spec, Origin::new(&["repositories", name], fields));
    }
}
