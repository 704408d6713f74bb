//! Where a cloud in memory keeps parameters.

use std::collections::BTreeMap;

use deployer_core::Scope;
use deployer_engine::Parameter;
use tokio::time::Instant;

/// Parameters by scope and name.
#[derive(Clone, Debug, Default)]
pub struct Shelf(BTreeMap<(String, String), Written>);

#[derive(Clone, Debug)]
struct Written {
    value: String,
    version: u64,
    at: Instant,
}

impl Shelf {
    /// All of a scope; of secret ones, which are told by their names alone here, no text.
    pub fn all(&self, scope: &Scope) -> Vec<Parameter> {
        let ours = self.0.iter().filter(|((of, _), _)| *of == scope.to_string());
        let parameters = ours.map(|((_, name), Written { value, version, at })| Parameter {
            value: if name.ends_with("/private") { String::new() } else { value.clone() },
            name: name.clone(),
            version: *version,
            age: Some(at.elapsed()),
        });
        parameters.collect()
    }

    /// The names there are, in any scope.
    pub fn names(&self) -> Vec<String> {
        self.0.keys().map(|(_, name)| name.clone()).collect()
    }

    /// The text of one, secret or not.
    pub fn reveal(&self, scope: &Scope, name: &str) -> Option<String> {
        self.0.get(&key(scope, name)).map(|written| written.value.clone())
    }

    /// Makes one; `false` when there is one of the name.
    pub fn make(&mut self, scope: &Scope, name: &str, value: &str) -> bool {
        let is_new = !self.0.contains_key(&key(scope, name));
        if is_new {
            self.write(scope, name, value);
        }
        is_new
    }

    /// Writes one, and says how often it has been written by now.
    pub fn write(&mut self, scope: &Scope, name: &str, value: &str) -> u64 {
        let version = self.0.get(&key(scope, name)).map_or(1, |written| written.version + 1);
        let written = Written { value: value.to_owned(), version, at: Instant::now() };
        self.0.insert(key(scope, name), written);
        version
    }

    /// Takes one off.
    pub fn remove(&mut self, scope: &Scope, name: &str) {
        self.0.remove(&key(scope, name));
    }

    /// Takes those off whose names begin like this, in any scope.
    pub fn lose(&mut self, beginning: &str) {
        self.0.retain(|(_, name), _| !name.starts_with(beginning));
    }
}

fn key(scope: &Scope, name: &str) -> (String, String) {
    (scope.to_string(), name.to_owned())
}
