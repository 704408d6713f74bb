//! Follows a log.

use std::collections::BTreeSet;
use std::time::Duration;

use deployer_core::Live;
use jiff::{SignedDuration, Timestamp};

use super::{AnyLogs, Line, LogQuery, Order};
use crate::work::Work;
use crate::{Cloud, Result};

/// How far each look reaches back behind the newest line that was seen: lines become visible late,
/// and those of different tasks in another order than they were written in.
const OVERLAP: SignedDuration = SignedDuration::from_secs(30);

/// How long there is between two looks. CloudWatch Logs takes some ten calls a second for a whole
/// account and region, which others need as well.
pub(super) const PAUSE: Duration = Duration::from_secs(2);

/// Follows a log: every line once, however late it becomes visible within half a minute.
#[derive(Debug)]
pub struct Tail {
    query: LogQuery,
    newest: Option<Timestamp>,
    /// What the next look will show again.
    seen: BTreeSet<(Timestamp, String)>,
}

impl Tail {
    /// Follows the lines that a query asks for, whatever its order and `after` say.
    pub fn new(query: LogQuery) -> Self {
        let query = LogQuery { order: Order::OldestFirst, after: None, ..query };
        Self { query, newest: None, seen: BTreeSet::new() }
    }

    /// From now on looks reach no further back than this. Without it a log that is quiet, or of
    /// which few lines are asked for, is read again from its newest line on at each look.
    pub(super) fn reach_to(&mut self, moment: Timestamp) {
        self.query.since = self.query.since.max(Some(moment));
    }

    /// One look: the lines that were not there before, the oldest first.
    ///
    /// # Errors
    /// When a page cannot be read. Nothing is lost: the next look gives the lines again.
    pub async fn look<C: Cloud>(
        &mut self,
        logs: &dyn AnyLogs<C>,
        cloud: &C,
        live: &Live,
    ) -> Result<Vec<Line>> {
        let reach = self.newest.map(|newest| newest - OVERLAP);
        let mut query = LogQuery { since: reach.max(self.query.since), ..self.query.clone() };
        let mut lines = Vec::new();
        loop {
            let page = logs.log(cloud, live, &query).await?;
            lines.extend(page.lines);
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        lines.retain(|line| !self.seen.contains(&(line.at, line.id.clone())));
        lines.sort_by(|one, other| (one.at, &one.id).cmp(&(other.at, &other.id)));
        // What claims to be of times to come would hide what is written until then.
        let newest = lines.last().map(|line| line.at.min(Timestamp::now()));
        self.newest = self.newest.max(newest);
        self.seen.extend(lines.iter().map(|line| (line.at, line.id.clone())));
        if let Some(newest) = self.newest {
            self.seen.retain(|(at, _)| *at >= newest - OVERLAP);
        }
        Ok(lines)
    }

    /// Looks until there are lines that were not there before.
    ///
    /// # Errors
    /// As for [`Tail::look`].
    pub async fn next<C: Cloud>(
        &mut self,
        logs: &dyn AnyLogs<C>,
        cloud: &C,
        live: &Live,
    ) -> Result<Vec<Line>> {
        loop {
            let lines = self.look(logs, cloud, live).await?;
            if !lines.is_empty() {
                return Ok(lines);
            }
            Work::current().pause(PAUSE).await;
        }
    }
}
