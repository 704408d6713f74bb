//! Finds out what is there and ours.

use deployer_core::{Cause, Failure, Live, Scope, Snapshot};
use futures_util::future::join_all;

use crate::driver::Driver;
use crate::retry::bounded;
use crate::{Cloud, Registry, Result, Strays, Survey};

/// How often a scan is made again. Scans change nothing, so there is nothing to lose by it but
/// the time of someone who waits for a plan.
const RETRIES: u32 = 4;

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
) -> std::result::Result<Snapshot, Vec<Failure>> {
    let shared = C::Shared::default();
    let strays = Strays::default();
    let survey = Survey { cloud, scope, shared: &shared, strays: &strays, adoption: None };
    let scans = registry.iter().map(|(kind, driver)| scan(kind, &**driver, &survey));
    let (mut lives, mut failures) = (Vec::new(), Vec::new());
    for result in join_all(scans).await {
        match result {
            Ok(found) => lives.extend(found),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() {
        let (account, region) = (account.to_owned(), region.to_owned());
        let (strays, kinds) = (strays.into_inner(), registry.kinds());
        Ok(Snapshot::new(scope.clone(), account, region, lives, strays, &kinds))
    } else {
        Err(collapse(failures))
    }
}

/// Scans one kind, again if the failure is one that passes.
pub(crate) async fn scan<C: Cloud>(
    kind: &str,
    driver: &dyn Driver<C>,
    survey: &Survey<'_, C>,
) -> Result<Vec<Live>> {
    let mut tries = 0;
    loop {
        let failure = match driver.scan(survey).await {
            Ok(lives) => return Ok(lives),
            Err(failure) => failure,
        };
        let passes = matches!(failure.cause, Cause::Throttled | Cause::Ambiguous | Cause::NotYet);
        let Some(pause) = bounded(&mut tries, RETRIES).filter(|_| passes) else {
            return Err(failure);
        };
        tracing::debug!(kind, ?pause, %failure, "will scan again");
        tokio::time::sleep(pause).await;
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
