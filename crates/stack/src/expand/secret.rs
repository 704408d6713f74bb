//! A secret becomes itself.

use deployer_kinds::{Secret, SecretSpec};

use crate::draft::{Draft, Origin};
use crate::sections::Sections;

pub(super) fn expand(draft: &mut Draft, sections: &Sections) {
    for (name, body) in &sections.secrets {
        let spec = SecretSpec {
            description: format!("secret {name}"),
            length: body.length.into(),
            characters: body.characters.into(),
            recovery_days: body.recovery.0.into(),
        };
        let fields = &[("length", "length"), ("recovery-days", "recovery")];
        draft.make::<Secret>(name, &spec, Origin::new(&["secrets", name], fields));
    }
}
