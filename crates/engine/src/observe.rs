//! Finds out what is there and ours.

use std::collections::BTreeSet;

use deployer_core::{Cause, Deeds, Failure, Scope, Snapshot, Stack};
use futures_util::future::join_all;

use crate::retry::insist;
use crate::{Cloud, Look, Registry, Survey};

/// What is looked at, and how closely.
#[derive(Clone, Copy, Debug)]
pub enum Scan<'a> {
    /// The kinds that a stack declares and those that the environment has ever had. A kind that
    /// nobody uses costs no call.
    For(&'a Stack),
    /// The kinds that the environment has ever had.
    Known,
    /// All kinds.
    All(Look),
}

/// Scans for what the stack's environment owns, all kinds at once.
///
/// # Errors
/// Every scan that failed. What fails all of them alike, such as missing credentials, is reported
/// once.
pub async fn observe<C: Cloud>(
    registry: &Registry<C>,
    cloud: &C,
    scope: &Scope,
    (account, region): (&str, &str),
    scan: Scan<'_>,
    deeds: &Deeds,
) -> std::result::Result<Snapshot, Vec<Failure>> {
    let shared = C::Shared::default();
    let (kinds, look) = sought(scan, deeds);
    let place = (account, region);
    let (shared, is_by_record) = (&shared, !matches!(scan, Scan::All(_)));
    let survey = Survey { cloud, scope, shared, deeds, place, look, is_by_record };
    let drivers = registry
        .drivers()
        .filter(|driver| kinds.as_ref().is_none_or(|kinds| kinds.contains(driver.info().name)));
    let scans = drivers.map(|driver| insist(|| driver.scan(&survey)));
    let (mut seen, mut failures) = (Vec::new(), Vec::new());
    for result in join_all(scans).await {
        match result {
            Ok(found) => seen.extend(found),
            Err(failure) => failures.push(failure),
        }
    }
    if failures.is_empty() {
        let (account, region) = (account.to_owned(), region.to_owned());
        Ok(Snapshot::new(scope.clone(), account, region, seen, deeds, &registry.kinds()))
    } else {
        Err(collapse(failures))
    }
}

/// The kinds to look at; all when there are none. Where the record is lost, nobody knows which
/// there may be.
fn sought<'a>(scan: Scan<'a>, deeds: &'a Deeds) -> (Option<BTreeSet<&'a str>>, Look) {
    let known = || deeds.record.kinds().iter().map(String::as_str);
    match scan {
        Scan::All(look) => (None, look),
        Scan::For(_) | Scan::Known if !deeds.record.is_whole() => (None, Look::Quick),
        Scan::For(stack) => {
            let declared = stack.resources.keys().map(|address| address.kind.as_str());
            (Some(declared.chain(known()).collect()), Look::Quick)
        }
        Scan::Known => (Some(known().collect()), Look::Quick),
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
