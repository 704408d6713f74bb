//! Reads several logs as one, in the order their lines were written in.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use deployer_core::{Cause, Failure, Live};
use futures_util::future::{join_all, try_join_all};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::tail::{PAUSE, Tail};
use super::{AnyLogs, Line, LogQuery, Order};
use crate::retry::insist;
use crate::work::Work;
use crate::{Cloud, Result};

/// How late a line may become visible and still be given in its place: CloudWatch Logs shows most
/// within a second or two of the moment they were written at.
const LATE: Duration = Duration::from_secs(5);

/// For how long a line is kept back, so that one which is as late as it may be comes before it: two
/// looks, and what they take, lie between the moments at which both are seen.
const HOLD: Duration = LATE.saturating_add(PAUSE).saturating_add(Duration::from_secs(1));

/// How far back looks at a log reach that has nothing new: so far may the clock here be wrong, and so
/// late may a line be in a log in which nothing else is written.
const REACH: SignedDuration = SignedDuration::from_mins(5);

/// The time that is read at once, at first. It grows where little was written and shrinks where
/// much was, so that whatever is asked for takes little memory and few calls.
const SPAN: SignedDuration = SignedDuration::from_mins(10);
const SHORTEST: SignedDuration = SignedDuration::from_secs(1);
const FEW: usize = 1_000;
const MANY: usize = 20_000;

/// One of the logs.
pub struct LogSource<'a, C: Cloud> {
    /// Where its resource is.
    pub cloud: Arc<C>,
    /// How logs of its kind are read.
    pub logs: &'a dyn AnyLogs<C>,
    /// The resource.
    pub live: &'a Live,
}

/// What is read of several logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// Which of the logs it is of, by its place among them.
    pub source: usize,
    /// The line.
    pub line: Line,
    /// Whether lines that were written after it have been given before it.
    pub is_late: bool,
}

