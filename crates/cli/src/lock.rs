//! The lock around what changes an account.

use std::sync::Arc;
use std::time::Duration;

use deployer_core::Scope;
use deployer_engine::{Journal, Notice, Places, Request, Unlocked, lock};

use crate::exit::{Error, Refusal};
use crate::holder;
use crate::render;
use crate::session::Session;
use crate::wire::run::{Held, Locked, RunLine};
use crate::world::Connect;

/// How to go about other runs.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LockArgs {
    /// How long to wait for another run in this environment, such as `30s` or `15m`
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    lock_timeout: Duration,
}

fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map(Duration::from_secs).ok();
    let spelled = || text.parse::<jiff::SignedDuration>().ok()?.try_into().ok();
    seconds.or_else(spelled).ok_or_else(|| "write it as `30s`, `15m` or `1h`".to_owned())
}

impl<W: Connect> Session<'_, W> {
    /// Does something while no other run changes this environment, and stops it when one does.
    ///
    /// The lock comes before the look at what is there, so that what was planned is still true
    /// when it is done. The work is handed the journal of the run.
    pub(crate) async fn locked<T>(
        &mut self,
        command: &str,
        args: &LockArgs,
        connected: &Arc<Places<W::Cloud>>,
        scope: &Scope,
        work: impl AsyncFnOnce(&mut Self, &Arc<Journal<W::Cloud>>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let request = Request {
            holder: holder::this_run(command, &self.terminal.environment),
            patience: args.lock_timeout,
            is_gone: &holder::is_gone,
            tell: &mut |notice| self.notice(&notice),
        };
        let cloud = Arc::clone(connected.cloud());
        let locking = self.attended(lock(cloud, scope, request, &self.cancel));
        let lock = locking.await.map_err(|why| match why {
            Unlocked::Held(claim) => Refusal::Locked(claim).into(),
            Unlocked::Failed(failure) => Error::Cloud(vec![failure]),
            Unlocked::Cancelled => Error::Interrupted,
        })?;
        let lease = lock.lease().clone();
        let outside = std::mem::replace(&mut self.cancel, lease.cancel().clone());
        let (cloud, book) = (Arc::clone(connected.cloud()), lock.book().clone());
        let (place, held) = (connected.home(), Some(lease.clone()));
        let journal = Arc::new(Journal::new(cloud, scope, place, held, book));
        journal.know(connected.roles());
        let result = work(self, &journal).await;
        self.cancel = outside;
        if lease.lost_to().is_none()
            && let Err(failure) = self.attended(journal.end(lock.epoch())).await
        {
            let text = format!("{failure}; the next run will find what was made");
            self.warn(&render::notice("warning:", &text, &self.err, self.margin()));
        }
        if let Err(failure) = self.attended(lock.release()).await {
            let text = format!("{failure}; the next run will take it over");
            self.warn(&render::notice("warning:", &text, &self.err, self.margin()));
        }
        let left_to = lease.lost_to();
        if left_to.is_none() {
            self.ask_about_rollouts(connected, &journal.deeds().record.roles).await;
        }
        match left_to {
            Some(holder) => Err(Error::LockLost(holder)),
            None => result,
        }
    }

    fn notice(&self, notice: &Notice) {
        let (lock, holder) = match notice {
            Notice::Waiting(claim) => (Held::Waiting, &claim.holder),
            Notice::TakenOver { from, .. } => (Held::TakenOver, from),
        };
        self.line(RunLine::Lock(Locked { lock, holder: holder.into() }));
        let (heading, text) = match notice {
            Notice::Waiting(claim) => {
                ("waiting:", format!("another run is at work, that of {}", claim.holder))
            }
            Notice::TakenOver { from, because } => {
                ("warning:", format!("took over the lock of {from}: {because}"))
            }
        };
        self.note(&render::notice(heading, &text, &self.err, self.margin()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_write_them() {
        let read = |text| duration(text).map(|time| time.as_secs());
        assert_eq!(read("0"), Ok(0));
        assert_eq!(read("90"), Ok(90));
        assert_eq!(read("30s"), Ok(30));
        assert_eq!(read("15m"), Ok(900));
        assert!(read("soon").is_err() && read("-5m").is_err());
    }
}
