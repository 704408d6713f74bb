//! A stack's own text as it is shown beside a mistake: what is secret in it is blotted out, letter by
//! letter, so that everything else stays where it is.
//!
//! Every value of a variable and every word of a command may be secret, so none of them is shown;
//! elsewhere it is what is secret by its shape. The text has mistakes, so it is not read as YAML.

use crate::masking::without_secrets;

/// What stands for each byte of a secret.
const BLOT: &str = "*";

/// What values stand between.
const BETWEEN: &str = " \t\r\n'\"[]{},";

/// The keys beneath which every value is blotted out, and whether there are names beneath them.
const SECRETIVE: [(&str, bool); 5] = [
    ("environment", true),
    ("variables", true),
    ("outputs", true),
    ("command", false),
    ("health-command", false),
];

/// How values begin that say where a secret is, and are none.
const ELSEWHERE: [&str; 3] = ["secrets/", "databases/", "arn:"];

/// The text, as long as it was, without what may be secret.
pub(crate) fn blotted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut beneath: Option<Beneath> = None;
    for line in text.split_inclusive('\n') {
        let depth = depth_of(line);
        let is_blank = line.trim().is_empty();
        if beneath.as_ref().is_some_and(|it| !is_blank && !it.holds(depth)) {
            beneath = None;
        }
        if let Some(beneath) = &mut beneath {
            shown.push_str(&beneath.blotted(line, depth));
            continue;
        }
        let (end, has_names) = secretive(line).unwrap_or((line.len(), false));
        let (plain, values) = line.split_at(end);
        shown.push_str(&by_shape(plain));
        let mut begun = Beneath { depth, has_names, open: 0, values: None };
        shown.push_str(&begun.blotted(values, depth));
        beneath = (plain.len() < line.len()).then_some(begun);
    }
    shown
}

/// Where a line begins, the signs of list items left out.
fn depth_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

/// Where the first key of a line ends beneath which every value is blotted out, and whether there are
/// names beneath it.
fn secretive(line: &str) -> Option<(usize, bool)> {
    let behind = |(key, has_names): &(&str, bool)| {
        let is_key = |at: &usize| {
            let before = line[..*at].chars().next_back();
            let is_first = before.is_none_or(|letter| " {,'\"".contains(letter));
            is_first && line[at + key.len()..].trim_start_matches(['\'', '"']).starts_with(':')
        };
        let at = line.match_indices(*key).map(|(at, _)| at).find(is_key)?;
        Some((at + key.len(), *has_names))
    };
    SECRETIVE.iter().filter_map(behind).min()
}

/// A mapping or a list whose values are blotted out.
struct Beneath {
    /// How deep its key stands.
    depth: usize,
    /// Whether it has names of its own.
    has_names: bool,
    /// How many brackets are open in it.
    open: usize,
    /// How deep its own keys or items stand; none before the first.
    values: Option<usize>,
}

impl Beneath {
    /// Whether a line as deep as this is still of it.
    fn holds(&self, depth: usize) -> bool {
        self.open > 0 || depth > self.depth
    }

    fn blotted(&mut self, line: &str, depth: usize) -> String {
        let own = *self.values.get_or_insert(depth);
        // What is deeper than its keys is a value that goes on.
        let is_going_on = self.open == 0 && depth > own && own > self.depth;
        if own == self.depth {
            self.values = None;
        }
        let mut shown = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(letter) = rest.chars().next() {
            match letter {
                '[' | '{' => self.open += 1,
                ']' | '}' => self.open = self.open.saturating_sub(1),
                _ => {}
            }
            let taken = if BETWEEN.contains(letter) || letter == ':' {
                shown.push(letter);
                letter.len_utf8()
            } else {
                let end = rest.find(|c| BETWEEN.contains(c)).unwrap_or(rest.len());
                let next = rest.find("${").filter(|at| *at > 0 && *at < end);
                let end = filled(rest).or(next).unwrap_or(end);
                let word = &rest[..end];
                let is_key = self.has_names && !is_going_on && word.ends_with(':');
                let is_shown = is_key
                    || filled(rest).is_some()
                    || (!is_going_on && is_elsewhere(word))
                    || matches!(word, "-" | "|" | ">" | "#");
                if is_shown {
                    shown.push_str(word);
                } else {
                    shown.push_str(&BLOT.repeat(word.len()));
                }
                end
            };
            rest = &rest[taken..];
        }
        shown
    }
}

