//! The image of a service or of a sidecar: one that is built here becomes a resource in a
//! repository, one from elsewhere a text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use deployer_core::{Address, Code, Ref, Text};
use deployer_kinds::{self as kinds, Architecture, Image, ImageSpec};

use super::body::Service;
use super::containers::Sidecar;
use super::forms::{Build, Built, ImageSource, Of};
use super::owner::Owner;
use super::secrets;
use crate::draft::{Draft, Origin};
use crate::section::{Section, Sections};
use crate::sections::job::Job;
use crate::sections::repository;
use crate::stored::Readable;

/// More than anybody's image is another's, one after another.
const LONGEST: usize = 64;

/// What a container is pulled by.
pub(super) struct Pull {
    pub(super) image: Text,
    /// The secret that its registry asks for.
    pub(super) credentials: Option<Text>,
    /// The same, as what must be readable.
    pub(super) readable: Vec<Readable>,
}

/// What the container is pulled by.
pub(super) fn image(
    draft: &mut Draft,
    all: &Sections,
    owner: Owner<'_>,
    body: &Service,
) -> Option<Pull> {
    let name = owner.resource();
    let built = match &body.image {
        ImageSource::Pulled(_) | ImageSource::Private(_) => {
            return Some(pulled(draft, all, &body.image, &owner.path(&["image", "credentials"])));
        }
        ImageSource::Of(of) => {
            let at = owner.path(&["image", "of"]);
            return of_another(draft, all, body, of, &at).map(|whose| {
                if let Whose::Built(address) = &whose {
                    draft.images.entry(name).or_default().insert(address.clone());
                }
                whose.pull()
            });
        }
        ImageSource::Built(built) => built,
    };
    let builder = builder(draft, all, &name).to_owned();
    let address = Address::new("image", &builder);
    if builder == name {
        make(draft, &owner.path(&["image"]), (&name, body), &body.health_command, built)?;
    }
    draft.images.entry(name).or_default().insert(address.clone());
    Some(Whose::Built(address).pull())
}

/// What a sidecar of a service is pulled by.
pub(super) fn of_sidecar(
    draft: &mut Draft,
    all: &Sections,
    owner: Owner<'_>,
    body: &Service,
    (name, sidecar): (&str, &Sidecar),
) -> Option<Pull> {
    let path = owner.path(&["sidecars", name, "image"]);
    let at = |key: &'static str| [&path[..], &[key]].concat();
    let built = match &sidecar.image {
        source @ (ImageSource::Pulled(_) | ImageSource::Private(_)) => {
            return Some(pulled(draft, all, source, &at("credentials")));
        }
        ImageSource::Of(of) => {
            return of_another(draft, all, body, of, &at("of")).map(Whose::pull);
        }
        ImageSource::Built(built) => built,
    };
    let resource = owner.resource();
    let builder = builder_beside(draft, all, &resource, (name, sidecar));
    let address = Address::new("image", &builder);
    if builder == beside(&resource, name) {
        make(draft, &path, (&builder, body), &sidecar.health_command, built)?;
    }
    draft.images.entry(resource).or_default().insert(address.clone());
    Some(Whose::Built(address).pull())
}

/// What the image of a sidecar's own is called.
fn beside(resource: &str, sidecar: &str) -> String {
    format!("{resource}-{sidecar}")
}

/// What the image of a sidecar is called: that of the service that its own is like, where that has
/// the same one.
fn builder_beside(
    draft: &Draft,
    all: &Sections,
    resource: &str,
    (name, sidecar): (&str, &Sidecar),
) -> String {
    let other = builder(draft, all, resource);
    let theirs = all.get::<Service>(other).and_then(|body| body.sidecars.get(name));
    let image = |sidecar: &Sidecar| serde_json::to_value(&sidecar.image).ok();
    let is_same = theirs.is_some_and(|theirs| {
        (image(theirs), &theirs.health_command) == (image(sidecar), &sidecar.health_command)
    });
    beside(if is_same { other } else { resource }, name)
}

