//! What goes on in a resource after it was made: what it writes, runs, rolls out, measures.
//!
//! A test says what there is, and the kinds that have it show it as a cloud does.

use std::collections::BTreeMap;

use deployer_core::{Cause, Failure};
use deployer_engine::{
    Command, Cursor, Finding, Line, LogPage, LogQuery, Order, Release, Remark, Result, Rollout,
    RolloutState, Run, RunOrder, Series, Session, Steering, Task, TaskState, Token, Version, Vital,
    Which, Window,
};
use jiff::Timestamp;

use crate::fault::refusal;

/// How many lines a page has where nobody says.
const PAGE: u32 = 3;

/// What the token of every session begins with.
const TOKEN: &str = "let-me-in";

/// What goes on in one resource.
#[derive(Clone, Debug, Default)]
pub struct Activity {
    /// What it has written, in the order in which it becomes visible.
    pub lines: Vec<Line>,
    /// Its tasks, the newest first.
    pub tasks: Vec<Task>,
    /// Its rollouts, the newest first.
    pub rollouts: Vec<Rollout>,
    /// Its releases, the newest first.
    pub releases: Vec<Release>,
    /// What the cloud has said of it, the newest first.
    pub remarks: Vec<Remark>,
    /// What it was before, the newest first.
    pub versions: Vec<Version>,
    /// How often it was restarted.
    pub restarts: u32,
    /// How many tasks somebody has asked for.
    pub count: Option<u32>,
    /// What is measured of it.
    pub series: Vec<Series>,
    /// What says how it does.
    pub vitals: Vec<Vital>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// The tasks that were begun by hand, by their tokens.
    pub begun: BTreeMap<String, String>,
}

impl Activity {
    /// A page of the lines that are asked for. Its cursor is how many came before.
    pub(crate) fn page(&self, query: &LogQuery) -> LogPage {
        let is_meant = |line: &&Line| {
            let is_in_time = query.since.is_none_or(|since| line.at >= since)
                && query.until.is_none_or(|until| line.at <= until);
            let is_of_task = query.tasks.is_empty()
                || line.task.as_ref().is_some_and(|task| query.tasks.contains(task));
            let is_of_container = query.container.is_none() || line.container == query.container;
            let has_text = query.containing.as_ref().is_none_or(|text| line.text.contains(text));
            is_in_time && is_of_task && is_of_container && has_text
        };
        let mut meant: Vec<&Line> = self.lines.iter().filter(is_meant).collect();
        meant.sort_by_key(|line| line.at);
        if query.order == Order::NewestFirst {
            meant.reverse();
        }
        let from =
            query.after.as_ref().map_or(0, |Cursor(from)| from.parse().unwrap_or(usize::MAX));
        let size = usize::try_from(query.limit.unwrap_or(PAGE)).unwrap_or(usize::MAX);
        let rest = meant.get(from..).unwrap_or_default();
        let shown: Vec<Line> = rest.iter().take(size).map(|line| (*line).clone()).collect();
        let next = (rest.len() > shown.len()).then(|| Cursor((from + shown.len()).to_string()));
        LogPage { lines: shown, next }
    }

    /// The tasks that are asked for.
    pub(crate) fn tasks(&self, which: Which) -> Vec<Task> {
        let is_meant = |task: &Task| match (which, task.stop.is_some()) {
            (Which::All, _) => true,
            (Which::Wanted, is_stopped) => !is_stopped,
            (Which::Stopped, is_stopped) => is_stopped,
        };
        self.tasks.iter().filter(|task| is_meant(task)).cloned().collect()
    }

    /// The rollout of this identifier.
    pub(crate) fn rollout(&self, id: &str) -> Option<Rollout> {
        self.rollouts.iter().find(|rollout| rollout.id == id).cloned()
    }

    /// Stops a rollout that is under way, or lets it go on.
    pub(crate) fn steer(&mut self, id: &str, how: &Steering) -> Result<()> {
        let mut under_way = self.rollouts.iter_mut().filter(|rollout| !rollout.state.is_over());
        let rollout = under_way.find(|rollout| rollout.id == id);
        steer(rollout.ok_or_else(|| refusal(Cause::Refused, format!("{id} is over")))?, how)
    }

    /// A session in a task.
    pub(crate) fn open(&self, command: &Command) -> Result<Session> {
        let task = self.tasks.iter().find(|task| task.id == command.task);
        let shut = |cause| refusal(cause, format!("{} lets nobody in", command.task));
        let task = match task {
            Some(task) if task.state == TaskState::Running => task,
            Some(task) if task.state == TaskState::Starting => return Err(shut(Cause::NotYet)),
            _ => return Err(shut(Cause::Refused)),
        };
        let session = format!("{}-{}", task.id, command.line);
        Ok(Session {
            url: format!("wss://memory/{session}"),
            token: Token::new(format!("{TOKEN}-{session}")),
            target: format!("memory:{}", task.id),
            id: session,
        })
    }

    /// The task of a run, which a test says how far it is.
    pub(crate) fn begin(&mut self, order: &RunOrder) -> String {
        let next = format!("run-{}", self.begun.len() + 1);
        self.begun.entry(order.token.clone()).or_insert(next).clone()
    }

    /// A run that was begun.
    pub(crate) fn run(&self, id: &str) -> Option<Run> {
        let task = self.tasks.iter().find(|task| task.id == id)?.clone();
        Some(Run { exit_code: task.containers.first().and_then(|it| it.exit_code), task })
    }

    /// What is measured in a time.
    pub(crate) fn measured(&self, window: &Window) -> Vec<Series> {
        let mut series = self.series.clone();
        for series in &mut series {
            series.points.retain(|point| (window.since..window.until).contains(&point.at));
        }
        series
    }
}

fn steer(rollout: &mut Rollout, how: &Steering) -> Result<()> {
    let hold = match how {
        Steering::RollBack => None,
        Steering::Continue(hold) | Steering::Decline(hold) => Some(hold),
    };
    let is_held = |hold: &String| rollout.holds.iter().any(|other| other.id == *hold);
    if let Some(hold) = hold.filter(|hold| !is_held(hold)) {
        let message = format!("{} does not wait for {hold}", rollout.id);
        return Err(Failure::new(Cause::Refused, "steer the rollout", message));
    }
    rollout.holds.clear();
    if !matches!(how, Steering::Continue(_)) {
        rollout.state = RolloutState::GoingBack;
    }
    Ok(())
}

/// A line that a task wrote so many milliseconds after the beginning of 1970.
///
/// # Panics
/// When that is after the year 9999.
pub fn line(id: &str, at: i64, task: &str, text: &str) -> Line {
    Line {
        id: id.to_owned(),
        at: Timestamp::from_millisecond(at).expect("a moment that there is"),
        task: Some(task.to_owned()),
        container: Some("main".to_owned()),
        stream: format!("memory/main/{task}"),
        text: text.to_owned(),
    }
}
