//! Advice that is right when it is typed: a command that is advised names the stack and the
//! environment as the command did that gives the advice.

use std::borrow::Cow;

use clap::ArgMatches;

use crate::render::{broken, width_of};

/// What a command in a text begins with.
const COMMAND: &str = "`deployer ";

/// The longest command that is advised.
const LONGEST: usize = 200;

/// Those that are about no stack.
const OF_NO_STACK: [&str; 3] = ["help", "schema", "completions"];

/// The options that say which stack is meant, by their names in the code. Not `--var`, which may have
/// a secret.
const OPTIONS: [(&str, &str); 4] =
    [("file", "file"), ("env", "env"), ("region", "region"), ("variable_files", "var-file")];

/// How the command line says which stack is meant, with a space before each word; what a person has
/// to put between quotes is left to them.
pub(crate) fn which(matches: &ArgMatches) -> String {
    let mut matches = matches;
    while let Some((_, inner)) = matches.subcommand() {
        matches = inner;
    }
    let mut words = String::new();
    for (name, option) in OPTIONS {
        // Not every command takes them.
        let Ok(Some(given)) = matches.try_get_raw(name) else { continue };
        for value in given.filter_map(|value| value.to_str()) {
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
            if value.chars().all(is_plain) {
                words.extend([" --", option, " ", value]);
            }
        }
    }
    words
}

/// A text in which each command that it advises says which stack is meant, in lines of no more than
/// `width` columns where they became longer.
pub(crate) fn typed<'a>(text: &'a str, which: &str, width: usize) -> Cow<'a, str> {
    if which.is_empty() || !text.contains(COMMAND) {
        return Cow::Borrowed(text);
    }
    let mut typed = String::with_capacity(text.len() + which.len());
    let mut rest = text;
    while let Some(start) = rest.find(COMMAND) {
        let inside = start + 1;
        let end = rest[inside..].find('`').filter(|length| *length <= LONGEST);
        let Some(end) = end.map(|length| inside + length) else { break };
        // What stands behind `--` is another command's.
        let own = rest[inside..end].find(" -- ").map_or(end, |length| inside + length);
        typed.push_str(&rest[..own]);
        // Of others it is said what they do since when.
        if !is_whole(&rest[inside..own]) && !rest[end..].starts_with("` since") {
            typed.push_str(which);
        }
        typed.push_str(&rest[own..=end]);
        rest = &rest[end + 1..];
    }
    typed.push_str(rest);
    Cow::Owned(typed.split_inclusive('\n').map(|line| within(line, width)).collect())
}

/// A line with a command, broken where it is too long, as deep as it begins.
fn within(line: &str, width: usize) -> String {
    if !line.contains(COMMAND) || width_of(line) <= width {
        return line.to_owned();
    }
    let text = line.trim_start_matches(' ');
    let beginning = line.len() - text.len();
    // What goes on behind `= help:` stands behind the sign.
    let depth = if text.starts_with("= ") { beginning + 2 } else { beginning };
    let (text, end) = text.strip_suffix('\n').map_or((text, ""), |text| (text, "\n"));
    let lines = broken(text, width.saturating_sub(depth).max(1));
    let joint = format!("\n{}", " ".repeat(depth));
    format!("{}{}{end}", " ".repeat(beginning), lines.join(&joint))
}

/// Whether a command needs nothing more, or says by itself which stack it means.
fn is_whole(command: &str) -> bool {
    let mut words = command.split_whitespace().skip(1);
    let is_of_none = words.next().is_none_or(|verb| OF_NO_STACK.contains(&verb));
    // A saved plan has its stack with it.
    is_of_none || words.any(|word| word.starts_with("--env") || word.contains(".json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_advised_names_the_environment_that_was_named() {
        let which = " --env prod";
        for (said, shown) in [
            ("run `deployer apply` first", "run `deployer apply --env prod` first"),
            (
                "`deployer publish\n  web` rolls it out",
                "`deployer publish\n  web --env prod` rolls it out",
            ),
            (
                "`deployer help adopt` and `deployer plan`",
                "`deployer help adopt` and `deployer plan --env prod`",
            ),
            ("`deployer run web -- ls -l`", "`deployer run web --env prod -- ls -l`"),
            ("`deployer apply p.json`", "`deployer apply p.json`"),
            ("no end: `deployer apply", "no end: `deployer apply"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(typed(said, which, 80), shown);
            assert_eq!(typed(said, "", 80), said);
        }
    }

    #[test]
    fn what_became_too_long_goes_on_beneath_its_beginning() {
        let said = "  = help: run `deployer plan` and then `deployer apply`, please\nnext\n";
        let shown = "  = help: run `deployer plan --env prod`\n    and then `deployer apply --env prod`,\n    \
                     please\nnext\n";
        assert_eq!(typed(said, " --env prod", 42), shown);
    }
}