/// How an image is pulled that comes from elsewhere. Reports, at a path, credentials that are none.
fn pulled(draft: &mut Draft, all: &Sections, source: &ImageSource, path: &[&str]) -> Pull {
    let pull = unchecked(all, source);
    if pull.credentials.is_none()
        && let Some(written) = source.credentials()
    {
        draft.error(
            Code::BadUse,
            format!("`{written}` holds no credentials of a registry"),
            path,
            "expected a secret that exists, with `username` and `password` in JSON",
            "write its ARN, or `secrets/…` with `existing:` there",
        );
    }
    pull
}

/// The same, where what is wrong is reported elsewhere.
fn unchecked(all: &Sections, source: &ImageSource) -> Pull {
    let image = source.pulled().cloned().unwrap_or_else(|| Text::from(""));
    let secret = source.credentials().and_then(|written| secrets::stored(all, written));
    let secret =
        secret.and_then(|(stored, readable)| Some((stored.secret()?.to_owned(), readable)));
    let (credentials, readable) = secret.unzip();
    Pull { image, credentials: credentials.map(Text::from), readable: readable.unwrap_or_default() }
}

/// Where the image of a service comes from in the end.
enum Whose {
    /// It is pulled.
    Pulled(Pull),
    /// It is built here.
    Built(Address),
}

impl Whose {
    fn pull(self) -> Pull {
        match self {
            Self::Pulled(pull) => pull,
            Self::Built(address) => Pull {
                image: Text::output(address, "uri"),
                credentials: None,
                readable: Vec::new(),
            },
        }
    }
}

/// The image of the service that is named at a path, for tasks of another.
fn of_another(
    draft: &mut Draft,
    all: &Sections,
    body: &Service,
    of: &Of,
    path: &[&str],
) -> Option<Whose> {
    if !draft.must_have(Service::KEY, &of.of, path) {
        return None;
    }
    let Some((whose, source)) = source(draft, all, &of.of) else {
        draft.error(
            Code::Cycle,
            format!("the image of `{}` is its own", of.of),
            path,
            "leads back to where it began",
            "let one of them say what image it is",
        );
        return None;
    };
    let other = all.get::<Service>(whose)?;
    if matches!(source, ImageSource::Built(_)) && other.architecture != body.architecture {
        let architecture = match other.architecture {
            Architecture::X86_64 => "x86-64",
            Architecture::Arm64 => "arm64",
        };
        draft.error(
            Code::ImageSource,
            format!("the image of `{}` is for another processor", of.of),
            path,
            format!("it is built for {architecture}"),
            format!("write `architecture: {architecture}` for these tasks as well"),
        );
        return None;
    }
    Some(match source {
        ImageSource::Built(_) => Whose::Built(Address::new("image", builder(draft, all, whose))),
        _ => Whose::Pulled(unchecked(all, source)),
    })
}

/// The service that says where the image of one comes from, and where; nothing where that leads
/// around.
fn source<'a>(
    draft: &'a Draft,
    all: &'a Sections,
    name: &'a str,
) -> Option<(&'a str, &'a ImageSource)> {
    let mut name = name;
    for _ in 0..LONGEST {
        name = builder(draft, all, name);
        match written(all, name)?.0 {
            ImageSource::Of(Of { of }) => name = of,
            source => return Some((name, source)),
        }
    }
    None
}

/// Where the images come from that tasks run: their own and those of their sidecars.
pub(super) fn sources<'a>(
    draft: &'a Draft,
    all: &'a Sections,
    name: &'a str,
    body: &'a Service,
) -> impl Iterator<Item = (Cow<'a, str>, &'a ImageSource)> {
    let beside = body.sidecars.iter().map(move |it| {
        let sidecar = (it.0.as_str(), it.1);
        (Cow::Owned(builder_beside(draft, all, name, sidecar)), &it.1.image)
    });
    let own = (Cow::Borrowed(name), &body.image);
    [own].into_iter().chain(beside).filter_map(move |(name, written)| match written {
        ImageSource::Of(Of { of }) => {
            source(draft, all, of).map(|(name, source)| (Cow::Borrowed(name), source))
        }
        written => Some((name, written)),
    })
}

/// Whether the image of a service is made of nothing but one program and what such a program needs.
pub(super) fn is_packed(draft: &Draft, all: &Sections, name: &str) -> bool {
    let source = source(draft, all, name).map(|(_, source)| source);
    matches!(source, Some(ImageSource::Built(Built { build: Build { cargo: Some(_), .. }, .. })))
}

