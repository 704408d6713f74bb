//! The image of a service: one that is built here becomes a resource in a repository, one from
//! elsewhere a text.

use deployer_core::{Address, Code, Ref, Text};
use deployer_kinds::{self as kinds, Image, ImageSpec};

use super::body::Service;
use super::forms::{Build, Built, ImageSource};
use super::owner::Owner;
use crate::draft::{Draft, Origin};
use crate::section::Sections;
use crate::sections::repository;

/// What the container is pulled by.
pub(super) fn image(draft: &mut Draft, owner: Owner<'_>, body: &Service) -> Option<Text> {
    let built = match &body.image {
        ImageSource::Pulled(from) => return Some(from.clone()),
        ImageSource::Built(built) => built,
    };
    let name = owner.resource();
    let builder = builder(draft, &name).to_owned();
    let address = Address::new("image", &builder);
    if builder == name {
        make(draft, owner, body, built)?;
    }
    draft.images.insert(name, address.clone());
    Some(Text::output(address, "uri"))
}

/// Whether the image is made of nothing but one program and what such a program needs.
pub(super) fn is_packed(body: &Service) -> bool {
    matches!(&body.image, ImageSource::Built(Built { build: Build { cargo: Some(_), .. }, .. }))
}

/// Has a service build its own image where that of the one it is like is for another processor.
pub(super) fn part_ways(draft: &mut Draft, all: &Sections, owner: Owner<'_>, body: &Service) {
    let name = &owner.resource();
    let of = draft.images_of.get(name).and_then(|builder| all.get::<Service>(builder));
    if of.is_some_and(|of| of.architecture != body.architecture) {
        draft.images_of.remove(name);
    }
}

/// The repository that an image is in, if it is built here.
pub(super) fn repository(draft: &Draft, owner: Owner<'_>, body: &Service) -> Option<String> {
    match &body.image {
        ImageSource::Pulled(_) => None,
        ImageSource::Built(built) => {
            let own = || builder(draft, &owner.resource()).to_owned();
            Some(built.repository.clone().unwrap_or_else(own))
        }
    }
}

/// The service whose image one runs: its own, unless it is like another and does not say which.
fn builder<'a>(draft: &'a Draft, name: &'a str) -> &'a str {
    draft.images_of.get(name).map_or(name, String::as_str)
}

fn make(draft: &mut Draft, owner: Owner<'_>, body: &Service, built: &Built) -> Option<()> {
    let (path, name) = (owner.path(&["image"]), &owner.resource());
    let way = way(draft, &path, &built.build)?;
    let repository = built.repository.as_deref().unwrap_or(name);
    let is_declared =
        draft.declared.get("repositories").is_some_and(|names| names.contains(repository));
    if built.repository.is_none() && !is_declared {
        repository::make_own(draft, name, &path);
    } else if !draft.must_have("repositories", repository, &[&path[..], &["repository"]].concat()) {
        return None;
    }
    let written = match &way {
        kinds::Build::Cargo(_) => "build.cargo",
        kinds::Build::Dockerfile(_) => "build.dockerfile",
        kinds::Build::Archive(_) => "build.archive",
    };
    let spec = ImageSpec {
        repository: Ref::named(repository),
        build: way.into(),
        architecture: body.architecture.into(),
        command: Vec::new().into(),
        health_command: body.health_command.clone().into(),
        digest: None,
    };
    draft.make::<Image>(name, &spec, Origin::new(&path, &[("build", written)]));
    Some(())
}

/// The one way that is written.
fn way(draft: &mut Draft, path: &[&str], written: &Build) -> Option<kinds::Build> {
    let Build { cargo, dockerfile, archive, .. } = written.clone();
    let ways = [
        cargo.map(kinds::Build::Cargo),
        dockerfile.map(kinds::Build::Dockerfile),
        archive.map(kinds::Build::Archive),
    ];
    let mut ways = ways.into_iter().flatten();
    let place: Vec<&str> = path.iter().copied().chain(["build"]).collect();
    match (ways.next(), ways.next()) {
        (Some(way), None) => return Some(way),
        (None, _) => draft.key_error(
            Code::ImageSource,
            "nothing says what the image is built from",
            &place,
            "",
            "write `cargo: .`, `dockerfile: Dockerfile` or `archive: image.tar`",
        ),
        _ => draft.key_error(
            Code::ImageSource,
            "an image is built in one way",
            &place,
            "",
            "keep one of `cargo`, `dockerfile` and `archive`",
        ),
    }
    None
}
