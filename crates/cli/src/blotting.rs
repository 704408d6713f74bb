//! A stack's own text as it is shown beside a mistake: what is secret in it is blotted out, letter by
//! letter, so that everything else stays where it is. What is said of the mistake leaves it out too.
//!
//! Every value of a variable and every word of a command may be secret, so none of them is shown, and
//! none that stands beneath the name of a secret; elsewhere it is what is secret by its shape. The text
//! has mistakes, so it is not read as YAML.

use std::collections::BTreeSet;
use std::ops::Range;

use deployer_core::{closest, is_secretive};

use crate::masking::without_secrets;

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
const HARMLESS: [&str; 8] = [
    "environments",
    "secrets",
    "secrets-from",
    "secret",
    "private",
    "private-access",
    "private-dns",
    "execute-command",
];

/// The letters of a word that is a secret's wherever it stands.
const LONG: usize = 6;

/// What stands for a secret in what is said of a mistake.
const LEFT_OUT: &str = "…";

/// How values begin that say where a secret is, and are none.
const ELSEWHERE: [&str; 3] = ["secrets/", "databases/", "arn:"];

/// A text without what may be secret in it.
pub(crate) struct Blotted<'a> {
    pub(crate) text: &'a str,
    /// As long as the text.
    pub(crate) shown: String,
}

impl<'a> Blotted<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, shown: blotted(text) }
    }

    /// What is not to be said of a mistake in these ranges: the words that are blotted out there.
    pub(crate) fn unsaid(&self, ranges: impl Iterator<Item = Range<usize>>) -> Unsaid {
        let (mut long, mut short) = (BTreeSet::new(), BTreeSet::new());
        for range in ranges {
            let (lines, block) = self.around(range);
            let words = self.secrets(block).into_iter();
            long.extend(words.filter(|word| word.chars().count() >= LONG));
            short.extend(self.secrets(lines));
        }
        Unsaid { long: sorted(long), short: sorted(short) }
    }

    /// The lines of a range, and the same with what is beneath them: a mistake in a list may stand at
    /// its key.
    fn around(&self, range: Range<usize>) -> (Range<usize>, Range<usize>) {
        let start = self.text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end =
            self.text[range.end..].find('\n').map_or(self.text.len(), |at| range.end + at + 1);
        let depth = depth_of(self.text[start..].lines().next().unwrap_or_default());
        let beneath = self.text[end..]
            .split_inclusive('\n')
            .take_while(|line| line.trim().is_empty() || depth_of(line) > depth);
        let beneath: usize = beneath.map(str::len).sum();
        (start..end, start..end + beneath)
    }

    /// The words that are blotted out in a range, each in every way that a message may write it.
    fn secrets(&self, range: Range<usize>) -> BTreeSet<String> {
        let mut secrets = BTreeSet::new();
        let mut at = range.start;
        for part in self.text[range].split_inclusive(|c| BETWEEN.contains(c)) {
            let word = part.trim_end_matches(|c| BETWEEN.contains(c));
            let shown = &self.shown.as_bytes()[at..][..word.len()];
            at += part.len();
            // A part of a word may be shown, such as `${name}`.
            let is_hidden = shown.iter().zip(word.bytes()).any(|(shown, letter)| *shown != letter);
            let value = word.split_once('=').map(|(_, value)| value);
            for word in [Some(word), value].into_iter().flatten().filter(|_| is_hidden) {
                let escaped = serde_json::Value::from(word).to_string();
                secrets.insert(escaped.trim_matches('"').to_owned());
                secrets.extend(serde_json::from_str::<String>(&format!("\"{word}\"")));
                secrets.insert(word.to_owned());
            }
        }
        secrets.retain(|word| !word.is_empty());
        secrets
    }
}

/// The words that messages about a mistake leave out, the longest first.
pub(crate) struct Unsaid {
    long: Vec<String>,
    /// Looked for in quoted text alone: they may be words of ours too.
    short: Vec<String>,
}

impl Unsaid {
    /// A message without them.
    pub(crate) fn left_out_of(&self, message: &str) -> String {
        let shown = without(message, &self.long);
        let parts = shown.split('`').enumerate().map(|(at, part)| match at % 2 {
            0 => part.to_owned(),
            _ => without(part, &self.short),
        });
        parts.collect::<Vec<_>>().join("`")
    }
}

