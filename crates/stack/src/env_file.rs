//! Files of environment variables: lines of `NAME=value`, as Docker and others read them.

use std::collections::BTreeMap;

use deployer_core::{is_plainly_secret, is_secretive};

use crate::words;

/// A line that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    /// Its number, from 1.
    pub(crate) line: usize,
    /// What is wrong with it; never its value.
    pub(crate) what: String,
    /// What to do.
    pub(crate) help: String,
}

/// The variables of a file, and the lines that say none.
///
/// Empty lines and those that begin with `#` say nothing. A value may stand in quotes: between `'`
/// it is taken as it is, and between `"` a `\\` makes a line end or a tab of `n` and `t`, and itself
/// of anything else. Without quotes it ends before ` #`. Nothing is filled in.
pub(crate) fn read(text: &str) -> (BTreeMap<String, String>, Vec<Wrong>) {
    let (mut variables, mut wrong) = (BTreeMap::new(), Vec::new());
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let number = index + 1;
        let mut refuse = |what: String, help: String| {
            wrong.push(Wrong { line: number, what, help });
        };
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            refuse("it has no `=`".to_owned(), "write `NAME=value`".to_owned());
            continue;
        };
        let name = name.trim();
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if name.is_empty() || !name.chars().all(is_part) {
            // What stands there may be a value, written in another form.
            let what = "what stands before its `=` is no name".to_owned();
            refuse(what, "write `NAME=value`".to_owned());
        } else if words::is_refused_variable(name) {
            let what = format!("`{name}` cannot be an environment variable");
            refuse(what, "write another name".to_owned());
        } else if let Some(first) = lines.insert(name, number) {
            let help = "keep one of the two".to_owned();
            refuse(format!("`{name}` stands in line {first} as well"), help);
        } else {
            match value_of(value.trim()) {
                Ok(value) if is_secret(name, &value) => refuse(
                    format!("`{name}` looks like a secret, and the environment is no secret"),
                    "name it in `secrets:`; what is none may stand in `environment:`".to_owned(),
                ),
                Ok(value) => drop(variables.insert(name.to_owned(), value)),
                Err((what, help)) => refuse(what.to_owned(), help.to_owned()),
            }
        }
    }
    (variables, wrong)
}

/// What refers to a secret is none itself.
fn is_secret(name: &str, value: &str) -> bool {
    let is_empty = value.is_empty() || value.starts_with("arn:");
    is_plainly_secret(value) || (is_secretive(name) && !is_empty)
}

/// The value that is written, or what is wrong with it and advice.
fn value_of(written: &str) -> Result<String, (&'static str, &'static str)> {
    const OPEN: (&str, &str) = ("its quote is not closed", "close it at the end of the line");
    if let Some(rest) = written.strip_prefix('\'') {
        return match rest.split_once('\'') {
            Some((value, "")) => Ok(value.to_owned()),
            _ => Err(OPEN),
        };
    }
    let value = match written.strip_prefix('"') {
        Some(rest) => unescaped(rest).ok_or(OPEN)?,
        None => written.split_once(" #").map_or(written, |(value, _)| value.trim_end()).to_owned(),
    };
    if value.contains("${") {
        let help =
            "write the value itself, or the variable in `environment:`; `'${…}'` stands as it is";
        return Err(("nothing is filled in for `${…}`", help));
    }
    Ok(value)
}

/// What stands up to the closing quote, which ends the line.
fn unescaped(rest: &str) -> Option<String> {
    let (mut value, mut letters) = (String::new(), rest.chars());
    loop {
        match letters.next()? {
            '"' => return letters.next().is_none().then_some(value),
            '\\' => value.push(match letters.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            letter => value.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written() {
        let text = "\u{feff}# of all\r\nA=1\r\n\nexport B = two words # said\nC='${x} # y'\n\
                    D=\"a\\n\\\"b\\\"\"\nE=\nF=a=b#c\nTOKEN_ARN=arn:aws:x\n";
        let (variables, wrong) = read(text);
        let read: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "${x} # y"),
            ("D", "a\n\"b\""),
            ("E", ""),
            ("F", "a=b#c"),
            ("TOKEN_ARN", "arn:aws:x"),
        ];
        assert_eq!(read, expected);
        assert_eq!(wrong, []);
    }

    #[test]
    fn lines_that_say_nothing_are_named_without_what_is_in_them() {
        let text = "A\n=1\nB C=1\nA='1\nA=1\nD=${A}\nDB_PASSWORD=hunter2\nX=ghp_abc\nY=\"1\" 2\n";
        let (variables, wrong) = read(text);
        assert!(variables.is_empty(), "{variables:?}");
        let lines: Vec<usize> = wrong.iter().map(|it| it.line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert!(wrong.iter().all(|it| !it.what.contains("hunter2") && !it.what.contains("ghp")));
    }
}