/// Whether a value says where a secret is.
fn is_elsewhere(word: &str) -> bool {
    ELSEWHERE.iter().any(|beginning| word.starts_with(beginning))
}

/// Where `${…}` ends that a text begins with, and that holds nothing but a name.
fn filled(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("${")?;
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let name = &inside[..inside.find(|c| !is_of_name(c))?];
    inside[name.len()..].starts_with('}').then_some("${}".len() + name.len())
}

/// A line without the words that are secret by their shape.
fn by_shape(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for part in line.split_inclusive(|c| BETWEEN.contains(c)) {
        let word = part.trim_end_matches(|c| BETWEEN.contains(c));
        if without_secrets(word) == word {
            shown.push_str(part);
        } else {
            shown.push_str(&BLOT.repeat(word.len()));
            shown.push_str(&part[word.len()..]);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_variables_and_words_of_commands_are_blotted_out_where_they_stand() {
        for (line, shown) in [
            (
                "environment: { LOG: info, token: \"a, b\" }",
                "environment: { LOG: ****, token: \"*, *\" }",
            ),
            ("  environment: { URL: s3${x}t }", "  environment: { URL: **${x}* }"),
            ("environment: { KEY: ${x, B: s3 }", "environment: { KEY: *{*, B: ** }"),
            ("command: [serve, --token=s3cr3t, é]", "command: [*****, **************, **]"),
            ("command: [--token=s3: 1]", "command: [*********** *]"),
            (
                "web: { cpu: 1, command: [a], memory: 2 }",
                "web: { cpu: 1, command: [*], ******* * }",
            ),
            ("URL: postgres://a:s3cr3t@db/main", "URL: ***************************"),
            // Not beneath any of them.
            ("password: mangaed", "password: mangaed"),
            (
                "secrets: { SESSION_KEY: secrets/session }",
                "secrets: { SESSION_KEY: secrets/session }",
            ),
            ("secrets: { session: { lenght: 40 } }", "secrets: { session: { lenght: 40 } }"),
            ("execute-command: tru", "execute-command: tru"),
            ("", ""),
        ] {
            let blotted = blotted(line);
            assert_eq!(blotted, shown, "{line}");
            assert_eq!(blotted.len(), line.len(), "{blotted}");
        }
    }

    #[test]
    fn what_is_beneath_a_key_is_blotted_out_to_its_end() {
        for (text, shown) in [
            (
                "environment:\n  TLS_KEY: |\n    one two\n\n    three: 3\n  LOG: info\nport: 80\n",
                "environment:\n  TLS_KEY: |\n    *** ***\n\n    ****** *\n  LOG: ****\nport: 80\n",
            ),
            (
                "  command:\n    - serve\n    - --password\n    - s3cr3t\n  cpu: 256\n",
                "  command:\n    - *****\n    - **********\n    - ******\n  cpu: 256\n",
            ),
            ("  command:\n  - s3cr3t\n  cpu: 256\n", "  command:\n  - ******\n  cpu: 256\n"),
            (
                "environment:\n  db-pwd: \"one\n    two\"\n  A: ${api}\nport: 80\n",
                "environment:\n  db-pwd: \"***\n    ***\"\n  A: ${api}\nport: 80\n",
            ),
            (
                "environment: {\n  A: one,\nB: two }\nport: 80\n",
                "environment: {\n  A: ***,\nB: *** }\nport: 80\n",
            ),
        ] {
            assert_eq!(blotted(text), shown, "{text}");
        }
    }
}