/// The repository that an image of this name is in, if it is built here.
pub(super) fn repository(
    draft: &Draft,
    all: &Sections,
    name: &str,
    source: &ImageSource,
) -> Option<String> {
    match source {
        ImageSource::Pulled(_) | ImageSource::Private(_) | ImageSource::Of(_) => None,
        ImageSource::Built(built) => {
            let own = || builder(draft, all, name).to_owned();
            Some(built.repository.clone().unwrap_or_else(own))
        }
    }
}

/// What is written of the image of a service or a job, by what its resources are called, and the
/// processor that it is for.
fn written<'a>(all: &'a Sections, name: &str) -> Option<(&'a ImageSource, Architecture)> {
    let of_service = all.get::<Service>(name).map(|body| (&body.image, body.architecture));
    let job = || all.get::<Job>(name.strip_prefix("job-")?);
    of_service.or_else(|| job().map(|job| (&job.image, job.architecture)))
}

/// The service or job whose image one runs: its own, unless it is like another, does not say which, and is
/// for the same processor.
fn builder<'a>(draft: &'a Draft, all: &Sections, name: &'a str) -> &'a str {
    let other = draft.images_of.get(name).map_or(name, String::as_str);
    let architecture = |name| written(all, name).map(|(_, architecture)| architecture);
    if architecture(other) == architecture(name) { other } else { name }
}

/// Makes the image of a name, and the repository that it is kept in. `path` is where it is written.
fn make(
    draft: &mut Draft,
    path: &[&str],
    (name, body): (&str, &Service),
    health_command: &[String],
    built: &Built,
) -> Option<()> {
    let way = way(draft, path, &built.build)?;
    let repository = built.repository.as_deref().unwrap_or(name);
    let is_declared =
        draft.declared.get("repositories").is_some_and(|names| names.contains(repository));
    if built.repository.is_none() && !is_declared {
        repository::make_own(draft, name, path);
    } else if !draft.must_have("repositories", repository, &[path, &["repository"]].concat()) {
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
        health_command: health_command.to_vec().into(),
        digest: None,
    };
    let fields = [
        ("build", written),
        ("build.dockerfile.args", "build.args"),
        ("build.dockerfile.target", "build.target"),
        ("build.dockerfile.cache", "build.cache"),
    ];
    let mut origin = Origin::new(path, &fields);
    for argument in built.build.args.iter().flat_map(BTreeMap::keys) {
        let place = ["build", "args", argument].map(str::to_owned).to_vec();
        origin.fields.push((format!("build.dockerfile.args.{argument}"), place));
    }
    draft.make::<Image>(name, &spec, origin);
    Some(())
}

/// The one way that is written.
fn way(draft: &mut Draft, path: &[&str], written: &Build) -> Option<kinds::Build> {
    let place: Vec<&str> = path.iter().copied().chain(["build"]).collect();
    let Build { cargo, dockerfile, archive, context, target, args, cache } = written.clone();
    let of_dockerfile = [
        ("context", context.is_some()),
        ("target", target.is_some()),
        ("args", args.is_some()),
        ("cache", cache.is_some()),
    ];
    let others = of_dockerfile.into_iter().filter(|(_, is_written)| *is_written);
    if dockerfile.is_none()
        && (cargo.is_some() || archive.is_some())
        && let Some((key, _)) = others.min_by_key(|(key, _)| *key)
    {
        draft.key_error(
            Code::ImageSource,
            format!("`{key}` is of a Dockerfile, and there is none"),
            &[&place[..], &[key]].concat(),
            "",
            format!("remove `{key}`, or write `dockerfile: Dockerfile` as the way"),
        );
        return None;
    }
    let args = args.unwrap_or_default();
    let of_file = |file| kinds::Dockerfile { file, context, target, args, cache };
    let ways = [
        cargo.map(kinds::Build::Cargo),
        dockerfile.map(|file| kinds::Build::Dockerfile(of_file(file))),
        archive.map(kinds::Build::Archive),
    ];
    let mut ways = ways.into_iter().flatten();
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
