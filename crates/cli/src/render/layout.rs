//! Fitting text into columns.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::clean::clean;

/// Where notes beside something stand at most, so that the eye finds its way to them.
const BESIDE: usize = 90;

/// The widest that sentences are set: longer lines are hard to read.
const READABLE: usize = 100;

/// How many columns a text without colours takes.
pub(crate) fn width_of(text: &str) -> usize {
    text.width()
}

/// The text, filled up with spaces to `width` columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(width_of(text))))
}

/// The text on one line, cut to at most `width` columns; a cut shows as `…`.
pub(crate) fn truncate(text: &str, width: usize) -> String {
    // What it has is counted as it will be seen.
    let text = clean(text, false).replace(['\n', '\t'], " ");
    if width_of(&text) <= width {
        return text;
    }
    let mut kept = String::new();
    let mut used = 1;
    for letter in text.chars() {
        used += letter.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(letter);
    }
    format!("{}…", kept.trim_end())
}

/// `left`, and `right` at the end of a line of `width` columns, or of [`BESIDE`] in wider ones;
/// where not both fit, `left` gives way. Gives the two with the gap between them, so that each can
/// be coloured.
pub(crate) fn fit(left: &str, right: &str, width: usize) -> (String, String) {
    if right.is_empty() {
        return (truncate(left, width), String::new());
    }
    let room = width.saturating_sub(width_of(right) + 2);
    let column = width.min(BESIDE).saturating_sub(width_of(right) + 2);
    let left = truncate(left, room);
    let column = column.max(width_of(&left));
    (pad(&left, column + 2), right.to_owned())
}

/// The pieces, joined by `separator` and broken at it into lines of at most `width` columns, and
/// never more than [`READABLE`].
pub(crate) fn wrapped(pieces: &[String], separator: &str, width: usize) -> Vec<String> {
    joined(pieces, separator, width.min(READABLE))
}

fn joined(pieces: &[String], separator: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if width_of(line) + width_of(separator) + width_of(piece) <= width => {
                line.push_str(separator);
                line.push_str(piece);
            }
            _ => lines.push(piece.clone()),
        }
    }
    lines
}

/// The whole text in lines of at most `width` columns, broken between words, and inside a word
/// that is wider than that.
pub(crate) fn broken(text: &str, width: usize) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for word in text.split([' ', '\n']) {
        let mut piece = String::new();
        for letter in word.chars() {
            if width_of(&piece) + letter.width().unwrap_or(0) > width {
                pieces.push(std::mem::take(&mut piece));
            }
            piece.push(letter);
        }
        pieces.push(piece);
    }
    wrapped(&pieces, " ", width)
}

/// The same with whole words, however wide, and in wide lines too: in a file or a pipe it is one line.
/// What stands between backticks, such as a command to be typed, is one word.
pub(crate) fn between_words(text: &str, width: usize) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_quoted = false;
    for word in text.split(' ') {
        match words.last_mut() {
            Some(last) if is_quoted => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
        is_quoted ^= word.matches('`').count() % 2 == 1;
    }
    joined(&words, " ", width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        assert_eq!(truncate("security-group/web", 10), "security-…");
        assert_eq!(truncate("two\nlines", 20), "two lines");
        assert_eq!(truncate("日本語", 5), "日本…");
    }

    #[test]
    fn nothing_of_a_long_text_is_lost() {
        assert_eq!(
            broken("one two sha256:0123456789", 8),
            ["one two", "sha256:0", "12345678", "9"]
        );
    }

    #[test]
    fn what_is_to_be_typed_is_one_word() {
        assert_eq!(
            between_words("run `deployer apply` or `a b`, please", 14),
            ["run", "`deployer apply`", "or `a b`,", "please"]
        );
    }

    #[test]
    fn the_right_side_is_kept_whole() {
        assert_eq!(fit("db-instance/main", "4m 10s", 18), ("db-instan…  ".into(), "4m 10s".into()));
    }
}
