//! A board that lives at the bottom of a terminal, what is finished scrolling away above it.
//!
//! The cursor rests on the empty line under the board, so that a `^C` that the terminal echoes
//! there moves nothing.

use std::fmt::Write;
use std::time::Duration;

use deployer_core::{Event, Plan};

use super::board::Board;
use super::reporter::Reporter;
use crate::render::Theme;
use crate::world::Stream;

/// Erases from the cursor to the end of the line.
const REST_OF_LINE: &str = "\x1b[K";

/// Erases from the cursor to the end of the screen.
const REST_OF_SCREEN: &str = "\x1b[J";

/// Shows a board on a terminal.
pub(crate) struct Human<'a> {
    board: Board<'a>,
    out: Stream,
    now: Duration,
    /// How many lines of the board are on the screen.
    drawn: usize,
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
        let board = Board::new(plan, theme, width, height);
        Self { board, out, now: Duration::ZERO, drawn: 0 }
    }

    /// Writes these lines and then those of the board over the board that is there, all at once
    /// and without wiping it first, so that nothing flickers.
    fn draw(&mut self, finished: &[String], board: &[String]) {
        let mut frame = String::new();
        // Writing to a string cannot fail.
        if self.drawn > 0 {
            let _ = write!(frame, "\x1b[{}A\r", self.drawn);
        }
        for line in finished.iter().chain(board) {
            let _ = writeln!(frame, "{line}{REST_OF_LINE}");
        }
        frame.push_str(REST_OF_SCREEN);
        self.out.write(&frame);
        self.drawn = board.len();
    }
}

impl Reporter for Human<'_> {
    fn event(&mut self, event: &Event) {
        self.now = self.now.max(event.at);
        let finished = self.board.event(event);
        let board = self.board.lines(self.now);
        self.draw(&finished, &board);
    }

    fn tick(&mut self, now: Duration) {
        self.now = self.now.max(now);
        let board = self.board.lines(self.now);
        self.draw(&[], &board);
    }

    fn finish(&mut self) {
        self.draw(&[], &[]);
    }
}