/// Reads what was written from `query.since` to `until`, in order, until `hear` breaks.
///
/// # Errors
/// When a page cannot be read.
pub async fn read_logs<C: Cloud>(
    sources: &[LogSource<'_, C>],
    query: &LogQuery,
    until: Timestamp,
    mut hear: impl FnMut(Logged) -> ControlFlow<()>,
) -> Result<()> {
    let mut since = query.since.unwrap_or(Timestamp::UNIX_EPOCH);
    // What nobody asked a beginning for is read whole.
    let mut span = if query.since.is_some() { SPAN } else { until.duration_since(since) };
    while since <= until {
        // The last moment is among those that are read.
        let last = until.min(since.checked_add(span).unwrap_or(until));
        let part = LogQuery { since: Some(since), until: Some(last), ..query.clone() };
        let most = if span > SHORTEST { MANY } else { usize::MAX };
        let Some(lines) = gather(sources, &part, most).await? else {
            span = SHORTEST.max(span / 4);
            continue;
        };
        if lines.len() < FEW {
            span = span.saturating_mul(2);
        }
        for (source, line) in lines {
            if hear(Logged { source, line, is_late: false }).is_break() {
                return Ok(());
            }
        }
        since = last + SignedDuration::from_millis(1);
    }
    Ok(())
}

/// All lines that a query asks for, in order; none where there are more than `most`.
async fn gather<C: Cloud>(
    sources: &[LogSource<'_, C>],
    query: &LogQuery,
    most: usize,
) -> Result<Option<Vec<(usize, Line)>>> {
    let reads = sources.iter().enumerate().map(async |(source, it)| {
        let mut query = LogQuery { order: Order::OldestFirst, after: None, ..query.clone() };
        let mut lines = Vec::new();
        loop {
            let page = insist(|| it.logs.log(&it.cloud, it.live, &query)).await?;
            lines.extend(page.lines.into_iter().map(|line| (source, line)));
            query.after = page.next;
            if query.after.is_none() || lines.len() > most {
                return Ok::<_, Failure>(lines);
            }
        }
    });
    let mut lines: Vec<_> = try_join_all(reads).await?.into_iter().flatten().collect();
    lines.sort_by(|(one, a), (other, b)| (a.at, one, &a.id).cmp(&(b.at, other, &b.id)));
    Ok((lines.len() <= most).then_some(lines))
}

/// Follows several logs.
pub struct LogFollower<'a, C: Cloud> {
    sources: Vec<LogSource<'a, C>>,
    tails: Vec<Tail>,
    held: Held,
}

impl<'a, C: Cloud> LogFollower<'a, C> {
    /// Follows these logs.
    pub fn new(sources: Vec<LogSource<'a, C>>, query: &LogQuery) -> Self {
        let tails = sources.iter().map(|_| Tail::new(query.clone())).collect();
        Self { sources, tails, held: Held::default() }
    }

    /// Follows them until `hear` breaks. A line that becomes visible within five seconds of when it
    /// was written is given in its place, which is why all are kept back for a few seconds; a later
    /// one is given when it is seen, and marked.
    ///
    /// # Errors
    /// When one cannot be read at the first look, or may not be read any more. Of what passes
    /// `unheard` is told once, and nothing is lost: the next look that succeeds gives the same lines.
    pub async fn follow(
        &mut self,
        mut hear: impl FnMut(Logged) -> ControlFlow<()>,
        mut unheard: impl FnMut(&Failure),
    ) -> Result<()> {
        let mut silent = vec![false; self.sources.len()];
        let mut is_first = true;
        loop {
            let begun = Timestamp::now();
            let sources = self.sources.iter().zip(&mut self.tails);
            let looks = sources.map(|(it, tail)| tail.look(it.logs, &it.cloud, it.live));
            for (source, look) in join_all(looks).await.into_iter().enumerate() {
                match look {
                    Ok(lines) => {
                        silent[source] = false;
                        self.tails[source].reach_to(begun - REACH);
                        self.held.take(source, lines);
                    }
                    Err(failure) if is_first || !passes(&failure) => return Err(failure),
                    Err(failure) => {
                        if !silent[source] {
                            unheard(&failure);
                        }
                        silent[source] = true;
                    }
                }
            }
            is_first = false;
            for logged in self.held.ripe() {
                if hear(logged).is_break() {
                    return Ok(());
                }
            }
            Work::current().pause(PAUSE).await;
        }
    }

    /// What is still kept back, once nobody follows any more.
    pub fn rest(self) -> impl Iterator<Item = Logged> {
        let told = self.held.told;
        self.held.lines.into_iter().map(move |((at, source, _), (line, _))| Logged {
            source,
            line,
            is_late: told.is_some_and(|told| at < told),
        })
    }
}

/// Whether the same look may succeed later.
fn passes(failure: &Failure) -> bool {
    use Cause::{Ambiguous, Busy, NotYet, Throttled, Unreachable, Unsent};
    matches!(failure.cause, Ambiguous | Busy | NotYet | Throttled | Unreachable | Unsent)
}

/// Lines that are kept back, in order, each with when it was seen.
#[derive(Default)]
struct Held {
    lines: BTreeMap<(Timestamp, usize, String), (Line, Instant)>,
    /// When the last one was written that has been given.
    told: Option<Timestamp>,
    /// When the newest one was written that has been seen.
    newest: Option<Timestamp>,
}

impl Held {
    fn take(&mut self, source: usize, lines: Vec<Line>) {
        let now = Instant::now();
        for line in lines {
            self.newest = self.newest.max(Some(line.at));
            self.lines.insert((line.at, source, line.id.clone()), (line, now));
        }
    }

    /// Those that need not be kept back any longer, and all that were written before them.
    fn ripe(&mut self) -> Vec<Logged> {
        let hold = SignedDuration::try_from(HOLD).unwrap_or(SignedDuration::MAX);
        let old = self.newest.and_then(|newest| newest.checked_sub(hold).ok());
        let is_ripe = |at: Timestamp, seen: &Instant| {
            seen.elapsed() >= HOLD || old.is_some_and(|old| at <= old)
        };
        let told = self.told;
        let is_late = |at: Timestamp| told.is_some_and(|told| at < told);
        let ripe = self.lines.iter().filter(|((at, ..), (_, seen))| is_ripe(*at, seen));
        let last = ripe.map(|((at, ..), _)| *at).max().max(told);
        let mut given = Vec::new();
        while let Some(entry) = self.lines.first_entry()
            && (last.is_some_and(|last| entry.key().0 <= last))
        {
            let ((at, source, _), (line, _)) = entry.remove_entry();
            given.push(Logged { source, line, is_late: is_late(at) });
        }
        self.told = self.told.max(given.last().map(|it| it.line.at));
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::pause;

    fn line(second: i64, id: &str) -> Line {
        Line {
            id: id.to_owned(),
            at: Timestamp::from_second(second).unwrap(),
            task: None,
            container: None,
            stream: String::new(),
            text: id.to_owned(),
        }
    }

    fn told(held: &mut Held) -> Vec<(String, bool)> {
        held.ripe().into_iter().map(|it| (it.line.text, it.is_late)).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_seen_a_little_late_is_told_in_its_place() {
        let mut held = Held::default();
        held.take(0, vec![line(100, "second")]);
        assert_eq!(told(&mut held), []);
        pause(Duration::from_secs(6)).await;
        held.take(1, vec![line(95, "first")]);
        assert_eq!(told(&mut held), []);
        pause(Duration::from_secs(2)).await;
        let both = [("first".to_owned(), false), ("second".to_owned(), false)];
        assert_eq!(told(&mut held), both);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_seen_too_late_is_told_at_once_and_marked() {
        let mut held = Held::default();
        held.take(0, vec![line(100, "on time")]);
        pause(HOLD).await;
        assert_eq!(told(&mut held), [("on time".to_owned(), false)]);
        held.take(1, vec![line(99, "late")]);
        assert_eq!(told(&mut held), [("late".to_owned(), true)]);
        held.take(0, vec![line(101, "next")]);
        assert_eq!(told(&mut held), []);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_written_long_ago_is_not_kept_back() {
        let mut held = Held::default();
        held.take(0, vec![line(100, "a"), line(200, "c")]);
        held.take(1, vec![line(150, "b")]);
        assert_eq!(told(&mut held), [("a".to_owned(), false), ("b".to_owned(), false)]);
    }
}
