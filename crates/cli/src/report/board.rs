//! What a person sees of a run: one line for each step under way, and a line that counts.
//!
//! A board is a pure value, events in and lines out, so that tests see what a terminal would
//! show at any moment.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use deployer_core::{Event, Plan, StepId, What};

use crate::render::{Theme, doing, done, elapsed, fit, truncate, typical};

/// How many of the last lines that a step said are kept, to be shown if it fails.
const REMEMBERED: usize = 20;

/// From how many seconds on a step shows how long it typically takes.
const WORTH_SHOWING: u32 = 10;

/// The marks of something under way, one after another.
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// How a run stands.
pub(super) struct Board<'a> {
    plan: &'a Plan,
    theme: Theme,
    width: usize,
    height: usize,
    running: BTreeMap<StepId, Running>,
    done: usize,
    failed: usize,
    not_begun: usize,
    is_interrupted: bool,
}

/// A step under way.
#[derive(Default)]
struct Running {
    since: Duration,
    /// What it waits for, or what it said last.
    on: String,
    said: VecDeque<String>,
}

impl<'a> Board<'a> {
    /// A board for a plan, on a terminal of this size.
    pub(super) fn new(plan: &'a Plan, theme: Theme, width: usize, height: usize) -> Self {
        Self {
            plan,
            theme,
            width,
            height,
            running: BTreeMap::new(),
            done: 0,
            failed: 0,
            not_begun: 0,
            is_interrupted: false,
        }
    }

    /// Takes an event in; gives the lines that stay on the screen for good.
    pub(super) fn event(&mut self, event: &Event) -> Vec<String> {
        match &event.what {
            What::Begun { step } => {
                self.running.insert(*step, Running { since: event.at, ..Running::default() });
            }
            What::Waiting { step, on } => self.now(*step, on.clone()),
            What::Retrying { step, failure } => {
                let why = failure.code.as_deref().unwrap_or(&failure.message);
                self.now(*step, format!("{why}, trying again"));
            }
            What::Said { step, line } => {
                self.now(*step, line.clone());
                if let Some(running) = self.running.get_mut(step) {
                    running.said.push_back(line.clone());
                    if running.said.len() > REMEMBERED {
                        running.said.pop_front();
                    }
                }
            }
            What::Done { step, took, left } => {
                self.running.remove(step);
                self.done += 1;
                return self.finished(*step, *took, left);
            }
            What::Failed { step, took, failure } => {
                let said = self.running.remove(step).map(|running| running.said);
                self.failed += 1;
                let mut lines: Vec<String> = said.unwrap_or_default().into();
                for line in &mut lines {
                    let said = truncate(line, self.width.saturating_sub(3));
                    format!("  {said}").trim_end().clone_into(line);
                }
                let why = failure.code.as_deref().unwrap_or(&failure.message);
                let what = format!("{} failed: {why}", self.address(*step));
                lines.push(self.ended("✗", self.theme.bad, &what, *took));
                return lines;
            }
            What::Abandoned { step, .. } => {
                self.running.remove(step);
            }
            What::NotBegun { .. } => self.not_begun += 1,
            What::Interrupted => {
                self.is_interrupted = true;
                let text = "Interrupted: nothing new begins, calls under way are let finish.";
                return vec![self.theme.caution.style(text).to_string()];
            }
        }
        Vec::new()
    }

    /// The lines to show now: what is under way, as much as there is room for, and the counts.
    pub(super) fn lines(&self, now: Duration) -> Vec<String> {
        let room = (self.height / 2).max(3);
        let mut lines: Vec<String> = self
            .running
            .iter()
            .take(room)
            .map(|(step, running)| self.row(*step, running, now))
            .collect();
        if self.running.len() > room {
            let more = format!("  … and {} more", self.running.len() - room);
            lines.push(self.theme.faint.style(more).to_string());
        }
        lines.push(self.footer(now));
        lines
    }

    /// A step under way: what, what it waits for, and since when.
    fn row(&self, id: StepId, running: &Running, now: Duration) -> String {
        let step = &self.plan.steps[id];
        let since = now.saturating_sub(running.since);
        let left = match running.on.as_str() {
            "" => format!("{} {}", step.address, doing(step.action)),
            on => format!("{} {}: {on}", step.address, doing(step.action)),
        };
        let mut right = elapsed(since);
        if step.typical >= WORTH_SHOWING && since.as_secs() < u64::from(step.typical) {
            right = format!("{right} of {}", typical(step.typical));
        }
        let (left, right) = fit(&left, &right, self.width.saturating_sub(3));
        let frame = usize::try_from(now.as_millis() / 100).unwrap_or(0) % SPINNER.len();
        let spinner = self.theme.running.style(SPINNER[frame]);
        format!("{spinner} {left}{}", self.theme.faint.style(right))
    }

    fn footer(&self, now: Duration) -> String {
        let ended = self.done + self.failed + self.not_begun;
        let mut pieces = vec![format!("{ended} of {}", self.plan.steps.len())];
        pieces.push(format!("{} running", self.running.len()));
        if self.failed > 0 {
            pieces.push(format!("{} failed", self.failed));
        }
        if self.is_interrupted {
            pieces.push("stopping".to_owned());
        }
        let typically = self.plan.typical();
        if now.as_secs() < u64::from(typically) && self.failed == 0 {
            pieces.push(format!("{} of {}", elapsed(now), typical(typically)));
        } else {
            pieces.push(elapsed(now));
        }
        let line = truncate(&pieces.join(" · "), self.width.saturating_sub(1));
        self.theme.strong.style(line).to_string()
    }

    fn finished(&self, step: StepId, took: Duration, left: &[String]) -> Vec<String> {
        let what = format!("{} {}", self.address(step), done(self.plan.steps[step].action));
        let mut lines = vec![self.ended("✓", self.theme.good, &what, took)];
        lines.extend(
            left.iter()
                .map(|left| truncate(&format!("  kept {left}"), self.width.saturating_sub(1))),
        );
        lines
    }

    /// A line for a step that is over.
    fn ended(&self, sign: &str, style: owo_colors::Style, what: &str, took: Duration) -> String {
        let (left, right) = fit(what, &elapsed(took), self.width.saturating_sub(3));
        format!("{} {left}{}", style.style(sign), self.theme.faint.style(right))
    }

    fn now(&mut self, step: StepId, on: String) {
        if let Some(running) = self.running.get_mut(&step) {
            running.on = on;
        }
    }

    fn address(&self, step: StepId) -> String {
        self.plan.steps[step].address.to_string()
    }
}
