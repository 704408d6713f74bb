//! The terminal as indicatif writes to it.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::TermLike;

use crate::clean::clean;
use crate::world::Stream;

/// Wipes the rest of a line, and goes on to the next.
const LINE_END: &str = "\x1b[K\r\n";

/// A terminal that gets each frame at once, so that nothing flickers, and whose cursor rests on
/// the empty line under it: a `^C` that the terminal echoes there moves nothing and is wiped out
/// with the next frame. Clones are the same terminal.
#[derive(Clone, Debug)]
pub(super) struct Screen {
    out: Stream,
    width: u16,
    height: u16,
    frame: Arc<Mutex<Frame>>,
}

/// What is to be written next.
#[derive(Debug, Default)]
struct Frame {
    text: String,
    /// Whether the cursor is under the last line and not in it.
    is_resting: bool,
}

impl Screen {
    pub(super) fn new(out: Stream, width: usize, height: usize) -> Self {
        let narrowed = |size: usize| u16::try_from(size).unwrap_or(u16::MAX);
        let (width, height) = (narrowed(width), narrowed(height));
        Self { out, width, height, frame: Arc::default() }
    }

    fn frame(&self) -> MutexGuard<'_, Frame> {
        self.frame.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cursor goes so many steps; a terminal takes none for one.
    fn go(&self, steps: usize, to: char) {
        if steps > 0 {
            // Writing to a string cannot fail.
            let _ = write!(self.frame().text, "\x1b[{steps}{to}");
        }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.width
    }

    fn height(&self) -> u16 {
        self.height
    }

    fn move_cursor_up(&self, steps: usize) -> io::Result<()> {
        self.go(steps, 'A');
        Ok(())
    }

    fn move_cursor_down(&self, steps: usize) -> io::Result<()> {
        self.go(steps, 'B');
        Ok(())
    }

    fn move_cursor_right(&self, steps: usize) -> io::Result<()> {
        self.go(steps, 'C');
        Ok(())
    }

    fn move_cursor_left(&self, steps: usize) -> io::Result<()> {
        self.go(steps, 'D');
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.frame().text.push_str(&clean(text, true));
        self.frame().text.push_str(LINE_END);
        Ok(())
    }

    /// indicatif fills each line with spaces, so that the terminal goes on to the next by itself.
    /// An end of the line does the same and stays one where the text is copied or the window grows.
    fn write_str(&self, text: &str) -> io::Result<()> {
        let is_filler = !text.is_empty() && text.chars().all(|c| c == ' ');
        if is_filler {
            self.frame().text.push_str(LINE_END);
        } else {
            self.frame().text.push_str(&clean(text, true));
        }
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.frame().text.push_str("\r\x1b[2K");
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut frame = self.frame();
        if frame.text.is_empty() {
            return Ok(());
        }
        let back = if frame.is_resting { "\x1b[1A" } else { "" };
        self.out.write_frame(&format!("{back}{}\x1b[J", frame.text));
        frame.is_resting = frame.text.ends_with(LINE_END);
        frame.text.clear();
        Ok(())
    }
}
