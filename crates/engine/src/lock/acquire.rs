//! Gets the lock, keeps it, and gives it back.

use std::sync::Arc;
use std::time::Duration;

use deployer_core::{Failure, Scope};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::claim::{name, written};
use super::lease::Beat;
use super::{Claim, Holder, Lease};
use crate::ownership::{Book, read_book};
use crate::parameters::{WITHHELD, withheld};
use crate::retry::insist;
use crate::wait::pause;
use crate::work::at_once;
use crate::{Parameters, Result, Secrecy};

/// How much longer than its lease a holder must have been silent before it is taken for dead, in
/// leases: what it sent at the last moment must have arrived.
const GRACE: f64 = 0.5;

/// How far the clocks of two machines that AWS talks to may be apart: it refuses requests that
/// were signed more than five minutes off (IAM user guide, signature version 4), and both by so
/// much in opposite directions.
const SKEW: Duration = Duration::from_mins(10);

/// How often a sign of life is given within one lease.
const BEATS: u32 = 3;

/// How often somebody who waits looks again.
const LOOK: Duration = Duration::from_secs(2);

/// How the lock is asked for.
pub struct Request<'a> {
    /// Who asks. Its lease says how long each sign of life counts.
    pub holder: Holder,
    /// How long to wait for somebody else.
    pub patience: Duration,
    /// Whether a holder is known not to run any more, because it ran on this very machine.
    pub is_gone: &'a dyn Fn(&Holder) -> bool,
    /// Hears what happens meanwhile.
    pub tell: &'a mut dyn FnMut(Notice),
}

/// What is told while the lock is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Somebody else has it; told once for each of them.
    Waiting(Claim),
    /// Somebody who had it has fallen silent, and it was taken over.
    TakenOver {
        /// Whose it was.
        from: Holder,
        /// How it is known that they are silent: `its process has ended`.
        because: String,
    },
}

/// Why there is no lock.
#[derive(Clone, Debug, PartialEq)]
pub enum Unlocked {
    /// Somebody else has it.
    Held(Box<Claim>),
    /// The account could not be read.
    Failed(Failure),
    /// Somebody asked to stop.
    Cancelled,
}

impl From<Failure> for Unlocked {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The lock on one environment of a stack, kept by signs of life until it is released.
///
/// Dropped without a release it goes the way of a killed process: the next run takes it over.
pub struct Lock<C: Parameters> {
    cloud: Arc<C>,
    scope: Scope,
    epoch: u64,
    /// The epochs beneath it that dead holders have left.
    beneath: Vec<u64>,
    book: Book,
    holder: Holder,
    lease: Lease,
    heart: JoinHandle<()>,
}

/// Gets the lock on a scope, and puts the cloud's changing calls behind it.
///
/// # Errors
/// When somebody else has it for longer than the request's patience, when the account does not
/// keep claims for these credentials, and when `cancel` comes first.
pub async fn lock<C: Parameters>(
    cloud: Arc<C>,
    scope: &Scope,
    request: Request<'_>,
    cancel: &CancellationToken,
) -> std::result::Result<Lock<C>, Unlocked> {
    let holder = request.holder.clone();
    let getting = get(&*cloud, scope, request, cancel);
    let Got { epoch, lease, book } = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Unlocked::Cancelled),
        got = getting => got?,
    };
    cloud.fence(lease.clone());
    let beating = beat(Arc::clone(&cloud), scope.clone(), epoch, holder.clone(), lease.clone());
    let heart = tokio::spawn(at_once(beating));
    let beneath = book.claims.iter().map(|claim| claim.epoch).filter(|it| *it < epoch).collect();
    Ok(Lock { cloud, scope: scope.clone(), epoch, beneath, book, holder, lease, heart })
}

/// The lock, as it was got.
struct Got {
    epoch: u64,
    lease: Lease,
    /// What the account keeps, read after the lock was got.
    book: Book,
}

impl<C: Parameters> Lock<C> {
    /// Whether it is still held.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// What the account keeps of the environment, as whoever had the lock before has left it.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Its epoch, which no other run ever has.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Gives it back: its own claim first, then those of silent holders under it. One that has
    /// been taken over is left to whoever has it, as [`Lease::lost_to`] says.
    ///
    /// # Errors
    /// When the account does not answer. The next run then takes the lock over.
    pub async fn release(self) -> Result<()> {
        self.heart.abort();
        if self.lease.lost_to().is_none()
            && !self.lease.is_fresh()
            && let Some(by) = renew(&*self.cloud, &self.scope, self.epoch, &self.holder).await?
        {
            self.lease.lose(by);
        }
        if self.lease.lost_to().is_some() {
            return Ok(());
        }
        for epoch in std::iter::once(&self.epoch).chain(self.beneath.iter().rev()) {
            let name = name(*epoch);
            insist(|| self.cloud.remove(&self.scope, &name)).await?;
        }
        Ok(())
    }
}

impl<C: Parameters> Drop for Lock<C> {
    fn drop(&mut self) {
        self.heart.abort();
    }
}

