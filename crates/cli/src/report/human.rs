//! A board that lives at the bottom of a terminal, what is finished scrolling away above it.

use std::time::Duration;

use deployer_core::{Event, Plan};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::Board;
use super::reporter::Reporter;
use super::screen::Screen;
use crate::render::Theme;
use crate::world::Stream;

/// How often a second the board is drawn at most.
const FRAMES: u8 = 20;

/// Shows a board on a terminal. What stands in it is the board's own; where it stands, and what
/// has to be written for it, is indicatif's.
pub(crate) struct Human<'a> {
    board: Board<'a>,
    progress: MultiProgress,
    /// One for each line of the board.
    bars: Vec<ProgressBar>,
    now: Duration,
}

impl<'a> Human<'a> {
    /// A reporter for this plan, on a terminal of this size.
    pub(crate) fn new(
        plan: &'a Plan,
        theme: Theme,
        out: Stream,
        width: usize,
        height: usize,
    ) -> Self {
        let screen = Screen::new(out, width, height);
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen), FRAMES);
        let progress = MultiProgress::with_draw_target(target);
        let board = Board::new(plan, theme, width, height);
        Self { board, progress, bars: Vec::new(), now: Duration::ZERO }
    }

    fn draw(&mut self) {
        let lines = self.board.lines(self.now);
        for surplus in self.bars.drain(lines.len().min(self.bars.len())..) {
            surplus.finish_and_clear();
            self.progress.remove(&surplus);
        }
        while self.bars.len() < lines.len() {
            // A template without a name in it that could be wrong.
            let style = ProgressStyle::with_template("{msg}");
            let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner());
            self.bars.push(self.progress.add(ProgressBar::no_length().with_style(style)));
        }
        for (bar, line) in self.bars.iter().zip(lines) {
            bar.set_message(line);
        }
    }
}

impl Reporter for Human<'_> {
    fn event(&mut self, event: &Event) {
        self.now = self.now.max(event.at);
        let finished = self.board.event(event);
        self.draw();
        if !finished.is_empty() {
            // A terminal that cannot be written to is no reason to end a run.
            let _ = self.progress.println(finished.join("\n"));
        }
    }

    fn tick(&mut self, now: Duration) {
        self.now = self.now.max(now);
        self.draw();
    }

    fn finish(&mut self) {
        let _ = self.progress.clear();
    }
}
