//! A stack's own text as it is shown beside a mistake: what is secret in it is blotted out, letter by
//! letter, so that everything else stays where it is.

use std::ops::Range;

use crate::masking::{is_secretive, without_secrets};

/// What stands for each byte of a secret.
const BLOT: u8 = b'*';

/// What words end at.
const BETWEEN: &str = " \t\r\n'\"[]{},";

/// How values begin that say where a secret is, and are none.
const ELSEWHERE: [&str; 3] = ["secrets/", "databases/", "arn:"];

/// The text, as long as it was, without what is secret by the name of its variable or by its shape.
pub(crate) fn blotted(text: &str) -> String {
    let mut shown = Shown(text.as_bytes().to_vec());
    let (mut start, mut variable) = (0, None);
    for line in text.split_inclusive('\n') {
        let depth = line.len() - line.trim_start_matches([' ', '-']).len();
        let is_beneath = variable.is_some_and(|at| depth > at || line.trim().is_empty());
        if is_beneath {
            shown.blot(text, start..start + line.len());
        } else {
            let goes_on = values(line, |value| {
                shown.blot(text, start + value.start..start + value.end);
            });
            words(line, |word| shown.blot(text, start + word.start..start + word.end));
            variable = goes_on.then_some(depth);
        }
        start += line.len();
    }
    // Whole letters have been replaced by letters.
    String::from_utf8(shown.0).unwrap_or_default()
}

struct Shown(Vec<u8>);

impl Shown {
    /// Blots out what is not the frame of it: blanks, brackets, and what is filled in.
    fn blot(&mut self, text: &str, range: Range<usize>) {
        let mut rest = range;
        while !rest.is_empty() {
            let part = &text[rest.clone()];
            let (end, next) = match part.find("${") {
                Some(from) => (from, part[from..].find('}').map_or(part.len(), |to| from + to + 1)),
                None => (part.len(), part.len()),
            };
            for byte in &mut self.0[rest.start..rest.start + end] {
                if !BETWEEN.as_bytes().contains(byte) {
                    *byte = BLOT;
                }
            }
            rest.start += next;
        }
    }
}

/// Finds the values of variables that are secret by their names; says whether one goes on beneath
/// its line. The keys of the language are not written as variables are, and a key of JSON stands
/// between quotes.
fn values(line: &str, mut found: impl FnMut(Range<usize>)) -> bool {
    let mut from = 0;
    while let Some(colon) = line[from..].find(':').map(|at| from + at) {
        from = colon + 1;
        let before = line[..colon].strip_suffix(['"', '\'']);
        let key = before.unwrap_or(&line[..colon]);
        let is_name = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let name = &key[key.trim_end_matches(is_name).len()..];
        let is_variable = before.is_some() || name.contains(|c: char| c.is_uppercase() || c == '_');
        let is_key = line[from..].starts_with([' ', '\n', '"']) || from == line.len();
        let is_elsewhere = ELSEWHERE.iter().any(|it| line[from..].trim_start().starts_with(it));
        if !is_variable || !is_key || is_elsewhere || !is_secretive(name) {
            continue;
        }
        let end = from + end_of_value(&line[from..]);
        found(from..end);
        if matches!(line[from..].trim_start().chars().next(), None | Some('|' | '>' | '#')) {
            return true;
        }
        from = end;
    }
    false
}

/// Where a value ends: at the comma or the bracket that ends what it is in, or with its line.
fn end_of_value(text: &str) -> usize {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, letter) in text.char_indices() {
        if let Some(open) = quote {
            quote = (open != letter).then_some(open);
            continue;
        }
        match letter {
            '"' | '\'' => quote = Some(letter),
            '[' | '{' => depth += 1,
            ']' | '}' | ',' if depth == 0 => return at,
            ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

/// Finds the words that are secret by their shape, and those behind a flag that is.
fn words(line: &str, mut found: impl FnMut(Range<usize>)) {
    let (mut from, mut is_next_secret) = (0, false);
    for word in line.split_inclusive(|c| BETWEEN.contains(c)) {
        let range = from..from + word.trim_end_matches(|c| BETWEEN.contains(c)).len();
        from += word.len();
        let word = &line[range.clone()];
        if word.is_empty() {
            continue;
        }
        let is_flag = word.starts_with('-') && !word.contains('=') && is_secretive(word);
        if std::mem::replace(&mut is_next_secret, is_flag) || without_secrets(word) != word {
            found(range);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_by_its_name_or_its_shape_is_blotted_out_where_it_stands() {
        for (line, shown) in [
            ("      DB_PASS: s3cr3t", "      DB_PASS: ******"),
            ("DB_PASS: [s3cr3t, é] # why", "DB_PASS: [******, **] * ***"),
            ("DB_PASS: s3${x}t", "DB_PASS: **${x}*"),
            (
                "{ LOG: info, API_KEY: \"a, b\", PORT: 1 }",
                "{ LOG: info, API_KEY: \"*, *\", PORT: 1 }",
            ),
            ("CONFIG: '{\"password\": \"s3cr3t\"}'", "CONFIG: '{\"password\": \"******\"}'"),
            ("URL: postgres://a:s3cr3t@db/main", "URL: ***************************"),
            (
                "command: [serve, --token=s3cr3t, --port, 80]",
                "command: [serve, **************, --port, 80]",
            ),
            ("command: [serve, --password, s3cr3t]", "command: [serve, --password, ******]"),
            // Words of the language.
            ("password: mangaed", "password: mangaed"),
            (
                "secrets: { SESSION_KEY: secrets/session }",
                "secrets: { SESSION_KEY: secrets/session }",
            ),
            ("secrets: { session: { lenght: 40 } }", "secrets: { session: { lenght: 40 } }"),
        ] {
            let blotted = blotted(line);
            assert_eq!(blotted.len(), line.len(), "{blotted}");
            assert_eq!(blotted, shown, "{line}");
        }
    }

    #[test]
    fn a_value_that_goes_on_beneath_its_name_is_blotted_out_to_its_end() {
        let text = "environment:\n  TLS_KEY: |\n    one two\n\n    three\n  LOG: info\n  DB_PASSWORD:\n    s3cr3t\nport: 80\n";
        let shown = "environment:\n  TLS_KEY: *\n    *** ***\n\n    *****\n  LOG: info\n  DB_PASSWORD:\n    ******\nport: 80\n";
        assert_eq!(blotted(text), shown);
    }
}
