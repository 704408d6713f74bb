//! Reads variables one by one and remembers what is wrong with them.

use std::{str::FromStr, time::Duration};

use super::{Environment, Mistake};

/// Reads an environment and collects the mistakes found on the way.
pub(super) struct Reader<'e> {
    environment: &'e Environment,
    mistakes: Vec<Mistake>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(environment: &'e Environment) -> Self {
        Self { environment, mistakes: Vec::new() }
    }

    /// Reads a variable; set to nothing counts as not set.
    pub(super) fn text(&self, variable: &str) -> Option<&'e str> {
        self.environment.get(variable).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// Reads a variable whose absence is a mistake, because `because` is set.
    pub(super) fn needed(&mut self, variable: &str, because: &str) -> String {
        self.text(variable).map_or_else(
            || {
                self.mistake(variable, format!("is missing; {because} needs it"));
                String::new()
            },
            ToOwned::to_owned,
        )
    }

    /// Reads a variable into its type. The default is trusted to parse.
    pub(super) fn parsed<T: FromStr>(&mut self, variable: &str, default: &str, what: &str) -> T {
        let value = self.text(variable).unwrap_or(default);
        value.parse().unwrap_or_else(|_| {
            self.mistake(variable, format!("must be {what}, not `{value}`"));
            default.parse().ok().expect("the default of a setting parses")
        })
    }

    /// Reads a number of seconds.
    pub(super) fn seconds(&mut self, variable: &str, default: u32) -> Duration {
        let default = default.to_string();
        Duration::from_secs(
            self.parsed::<u32>(variable, &default, "a whole number of seconds").into(),
        )
    }

    /// Reads a variable that is one of a few words, the first of which is the default.
    pub(super) fn one_of<T: Copy>(&mut self, variable: &str, words: &[(&str, T)]) -> T {
        let default = words[0].1;
        let Some(value) = self.text(variable) else { return default };
        words.iter().find(|(word, _)| *word == value).map_or_else(
            || {
                let words: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
                let (last, first) = words.split_last().expect("a setting has words");
                let words = format!("{} or {last}", first.join(", "));
                self.mistake(variable, format!("must be {words}, not `{value}`"));
                default
            },
            |(_, meaning)| *meaning,
        )
    }

    pub(super) fn mistake(&mut self, variable: &str, problem: impl Into<String>) {
        self.mistakes.push(Mistake { variable: variable.into(), problem: problem.into() });
    }

    /// Hands over what was read, unless something was wrong.
    pub(super) fn finish<T>(self, read: T) -> Result<T, Vec<Mistake>> {
        if self.mistakes.is_empty() { Ok(read) } else { Err(self.mistakes) }
    }
}
