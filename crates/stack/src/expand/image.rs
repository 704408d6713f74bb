//! The image of a service: one that is built here becomes a resource, one from elsewhere a text.

use deployer_core::{Address, Ref, Text};
use deployer_kinds::{Image, ImageSpec};

use crate::draft::{Draft, Origin};
use crate::sections;

/// What the container is pulled by.
pub(super) fn image(draft: &mut Draft, name: &str, body: &sections::Service) -> Option<Text> {
    let path = ["services", name, "image"];
    let mut wrong = |title: &str, help: &str| {
        let title = format!("the image of `{name}` {title}");
        draft.key_error("image-source", title, &path, "", help);
        None
    };
    let source = &body.image;
    let (repository, build) = match (&source.repository, &source.build, &source.from) {
        (None, None, Some(from)) => return Some(from.clone()),
        (Some(repository), Some(build), None) => (repository, build),
        (Some(_), None, None) => {
            return wrong(
                "has nothing to be built from",
                "add `build: { cargo: . }` or another build",
            );
        }
        (None, Some(_), None) => {
            return wrong(
                "has no repository to be kept in",
                "add `repository:` with the name of one",
            );
        }
        (None, None, None) => {
            return wrong("comes from nowhere", "write `from:`, or `repository:` and `build:`");
        }
        _ => return wrong("comes from two places", "keep `from:`, or `repository:` and `build:`"),
    };
    let known =
        draft.must_have("repositories", repository, &["services", name, "image", "repository"]);
    let spec = ImageSpec {
        repository: Ref::named(repository),
        build: build.clone().into(),
        architecture: body.architecture.into(),
        command: Vec::new().into(),
        health_command: body.health_command.clone().into(),
        digest: None,
    };
    let address = Address::new("image", name);
    if known {
        draft.make::<Image>(name, &spec, Origin::new(&path, &[]));
        draft.images.insert(name.to_owned(), address.clone());
    }
    Some(Text::output(address, "uri"))
}
