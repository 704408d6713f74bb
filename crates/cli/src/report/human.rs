//! A board that lives at the bottom of a terminal, what is finished scrolling away above it.

use std::io;
use std::time::Duration;

use deployer_core::{Event, Plan};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use super::Reporter;
use super::board::Board;
use crate::render::Theme;
use crate::world::Stream;

/// How often the screen is drawn at most, a second.
const RATE: u8 = 15;

/// Shows a board on a terminal.
pub(crate) struct Human<'a> {
    board: Board<'a>,
    bar: ProgressBar,
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
        let screen = Screen { out, width, height };
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(screen), RATE);
        let bar = ProgressBar::with_draw_target(None, target);
        // The whole board is one message; a template with a name and nothing else is right.
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        Self { board: Board::new(plan, theme, width, height), bar, now: Duration::ZERO }
    }

    fn draw(&self) {
        self.bar.set_message(self.board.lines(self.now).join("\n"));
    }
}

impl Reporter for Human<'_> {
    fn event(&mut self, event: &Event) {
        self.now = self.now.max(event.at);
        let lines = self.board.event(event);
        // The board first, so that what is finished does not show as running for a moment.
        self.draw();
        if !lines.is_empty() {
            self.bar.println(lines.join("\n"));
        }
    }

    fn tick(&mut self, now: Duration) {
        self.now = self.now.max(now);
        self.draw();
    }

    fn finish(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A stream as the terminal that it leads to.
#[derive(Debug)]
struct Screen {
    out: Stream,
    width: usize,
    height: usize,
}

impl Screen {
    /// Moves the cursor, or whatever else the control sequence with this end does `n` times.
    fn control(&self, n: usize, end: char) {
        if n > 0 {
            self.out.write(&format!("\x1b[{n}{end}"));
        }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        u16::try_from(self.width).unwrap_or(u16::MAX)
    }

    fn height(&self) -> u16 {
        u16::try_from(self.height).unwrap_or(u16::MAX)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.control(n, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.control(n, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.control(n, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.control(n, 'D');
        Ok(())
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.out.write(&format!("{line}\n"));
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.out.write(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.out.write("\r\x1b[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}
