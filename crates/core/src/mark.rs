//! What a spec was when it was applied, field by field, small enough for a tag.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::KindInfo;
use crate::naming::hex;

/// Characters of the hash of one field: enough to tell two values apart, and with the fields of
/// every kind less than the 256 characters of a tag.
const WIDTH: usize = 4;

impl KindInfo {
    /// The mark of a spec: a hash of the names of the fields, then one of each value, in the order
    /// of the kind's change rules. It tells nobody what the values were.
    pub fn mark(&self, spec: &Value) -> String {
        let values = self.changes.iter().map(|(field, _)| hash(spec.get(*field)));
        std::iter::once(self.header()).chain(values).collect()
    }

    /// Whether a field had this value when the mark was made. None when the mark does not say: it
    /// was made of other fields, by another version of deployer.
    pub fn is_marked(&self, mark: &str, field: &str, value: &Value) -> Option<bool> {
        let values = mark.strip_prefix(&self.header())?;
        let place = self.changes.iter().position(|(name, _)| *name == field)?;
        let marked = values.get(place * WIDTH..(place + 1) * WIDTH)?;
        (values.len() == self.changes.len() * WIDTH).then(|| marked == hash(Some(value)))
    }

    fn header(&self) -> String {
        let names: Vec<&str> = self.changes.iter().map(|(field, _)| *field).collect();
        hash(Some(&Value::from(names)))
    }
}

/// A field that is left out is as good as null.
fn hash(value: Option<&Value>) -> String {
    let text = value.unwrap_or(&Value::Null).to_string();
    let mut hash = hex(&Sha256::digest(text));
    hash.truncate(WIDTH);
    hash
}
