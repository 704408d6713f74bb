//! Finds out what is there and ours.

use deployer_core::{Cause, Failure, Scope, Snapshot};
use futures_util::future::join_all;

use crate::cloud::Sighted;
use crate::retry::insist;
use crate::{Cloud, Look, Registry, Sightings, Survey};

/// Scans every kind at once for what the stack's environment owns.
///
/// # Errors
/// Every scan that failed. What fails all of them alike, such as missing credentials, is told
/// once.
pub async fn observe<C: Cloud>(
    registry: &Registry<C>,
    cloud: &C,
    scope: &Scope,
    account: &str,
    region: &str,
    look: Look,
) -> std::result::Result<Snapshot, Vec<Failure>> {
    let shared = C::Shared::default();
    let sightings = Sightings::default();
    let survey =
        Survey { cloud, scope, shared: &shared, sightings: &sightings, look, adoption: None };
    let scans = registry.drivers().map(|driver| insist(|| driver.scan(&survey)));
    let (mut lives, mut failures) = (Vec::new(), Vec::new());
    for result in join_all(scans).await {
        match result {
            Ok(found) => lives.extend(found),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() {
        let (account, region) = (account.to_owned(), region.to_owned());
        let Sighted { strays, origins } = sightings.into_inner();
        let (scope, kinds) = (scope.clone(), registry.kinds());
        Ok(Snapshot::new(scope, account, region, lives, strays, &kinds).made_from(origins))
    } else {
        Err(collapse(failures))
    }
}

/// Keeps one failure of those that say the same of every kind, and each of the others.
fn collapse(failures: Vec<Failure>) -> Vec<Failure> {
    let mut kept: Vec<Failure> = Vec::new();
    for failure in failures {
        let is_repeated = kept.iter().any(|other| {
            other == &failure || (other.cause == failure.cause && is_of_all(failure.cause))
        });
        if !is_repeated {
            kept.push(failure);
        }
    }
    kept
}

/// Whether a cause lies in the connection or the account rather than in one kind.
fn is_of_all(cause: Cause) -> bool {
    matches!(cause, Cause::Credentials | Cause::Unreachable | Cause::Throttled | Cause::Ambiguous)
}
