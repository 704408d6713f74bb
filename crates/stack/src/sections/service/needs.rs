//! What tasks need of AWS to start and to run.

use deployer_core::{Arn, repository_of};

use super::body::Service;
use super::forms::ImageSource;
use super::owner::Owner;
use super::uses;
use crate::section::Sections;
use crate::sections::job::Job;

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
    /// A way in for a shell.
    Shell,
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
    let is_parameter = |source: &&String| Arn::read(source).is_some_and(|arn| arn.service == "ssm");
    let hands_secrets = |target: &str| {
        let offer =
            uses::usable(all, target).and_then(|(section, name)| (section.offer)(all, name));
        offer.is_some_and(|offer| !offer.secrets.is_empty())
    };
    let of_sidecars = body.sidecars.values().flat_map(|sidecar| sidecar.secrets.values());
    let (parameters, secrets): (Vec<&String>, Vec<&String>) =
        body.secrets.values().chain(of_sidecars).partition(is_parameter);
    let are_secret =
        !secrets.is_empty() || body.uses.iter().any(|used| hands_secrets(&used.target));
    needs.extend(are_secret.then_some(Need::Secrets));
    needs.extend((!parameters.is_empty()).then_some(Need::Parameters));
    needs.extend(body.execute_command.then_some(Need::Shell));
    needs
}

/// What a container needs for its image; what another service's needs, that service does.
fn image(source: &ImageSource) -> Option<Need> {
    match source {
        // What it says may be an output, of a repository.
        ImageSource::Pulled(image) => Some(match image.literal() {
            Some(image) if repository_of(image).is_none() => Need::ImageOfOthers,
            _ => Need::Image,
        }),
        ImageSource::Built(_) => Some(Need::Image),
        ImageSource::Of(_) => None,
    }
}
