//! Whatever a line from outside says: a terminal obeys none of it, and JSON stays what it was.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use deployer_cli::Stream;

/// Writes a text as the command line does, to a terminal and to a file.
///
/// # Panics
/// When something does not hold.
pub fn check(text: &[u8]) {
    for is_terminal in [false, true] {
        let paper = Paper::default();
        let mut stream = Stream::new(paper.clone(), is_terminal);
        stream.write_all(text).expect("paper takes everything");
        let shown = paper.0.lock().expect("no panic").clone();
        let shown = String::from_utf8(shown).expect("what is written is text");
        let mut letters = shown.chars().peekable();
        while let Some(letter) = letters.next() {
            let is_colour = is_terminal && letter == '\x1b' && letters.peek() == Some(&'[');
            let is_obeyed = letter.is_control() && !matches!(letter, '\n' | '\t');
            assert!(is_colour || !is_obeyed, "{letter:?} in {shown:?}");
        }
    }
}

/// Keeps what is written to it.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
