//! Finds out what is there and ours.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use deployer_core::{
    Cause, Deeds, Failure, KindInfo, Place, Scope, Seen, Snapshot, Stack, Stray, Unseen,
};
use futures_util::future::join_all;

use crate::driver::Driver;
use crate::retry::insist;
use crate::{Look, Parameters, Places, Registry, Result, Survey, read_book};

/// What is looked at, and how closely.
#[derive(Clone, Copy, Debug)]
pub enum Scan<'a> {
    /// The kinds that a stack declares and those that the environment has ever had. A kind that
    /// nobody uses costs no call.
    For(&'a Stack),
    /// The kinds that the environment has ever had.
    Known,
    /// These kinds, at home: of another environment, which is asked for no more than that.
    Only(&'a BTreeSet<&'a str>),
    /// All kinds.
    All(Look),
}

/// Scans for what the stack's environment owns, all kinds at all places at once.
///
/// # Errors
/// Every scan that failed. What fails all of them alike, such as missing credentials, is reported
/// once.
pub async fn observe<C: Parameters>(
    registry: &Registry<C>,
    places: &Places<C>,
    scope: &Scope,
    scan: Scan<'_>,
    deeds: &Deeds,
) -> std::result::Result<Snapshot, Vec<Failure>> {
    let sought: BTreeSet<&Place> = match scan {
        Scan::Known if deeds.record.is_whole() => deeds.record.places(),
        Scan::Only(_) => places.declared().filter(|place| place.is_home()).collect(),
        _ => places.declared().chain(deeds.record.places()).collect(),
    };
    let looks = sought.into_iter().map(|place| look(registry, places, scope, place, scan, deeds));
    let (mut seen, mut unseen, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    let mut aside = Vec::new();
    for result in join_all(looks).await {
        match result {
            Ok(looked) => {
                seen.extend(looked.seen);
                unseen.extend(looked.unseen);
                aside.extend(looked.aside);
            }
            Err(failed) => failures.extend(failed),
        }
    }
    if failures.is_empty() {
        let (account, region) = places.home();
        let (account, region) = (account.to_owned(), region.to_owned());
        let kinds = registry.kinds();
        let mut snapshot = Snapshot::new(scope.clone(), account, region, seen, deeds, &kinds);
        snapshot.strays.extend(aside);
        Ok(Snapshot { unseen, ..snapshot })
    } else {
        Err(once(failures))
    }
}

/// What was seen at one place.
struct Looked {
    seen: Vec<Seen>,
    unseen: Vec<Unseen>,
    aside: Vec<Stray>,
}

/// The scans of one place.
async fn look<C: Parameters>(
    registry: &Registry<C>,
    places: &Places<C>,
    scope: &Scope,
    place: &Place,
    scan: Scan<'_>,
    deeds: &Deeds,
) -> std::result::Result<Looked, Vec<Failure>> {
    let (kinds, look) = sought(scan, place, deeds);
    // What has no regions has been seen from home, or by a role alone.
    let is_sought = |kind: &KindInfo| {
        kinds.as_ref().is_none_or(|kinds| kinds.contains(kind.name))
            && !(kind.global && place.region.is_some())
    };
    let cloud = places.at(place, &deeds.record.roles).await.map_err(|failure| vec![failure])?;
    let shared = C::Shared::default();
    let survey = Survey {
        cloud: &*cloud,
        scope,
        shared: &shared,
        deeds,
        place,
        home: places.home(),
        look,
        stack: match scan {
            Scan::For(stack) => Some(stack),
            Scan::Known | Scan::Only(_) | Scan::All(_) => None,
        },
        is_by_record: !matches!(scan, Scan::All(_)),
        missed: Mutex::default(),
        aside: Mutex::default(),
    };
    let drivers = registry.drivers().filter(|driver| is_sought(&driver.info()));
    let scans = drivers.map(|driver| all_of(&**driver, &survey, places.cloud()));
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for result in join_all(scans).await {
        match result {
            Ok(seen) => found.extend(seen.into_iter().map(|seen| seen.at(place))),
            Err(failure) => failures.push(located(failure, place)),
        }
    }
    if !failures.is_empty() {
        return Err(collapse(failures));
    }
    let missed = survey.missed.into_inner().unwrap_or_else(PoisonError::into_inner);
    let unseen = unseen(missed, &found, place, deeds);
    let aside = survey.aside.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Looked { seen: found, unseen, aside })
}

