//! What comes from outside, made fit for a terminal: names, tags and messages of AWS, lines of
//! builds and logs, files. A control character in them moves the cursor over a line that is to be
//! approved, writes the clipboard, or hides what stands there.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

/// The control character that begins a sequence.
const ESCAPE: char = '\x1b';

/// Where the other characters are that change the direction of a line or cannot be seen.
const UNSEEN_RANGES: [RangeInclusive<char>; 4] = [
    '\u{2028}'..='\u{202e}',
    '\u{2066}'..='\u{2069}',
    '\u{feff}'..='\u{feff}',
    '\u{e0000}'..='\u{e007f}',
];

/// What stands for a character that nobody should see, where it has no picture.
const UNSEEN: char = '\u{fffd}';

/// The text without anything that a terminal would obey: control characters show as their pictures,
/// one column each, and what turns the direction of a line or is invisible as `�`. Line ends and
/// tabs stay. Where there are colours, those that this program uses stay as well: a text from
/// outside can be red, and no more than that.
pub(crate) fn clean(text: &str, has_colours: bool) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let colour = if has_colours && letter == ESCAPE { colour(rest) } else { None };
        let taken = match colour {
            Some(sequence) => {
                cleaned.push_str(sequence);
                sequence.len()
            }
            // The end of a line as Windows writes it.
            None if rest.starts_with("\r\n") => 1,
            None => {
                cleaned.push(if is_obeyed(letter) { picture(letter) } else { letter });
                letter.len_utf8()
            }
        };
        rest = &rest[taken..];
    }
    Cow::Owned(cleaned)
}

/// JSON of the same meaning in which nothing is left that a terminal would obey. Its strings are
/// the only place for such a character, and there an escape stands for it.
pub(crate) fn escaped(json: &str) -> Cow<'_, str> {
    if !json.contains(is_obeyed) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len());
    for letter in json.chars() {
        if is_obeyed(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(letter);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a terminal does something else with a character than to show it: control characters of
/// both sets (ECMA-48), what turns the direction of a line (Unicode's `Bidi_Control`), further line
/// ends, and tags, which are invisible.
fn is_obeyed(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{200e}' | '\u{200f}' => true,
        _ if UNSEEN_RANGES.iter().any(|range| range.contains(&letter)) => true,
        _ => letter.is_control(),
    }
}

fn picture(letter: char) -> char {
    match letter {
        '\x7f' => '\u{2421}',
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(letter)).unwrap_or(UNSEEN),
        _ => UNSEEN,
    }
}

/// The sequence that a text begins with, if it is one of those that this program, its mistakes and
/// its help are coloured with: bold, faint, underlined, a colour that is neither black nor white,
/// or back to normal.
fn colour(text: &str) -> Option<&str> {
    let parameters = text.strip_prefix("\x1b[")?;
    let end = parameters.find(|letter: char| !letter.is_ascii_digit())?;
    let is_ours = parameters[end..].starts_with('m')
        && matches!(parameters[..end].parse(), Ok(0..=2 | 4 | 22 | 24 | 31..=36 | 39 | 91..=96));
    is_ours.then(|| &text[..="\x1b[".len() + end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        for (text, shown) in [
            ("web\x1b[1A\x1b[2Kfine", "web␛[1A␛[2Kfine"),
            ("\x1b]52;c;cm0gLXJm\x07", "␛]52;c;cm0gLXJm␇"),
            ("hidden\x08\x08\x7f\r", "hidden␈␈␡␍"),
            ("\u{9b}2J\u{202e}txet\u{2066}", "�2J�txet�"),
            ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
            ("two\r\nlines\tand a tab", "two\nlines\tand a tab"),
            ("naïve 日本 👩‍👩‍👧", "naïve 日本 👩‍👩‍👧"),
        ] {
            assert_eq!(clean(text, false), shown, "{text:?}");
        }
    }

    #[test]
    fn of_colours_only_ours_pass_and_only_where_there_are_any() {
        for ours in ["\x1b[1mbold\x1b[0m", "\x1b[31mred\x1b[39m", "\x1b[94mblue\x1b[0m"] {
            assert_eq!(clean(ours, true), ours);
        }
        for (other, shown) in [
            ("\x1b[8mhidden", "␛[8mhidden"),
            ("\x1b[30mblack", "␛[30mblack"),
            ("\x1b[1;8mboth", "␛[1;8mboth"),
            ("\x1b[38;5;0m", "␛[38;5;0m"),
            ("\x1b[mcut", "␛[mcut"),
            ("\x1b[31", "␛[31"),
            ("\x1b", "␛"),
        ] {
            assert_eq!(clean(other, true), shown, "{other:?}");
        }
    }

    #[test]
    fn json_says_the_same_in_other_words() {
        let value = serde_json::json!({ "name": "a\u{9b}2J\x7f\u{202e}\u{e0041}é\n" });
        let json = format!("{value:#}\n");
        let escaped = escaped(&json);
        assert!(!escaped.contains(is_obeyed), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }
}
