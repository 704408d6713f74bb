//! A stack's own text as it is shown beside a mistake: what is secret in it is blotted out, letter by
//! letter, so that everything else stays where it is. What is said of the mistake leaves it out too.
//!
//! Every value of a variable and every word of a command may be secret, so none of them is shown, and
//! none that stands beneath the name of a secret; elsewhere it is what is secret by its shape. The text
//! has mistakes, so it is not read as YAML.

use std::ops::Range;

use deployer_core::closest;

use crate::masking::{is_secretive, without_secrets};

/// What stands for each byte of a secret.
const BLOT: &str = "*";

/// What values stand between.
const BETWEEN: &str = " \t\r\n'\"[]{},";

/// The keys beneath which every value is blotted out, in the words of other tools as well, and whether
/// there are names beneath them.
const SECRETIVE: [(&str, bool); 13] = [
    ("environment", true),
    ("environment-variables", true),
    ("env", true),
    ("envs", true),
    ("vars", true),
    ("variables", true),
    ("outputs", true),
    ("command", false),
    ("health-command", false),
    ("cmd", false),
    ("args", false),
    ("entrypoint", false),
    ("entry-point", false),
];

/// Keys that look like one of those, or like the name of a secret, and are neither.
const HARMLESS: [&str; 5] =
    ["environments", "secrets", "secret", "private-access", "execute-command"];

/// What stands for a secret in what is said of a mistake.
const LEFT_OUT: &str = "…";

/// How values begin that say where a secret is, and are none.
const ELSEWHERE: [&str; 3] = ["secrets/", "databases/", "arn:"];

/// A text without what may be secret in it.
pub(crate) struct Blotted<'a> {
    text: &'a str,
    /// As long as the text.
    pub(crate) shown: String,
}

impl<'a> Blotted<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, shown: blotted(text) }
    }

    /// What is said of a mistake in the lines of this range, without the words that are blotted out
    /// there. Text of the stack stands between backticks in messages.
    pub(crate) fn without_secrets(&self, message: &str, range: Range<usize>) -> String {
        let secrets = self.secrets(range);
        let parts = message
            .split('`')
            .enumerate()
            .map(|(at, part)| if at % 2 == 0 { part.to_owned() } else { without(part, &secrets) });
        parts.collect::<Vec<_>>().join("`")
    }

    /// The words that are blotted out in the lines of this range, the longest first.
    fn secrets(&self, range: Range<usize>) -> Vec<&'a str> {
        let start = self.text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = self.text[range.end..].find('\n').map_or(self.text.len(), |at| range.end + at);
        let lines = &self.text[start..end];
        let mut secrets = Vec::new();
        let mut at = 0;
        for part in lines.split_inclusive(|c| BETWEEN.contains(c)) {
            let word = part.trim_end_matches(|c| BETWEEN.contains(c));
            let shown = &self.shown.as_bytes()[start + at..][..word.len()];
            at += part.len();
            // A part of a word may be shown, such as `${name}`.
            let hidden = shown.iter().zip(word.bytes()).any(|(shown, letter)| *shown != letter);
            if hidden {
                let value = word.split_once('=').map(|(_, value)| value);
                secrets.extend([Some(word), value].into_iter().flatten());
            }
        }
        secrets.retain(|word| !word.is_empty());
        secrets.sort_by_key(|word| std::cmp::Reverse(word.len()));
        secrets
    }
}

/// A text without these words, where they stand alone.
fn without(text: &str, words: &[&str]) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let is_beginning = !shown.ends_with(is_part);
        let word = words.iter().find(|word| {
            is_beginning
                && rest.strip_prefix(**word).is_some_and(|after| !after.starts_with(is_part))
        });
        let taken =
            word.map_or_else(|| rest.chars().next().map_or(0, char::len_utf8), |it| it.len());
        let (begun, after) = rest.split_at(taken);
        shown.push_str(if word.is_some() { LEFT_OUT } else { begun });
        rest = after;
    }
    shown
}

