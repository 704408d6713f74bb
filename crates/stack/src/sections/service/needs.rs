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
    let image = match &body.image {
        // What it says may be an output, of a repository.
        ImageSource::Pulled(image) => match image.literal() {
            Some(image) if repository_of(image).is_none() => Need::ImageOfOthers,
            _ => Need::Image,
        },
        ImageSource::Built(_) => Need::Image,
    };
    let mut needs = vec![image, Need::Logs];
    let is_parameter = |source: &String| Arn::read(source).is_some_and(|arn| arn.service == "ssm");
    let hands_secrets = |target: &str| {
        let offer =
            uses::usable(all, target).and_then(|(section, name)| (section.offer)(all, name));
        offer.is_some_and(|offer| !offer.secrets.is_empty())
    };
    let are_secret = body.secrets.values().any(|source| !is_parameter(source))
        || body.uses.iter().any(|used| hands_secrets(&used.target));
    needs.extend(are_secret.then_some(Need::Secrets));
    needs.extend(body.secrets.values().any(is_parameter).then_some(Need::Parameters));
    needs.extend(body.execute_command.then_some(Need::Shell));
    needs
}
