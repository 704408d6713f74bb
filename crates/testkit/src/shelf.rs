//! Where a cloud in memory keeps parameters.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use deployer_core::{Cause, Failure, Scope};
use deployer_engine::{Parameter, Result};
use tokio::time::Instant;

/// Parameters by scope and name.
#[derive(Clone, Debug, Default)]
pub struct Shelf {
    written: BTreeMap<(String, String), Written>,
    /// When those went whose names stay taken for a while.
    gone: BTreeMap<(String, String), Instant>,
    withheld_for: Duration,
}

#[derive(Clone, Debug)]
struct Written {
    value: String,
    version: u64,
    at: Instant,
}

impl Shelf {
    /// All of a scope; of secret ones, which are told by their names alone here, no text.
    pub fn all(&self, scope: &Scope) -> Vec<Parameter> {
        let ours = self.written.iter().filter(|((of, _), _)| *of == scope.to_string());
        let parameters = ours.map(|((_, name), Written { value, version, at })| Parameter {
            value: if name.ends_with("/private") { String::new() } else { value.clone() },
            name: name.clone(),
            version: *version,
            age: Some(at.elapsed()),
        });
        parameters.collect()
    }

    /// The environments of a stack that there are parameters of.
    pub fn environments(&self, stack: &str) -> BTreeSet<String> {
        let scopes = self.written.keys().filter_map(|(scope, _)| scope.split_once('/'));
        scopes.filter(|(of, _)| *of == stack).map(|(_, name)| name.to_owned()).collect()
    }

    /// The names there are, in any scope.
    pub fn names(&self) -> Vec<String> {
        self.written.keys().map(|(_, name)| name.clone()).collect()
    }

    /// The text of one, secret or not.
    pub fn reveal(&self, scope: &Scope, name: &str) -> Option<String> {
        self.written.get(&key(scope, name)).map(|written| written.value.clone())
    }

    /// Makes one; `false` when the name is taken.
    pub fn make(&mut self, scope: &Scope, name: &str, value: &str) -> bool {
        let is_new = !self.written.contains_key(&key(scope, name));
        is_new && self.write(scope, name, value).is_ok()
    }

    /// Writes one, and says how often it has been written by now.
    ///
    /// # Errors
    /// While the name is withheld.
    pub fn write(&mut self, scope: &Scope, name: &str, value: &str) -> Result<u64> {
        let went = self.gone.get(&key(scope, name));
        if went.is_some_and(|went| went.elapsed() < self.withheld_for) {
            let message = format!("the name {name} is taken");
            return Err(Failure::new(Cause::Taken, "write a parameter", message));
        }
        let version = self.written.get(&key(scope, name)).map_or(1, |written| written.version + 1);
        let written = Written { value: value.to_owned(), version, at: Instant::now() };
        self.written.insert(key(scope, name), written);
        Ok(version)
    }

    /// Takes one off.
    pub fn remove(&mut self, scope: &Scope, name: &str) {
        if self.written.remove(&key(scope, name)).is_some() {
            self.gone.insert(key(scope, name), Instant::now());
        }
    }

    /// From now on the name of one that is taken off stays taken for so long.
    pub fn withhold(&mut self, withheld_for: Duration) {
        self.withheld_for = withheld_for;
    }

    /// Takes those off whose names begin like this, in any scope.
    pub fn lose(&mut self, beginning: &str) {
        self.written.retain(|(_, name), _| !name.starts_with(beginning));
    }
}

fn key(scope: &Scope, name: &str) -> (String, String) {
    (scope.to_string(), name.to_owned())
}