/// The text, as long as it was, without what may be secret.
fn blotted(text: &str) -> String {
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
    let is_between = |c: char| BETWEEN.contains(c);
    let mut at = 0;
    for part in line.split_inclusive(|c| is_between(c) || c == ':') {
        let word = part.trim_end_matches(|c| is_between(c) || c == ':');
        let (begin, end) = (at, at + word.len());
        at += part.len();
        let is_first = line[..begin].chars().next_back().is_none_or(|c| " {,'\"".contains(c));
        let after = line[end..].trim_start_matches(['\'', '"']).strip_prefix(':');
        let is_key = after.is_some_and(|after| after.is_empty() || after.starts_with(is_between));
        if let Some(has_names) = hides(word).filter(|_| is_first && is_key) {
            return Some((end, has_names));
        }
    }
    None
}

/// Whether what stands beneath a key is blotted out: with names beneath it, or without. One that is
/// misspelt hides it as well.
fn hides(key: &str) -> Option<bool> {
    if HARMLESS.contains(&key) {
        return None;
    }
    let meant = closest(key, SECRETIVE.iter().map(|(key, _)| *key));
    let meant = SECRETIVE.iter().find(|(key, _)| Some(*key) == meant);
    meant.map(|(_, has_names)| *has_names).or_else(|| is_secretive(key).then_some(true))
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
    use std::collections::BTreeSet;

    use serde_json::{Map, Value};

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
            ("password: hunter2", "password: *******"),
            ("{ master-password: s3, port: 1 }", "{ master-password: **, port: * }"),
            ("env: { LOG: info }", "env: { LOG: **** }"),
            ("environmnt: [LOG=info]", "environmnt: [********]"),
            // Not beneath any of them.
            ("environments: { dev: {} }", "environments: { dev: {} }"),
            ("arn: arn:aws:secretsmanager:x:secret:y", "arn: arn:aws:secretsmanager:x:secret:y"),
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

    /// The keys of the language, however deep they stand in its schema.
    fn keys_of(schema: &Value, keys: &mut BTreeSet<String>) {
        let properties = schema.get("properties").and_then(Value::as_object);
        keys.extend(properties.into_iter().flat_map(Map::keys).cloned());
        match schema {
            Value::Object(fields) => fields.values().for_each(|field| keys_of(field, keys)),
            Value::Array(items) => items.iter().for_each(|item| keys_of(item, keys)),
            _ => {}
        }
    }

    #[test]
    fn of_the_languages_own_keys_those_hide_their_values_that_may_have_a_secret() {
        let mut keys = BTreeSet::new();
        keys_of(&deployer_stack::schema(&deployer_kinds::all()), &mut keys);
        let hiding: Vec<_> = keys.iter().filter(|key| hides(key).is_some()).collect();
        let expected = [
            "args",
            "command",
            "entry-point",
            "environment",
            "health-command",
            "key",
            "keys",
            "outputs",
            "password",
            "variables",
        ];
        assert_eq!(hiding, expected);
    }

    #[test]
    fn what_is_said_of_a_mistake_leaves_out_what_is_blotted_out_where_it_stands() {
        let text = "port: 80\nenvironment: [DB=s3, A=s3cr3t]\ncommand: \"--token s3cr3t\"\n";
        let said = |line: &str, message: &str| {
            let at = text.find(line).unwrap();
            Blotted::new(text).without_secrets(message, at..at + line.len())
        };
        assert_eq!(
            said("environment", "`s3` is a text; write `{ DB: s3, A: s3cr3t }`, s3-like"),
            "`…` is a text; write `{ DB: …, A: … }`, s3-like"
        );
        assert_eq!(said("command", "write `[\"--token\", s3cr3t]`"), "write `[\"…\", …]`");
        // Words of another line, and a part of a word.
        assert_eq!(said("port", "write `s3cr3t`"), "write `s3cr3t`");
        assert_eq!(said("environment", "write `s3-x`"), "write `s3-x`");
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