/// What a scan finds, and what the record has besides: what somebody has taken the tags off is
/// found by its name, or among all that there is. What is not there either was deleted.
async fn all_of<C: Parameters>(
    driver: &dyn Driver<C>,
    survey: &Survey<'_, C>,
    home: &C,
) -> Result<Vec<Seen>> {
    let mut seen = insist(|| driver.scan(survey)).await?;
    let (kind, record) = (driver.info(), &survey.deeds.record);
    let ids = seen.iter().map(|seen| seen.live.id());
    let missing = record.missing(survey.place, kind.name, ids);
    if missing.is_empty() {
        return Ok(seen);
    }
    let is_ours = |id: &str| record.whose(survey.place, kind.name, id).is_some();
    let mut sought: Vec<String> = match kind.naming {
        Some(_) => missing
            .iter()
            .map(|(address, generation)| kind.physical_name(survey.scope, address, *generation))
            .collect(),
        None => Vec::new(),
    };
    sought.extend(insist(|| driver.ids(survey)).await?.into_iter().filter(|id| is_ours(id)));
    for id in sought {
        let Some(found) = insist(|| driver.read(survey, &id)).await? else { continue };
        let is_seen = seen.iter().any(|seen| seen.live.id() == found.live.id());
        if !is_seen && is_ours(found.live.id()) && !is_another_s(&found, survey, home).await? {
            seen.push(found);
        }
    }
    Ok(seen)
}

/// Whether another environment has taken something over: its tags say so, and that one's record,
/// which who only writes tags cannot.
async fn is_another_s<C: Parameters>(
    seen: &Seen,
    survey: &Survey<'_, C>,
    home: &C,
) -> Result<bool> {
    let Some((stack, environment)) = seen.of.clone() else { return Ok(false) };
    let scope = Scope { stack, environment, origin: None, tags: BTreeMap::new() };
    if (&scope.stack, &scope.environment) == (&survey.scope.stack, &survey.scope.environment) {
        return Ok(false);
    }
    let (kind, id) = (&seen.live.address.kind, seen.live.id());
    Ok(read_book(home, &scope).await?.deeds.record.whose(survey.place, kind, id).is_some())
}

/// What was missed, of the kinds that the record has more of than was found, each failure once.
fn unseen(
    missed: Vec<(&'static str, Failure)>,
    found: &[Seen],
    place: &Place,
    deeds: &Deeds,
) -> Vec<Unseen> {
    let mut unseen: Vec<Unseen> = Vec::new();
    for (kind, failure) in missed {
        let of_kind = found.iter().filter(|seen| seen.live.address.kind == kind);
        let are_all = deeds.record.has_only(place, kind, of_kind.map(|seen| seen.live.id()));
        if are_all && deeds.record.is_whole() {
            continue;
        }
        let failure = located(failure, place);
        match unseen.iter_mut().find(|other| other.failure == failure) {
            Some(other) => drop(other.what.insert(kind.to_owned())),
            None => unseen.push(Unseen { what: BTreeSet::from([kind.to_owned()]), failure }),
        }
    }
    unseen
}

/// A failure that says where, if that is not at home.
fn located(failure: Failure, place: &Place) -> Failure {
    if place.is_home() {
        return failure;
    }
    Failure { attempted: format!("{} in {place}", failure.attempted), ..failure }
}

/// The kinds to look at in one place; all when there are none. Where the record is lost, nobody
/// knows which there may be.
fn sought<'a>(
    scan: Scan<'a>,
    place: &Place,
    deeds: &'a Deeds,
) -> (Option<BTreeSet<&'a str>>, Look) {
    let known = || deeds.record.kinds(place);
    match scan {
        Scan::All(look) => (None, look),
        Scan::Only(kinds) => (Some(kinds.clone()), Look::Quick),
        Scan::For(_) | Scan::Known if !deeds.record.is_whole() => (None, Look::Quick),
        Scan::For(stack) => {
            let declared = stack.resources.iter().filter(|(_, desired)| desired.place == *place);
            let declared = declared.map(|(address, _)| address.kind.as_str());
            (Some(declared.chain(known()).collect()), Look::Quick)
        }
        Scan::Known => (Some(known().collect()), Look::Quick),
    }
}

/// Keeps one failure of those that say the same of every kind, and each of the others.
fn collapse(failures: Vec<Failure>) -> Vec<Failure> {
    distinct(failures, |a, b| a == b || (a.cause == b.cause && is_of_all(a.cause)))
}

/// Each failure once, whichever request it was: of a role that leads to several places, say.
fn once(failures: Vec<Failure>) -> Vec<Failure> {
    let without_request = |failure: &Failure| Failure { request: None, ..failure.clone() };
    distinct(failures, |a, b| without_request(a) == without_request(b))
}

/// The first of those that are the same.
fn distinct(failures: Vec<Failure>, is_same: impl Fn(&Failure, &Failure) -> bool) -> Vec<Failure> {
    let mut kept: Vec<Failure> = Vec::new();
    for failure in failures {
        if !kept.iter().any(|other| is_same(other, &failure)) {
            kept.push(failure);
        }
    }
    kept
}

/// Whether a cause lies in the connection or the account rather than in one kind.
fn is_of_all(cause: Cause) -> bool {
    use Cause::{Ambiguous, Credentials, Throttled, Unreachable, Unsent};
    matches!(cause, Credentials | Unreachable | Throttled | Unsent | Ambiguous)
}
