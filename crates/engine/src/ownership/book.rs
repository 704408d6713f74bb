//! Reads all that the account keeps of an environment.

use std::collections::BTreeMap;

use deployer_core::{Cause, Deeds, Failure, Keys, Record, Scope};

use crate::lock::{Claim, claimed};
use crate::retry::insist;
use crate::{Parameter, Parameters, Result};

/// Where the private key is.
pub(super) const PRIVATE: &str = "key/private";

/// Where the public keys are.
pub(super) const PUBLIC: &str = "key/public";

/// What the names of the record's parts begin with.
const RECORD: &str = "record/";

/// What the account keeps of an environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Book {
    /// What tells whose something is.
    pub deeds: Deeds,
    /// Who is writing, lowest epoch first.
    pub claims: Vec<Claim>,
    /// The parts of the record as they are, by their numbers.
    pub(super) parts: BTreeMap<usize, String>,
    /// Whether there is a private key.
    pub(super) has_private: bool,
}

impl Book {
    /// Whether the environment has never made anything, as far as the account tells: neither
    /// record nor keys are there.
    pub fn is_blank(&self) -> bool {
        self.parts.is_empty() && self.deeds.keys.is_empty() && !self.has_private
    }
}

/// Reads what the account keeps of a scope, in one call.
///
/// # Errors
/// When the account does not answer, or a newer version of deployer wrote the record.
pub async fn read_book<C: Parameters>(cloud: &C, scope: &Scope) -> Result<Book> {
    read(insist(|| cloud.parameters(scope)).await?)
}

/// Sorts what the account keeps.
pub(crate) fn read(parameters: Vec<Parameter>) -> Result<Book> {
    let mut book = Book {
        deeds: Deeds::default(),
        claims: claimed(&parameters),
        parts: BTreeMap::new(),
        has_private: false,
    };
    for Parameter { name, value, .. } in parameters {
        if name == PUBLIC {
            book.deeds.keys = Keys::read(&value);
        } else if name == PRIVATE {
            book.has_private = true;
        } else if let Some(number) = number(&name) {
            book.parts.insert(number, value);
        }
    }
    book.deeds.record = if book.is_blank() {
        // There is nothing that a record could be missing for.
        Record::new(None)
    } else {
        Record::read(&book.parts).map_err(|unreadable| {
            Failure::new(
                Cause::Refused,
                "read the record of the environment",
                unreadable.to_string(),
            )
        })?
    };
    Ok(book)
}

/// The name of a part of the record.
pub(super) fn part(number: usize) -> String {
    format!("{RECORD}{number}")
}

/// The number of a part of the record, from 1 to 999.
fn number(name: &str) -> Option<usize> {
    let number = name.strip_prefix(RECORD)?.parse().ok()?;
    (1..1000).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_with_a_number_that_none_has_is_none() {
        let parameter = |name: &str| Parameter {
            name: name.to_owned(),
            value: r#"{"version":2,"made":{}}"#.to_owned(),
            version: 1,
            age: None,
        };
        let names = ["record/1", "record/0", "record/1000", "record/18446744073709551615"];
        let book = read(names.into_iter().map(parameter).collect()).unwrap();
        assert_eq!(book.parts.keys().collect::<Vec<_>>(), [&1]);
    }
}