/// Words, the longest first.
fn sorted(words: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut words: Vec<String> = words.into_iter().collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words
}

/// A text without these words, where they stand alone.
fn without(text: &str, words: &[String]) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let is_beginning = !shown.ends_with(is_part);
        let is_here = |word: &&String| {
            let after = rest.strip_prefix(word.as_str());
            is_beginning && after.is_some_and(|after| !after.starts_with(is_part))
        };
        let taken = if let Some(word) = words.iter().find(is_here) {
            shown.push_str(LEFT_OUT);
            word.len()
        } else {
            shown.push(letter);
            letter.len_utf8()
        };
        rest = &rest[taken..];
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
        let is_first = line[..begin].chars().next_back().is_none_or(|c| " {[,'\"".contains(c));
        let value = line[end..].trim_start_matches(['\'', '"', ' ']).strip_prefix(':');
        let Some(value) =
            value.filter(|it| is_first && (it.is_empty() || it.starts_with(is_between)))
        else {
            continue;
        };
        if let Some(has_names) = hides(word, begin, value.trim()) {
            return Some((end, has_names));
        }
    }
    None
}

/// Whether what stands beneath a key is blotted out: with names beneath it, or without. A long one
/// that is misspelt hides it as well, and the name of a secret hides a value that stands behind it:
/// a mapping may be that of a service of this name.
fn hides(key: &str, column: usize, value: &str) -> Option<bool> {
    // The section has what is known of secrets; deeper there are their names.
    if key == "secrets" && column > 0 {
        return Some(true);
    }
    if HARMLESS.contains(&key) {
        return None;
    }
    let is_long = key.chars().count() >= LONG;
    let meant = closest(key, SECRETIVE.iter().map(|(known, _)| *known));
    let meant = SECRETIVE.iter().find(|(known, _)| Some(*known) == meant);
    if let Some((_, has_names)) = meant.filter(|(known, _)| is_long || *known == key) {
        return Some(*has_names);
    }
    let is_value = !value.is_empty() && !value.starts_with('{');
    (is_value && is_secretive(key)).then_some(false)
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
            ("{ master-password: s3, port: 1 }", "{ master-password: **, ***** * }"),
            ("password : \"hunter2: x\"", "password : \"******** *\""),
            ("[password: hunter2]", "[password: *******]"),
            ("  secrets: { KEY: hunter2 }", "  secrets: { KEY: ******* }"),
            ("  auth: { image: nginx }", "  auth: { image: nginx }"),
            ("  cms: { image: nginx }", "  cms: { image: nginx }"),
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
        let hiding: Vec<_> = keys.iter().filter(|key| hides(key, 0, "x").is_some()).collect();
        let expected = [
            "args",
            "command",
            "credentials",
            "entry-point",
            "environment",
            "health-command",
            "key",
            "keys",
            "outputs",
            "password",
            "secret-options",
            "variables",
        ];
        assert_eq!(hiding, expected);
    }

    #[test]
    fn what_is_said_of_a_mistake_leaves_out_what_is_blotted_out_where_it_stands() {
        let text = "port: 80\nenvironment: [DB=s3, A=s3cr3t]\ncommand: \"--token s3cr3t\"\n\
                    args:\n  - A=x`longer`y\n  - B=\"p\\u0061ssword\"\n  - C=x\n";
        let said = |line: &str, message: &str| {
            let at = text.find(line).unwrap();
            let range = at..at + line.len();
            Blotted::new(text).unsaid(std::iter::once(range)).left_out_of(message)
        };
        assert_eq!(
            said("environment", "`s3` is a text; write `{ DB: s3, A: s3cr3t }`, s3-like"),
            "`…` is a text; write `{ DB: …, A: … }`, s3-like"
        );
        assert_eq!(said("command", "write `[\"--token\", s3cr3t]`"), "write `[\"…\", …]`");
        assert_eq!(said("environment", "`s3cr3t` and s3cr3t, s3"), "`…` and …, s3");
        // Words of another line, and a part of a word.
        assert_eq!(said("port", "write `s3cr3t`"), "write `s3cr3t`");
        // What is beneath a key, with a backtick in it, or written otherwise.
        assert_eq!(
            said("args", "write `{ A: x`longer`y, B: password, C: x }`"),
            "write `{ A: …, B: …, C: x }`"
        );
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
