//! What tasks need of AWS to start and to run.

use deployer_core::repository_of;

use super::body::Service;
use super::forms::{ImageSource, Private};
use super::owner::Owner;
use super::{secrets, users};
use crate::section::{Section, Sections};
use crate::sections::job::Job;
use crate::sections::queue::Queue;

/// Something that tasks need of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sections) enum Need {
    /// An image in ECR.
    Image,
    /// An image elsewhere, which AWS does not have.
    ImageOfOthers,
    /// A place for logs.
    Logs,
    /// Secrets of Secrets Manager.
    Secrets,
    /// Parameters of Systems Manager.
    Parameters,
    /// A key of KMS.
    Key,
    /// A way in for a shell.
    Shell,
    /// A queue of SQS.
    Queue,
}

/// What each service and each job needs.
pub(in crate::sections) fn needs(all: &Sections) -> impl Iterator<Item = (Owner<'_>, Need)> {
    let services = all.of::<Service>().map(|(name, body)| (Owner::service(name), body.clone()));
    let jobs = all.of::<Job>().map(|(name, job)| (Owner::job(name), job.tasks()));
    let owners = services.chain(jobs);
    owners.flat_map(|(owner, body)| of(all, &body).into_iter().map(move |it| (owner, it)))
}

fn of(all: &Sections, body: &Service) -> Vec<Need> {
    let images = body.sidecars.values().map(|sidecar| &sidecar.image);
    let mut needs: Vec<Need> = [&body.image].into_iter().chain(images).filter_map(image).collect();
    needs.extend(body.logs.are_kept().then_some(Need::Logs));
    let offered = body.uses.iter().filter_map(|used| {
        let (section, name) = users::usable(all, &used.target)?;
        let offer = (section.offer)(all, name)?;
        (!offer.secrets.is_empty()).then_some(offer.readable)
    });
    let of_sidecars = body.sidecars.values().flat_map(|sidecar| sidecar.secrets.values());
    let written = body.secrets.values().chain(of_sidecars).chain(body.logs.secret_options.values());
    let sidecars = body.sidecars.values().map(|sidecar| &sidecar.image);
    let registries = [&body.image].into_iter().chain(sidecars).filter_map(ImageSource::credentials);
    let written = written.map(String::as_str).chain(registries);
    let written = written.map(|source| secrets::readable(all, source));
    for readable in offered.chain(written).flatten() {
        let kept = if readable.is_parameter() { Need::Parameters } else { Need::Secrets };
        needs.push(kept);
        needs.extend(readable.key.is_some().then_some(Need::Key));
    }
    let mut paths = body.sidecars.values().map(|sidecar| &sidecar.secrets_from);
    let has_paths = !body.secrets_from.is_empty() || paths.any(|paths| !paths.is_empty());
    needs.extend(has_paths.then_some(Need::Parameters));
    needs.extend(body.execute_command.then_some(Need::Shell));
    let used = body.uses.iter().filter_map(|used| users::usable(all, &used.target));
    needs.extend(used.filter(|(section, _)| section.key == Queue::KEY).map(|_| Need::Queue));
    needs
}

/// What a container needs for its image; what another service's needs, that service does.
fn image(source: &ImageSource) -> Option<Need> {
    match source {
        // What it says may be an output, of a repository.
        ImageSource::Pulled(image) | ImageSource::Private(Private { name: image, .. }) => {
            Some(match image.literal() {
                Some(image) if repository_of(image).is_none() => Need::ImageOfOthers,
                _ => Need::Image,
            })
        }
        ImageSource::Built(_) => Some(Need::Image),
        ImageSource::Of(_) => None,
    }
}