/// Looks and claims until the claim is ours or somebody else's for too long.
async fn get<C: Parameters>(
    cloud: &C,
    scope: &Scope,
    request: Request<'_>,
    cancel: &CancellationToken,
) -> std::result::Result<Got, Unlocked> {
    let Request { holder, patience, is_gone, tell } = request;
    let asked = Instant::now();
    let mut watched: Option<(Claim, Instant)> = None;
    let mut followed: Option<(Holder, String)> = None;
    loop {
        let beat = Beat::begin();
        let book = read_book(cloud, scope).await?;
        let lease = || Lease::new(Duration::from_secs(holder.lease), &beat, cancel.child_token());
        let top = book.claims.last().cloned();
        // The claim is made, and what the account keeps was read after that.
        if let Some(top) = top.as_ref().filter(|top| top.holder.token == holder.token) {
            if top.epoch >= book.deeds.record.epoch {
                if let Some((from, because)) = followed {
                    tell(Notice::TakenOver { from, because });
                }
                return Ok(Got { epoch: top.epoch, lease: lease(), book });
            }
            // Others have come and gone since it was chosen.
            let name = name(top.epoch);
            insist(|| cloud.remove(scope, &name)).await?;
            continue;
        }
        let epoch = top.as_ref().map_or(1, |top| top.epoch.saturating_add(1));
        let epoch = epoch.max(book.deeds.record.epoch);
        let Some(top) = top else {
            if claim(cloud, scope, epoch, &holder).await? {
                continue;
            }
            if asked.elapsed() >= patience.max(WITHHELD) {
                return Err(withheld(&name(epoch), "take the lock").into());
            }
            pause(LOOK).await;
            continue;
        };
        let silent_for = match &watched {
            Some((seen, since)) if is_same(seen, &top) => since.elapsed(),
            _ => Duration::ZERO,
        };
        if let Some(because) = silence(&top, silent_for, is_gone) {
            if claim(cloud, scope, epoch, &holder).await? {
                followed = Some((top.holder, because));
            } else {
                pause(LOOK).await;
            }
            continue;
        }
        if watched.as_ref().is_none_or(|(seen, _)| seen.holder != top.holder) {
            tell(Notice::Waiting(top.clone()));
        }
        if asked.elapsed() >= patience {
            return Err(Unlocked::Held(Box::new(top)));
        }
        if watched.as_ref().is_none_or(|(seen, _)| !is_same(seen, &top)) {
            watched = Some((top, Instant::now()));
        }
        pause(LOOK).await;
    }
}

/// Makes the claim of an epoch; `false` when somebody has made it.
async fn claim<C: Parameters>(
    cloud: &C,
    scope: &Scope,
    epoch: u64,
    holder: &Holder,
) -> Result<bool> {
    let (name, text) = (name(epoch), written(holder));
    insist(|| cloud.make(scope, &name, &text, Secrecy::Open)).await
}

/// Whether there was no sign of life between two looks at a claim.
fn is_same(before: &Claim, now: &Claim) -> bool {
    (before.epoch, before.version) == (now.epoch, now.version)
}

/// How it is known that the holder of a claim does not write any more, if it is.
///
/// `silent_for` is how long the claim has been watched without a sign of life.
fn silence(
    claim: &Claim,
    silent_for: Duration,
    is_gone: &dyn Fn(&Holder) -> bool,
) -> Option<String> {
    if is_gone(&claim.holder) {
        return Some("its process on this machine has ended".to_owned());
    }
    let lease = Duration::from_secs(claim.holder.lease);
    let limit = lease + lease.mul_f64(GRACE);
    let last = claim.age.filter(|age| *age > limit + SKEW).unwrap_or(silent_for);
    (last > limit).then(|| format!("it has given no sign of life for {} s", last.as_secs()))
}

/// Gives signs of life until the lock is lost.
async fn beat<C: Parameters>(
    cloud: Arc<C>,
    scope: Scope,
    epoch: u64,
    holder: Holder,
    lease: Lease,
) {
    loop {
        pause(lease.length() / BEATS).await;
        let beat = Beat::begin();
        match renew(&*cloud, &scope, epoch, &holder).await {
            Ok(None) => lease.renew(&beat),
            Ok(Some(by)) => return lease.lose(by),
            // Until it works again nothing is changed, so there is nothing else to do.
            Err(failure) => tracing::debug!(%failure, "could not renew the lock"),
        }
    }
}

/// Renews a claim, unless it has been built upon or taken off: then gives by whom.
async fn renew<C: Parameters>(
    cloud: &C,
    scope: &Scope,
    epoch: u64,
    holder: &Holder,
) -> Result<Option<Holder>> {
    match read_book(cloud, scope).await?.claims.pop() {
        Some(top) if (top.epoch, &top.holder.token) == (epoch, &holder.token) => {}
        Some(top) => return Ok(Some(top.holder)),
        None => return Ok(Some(unknown())),
    }
    let (name, text) = (name(epoch), written(holder));
    if insist(|| cloud.write(scope, &name, &text)).await? > 1 {
        return Ok(None);
    }
    // It was taken off between the two calls, and is back now.
    insist(|| cloud.remove(scope, &name)).await?;
    Ok(Some(unknown()))
}

/// Somebody who took the lock over and is done already.
fn unknown() -> Holder {
    Holder { name: "another run that has ended".to_owned(), ..Holder::default() }
}
