//! What tells whose a record is: a TXT record of ours beside it, in whose value stands what would
//! stand in its tags.
//!
//! `HASH._deployer-STACK-ENVIRONMENT-HASH.ZONE`: the first hash is that of the record's name, type and set, so
//! that each record has a marker of its own and each environment one for the same record; all of an
//! environment are beneath one name, so that they are listed together.

use aws_sdk_route53::types::{ResourceRecord, ResourceRecordSet, RrType};
use deployer_core::Scope;
use deployer_engine::Identity;
use sha2::{Digest, Sha256};

use super::sets::Key;
use super::zones::Zone;
use crate::ownership::{self, Kept, Tags};

/// What the labels of markers begin with.
const LABEL: &str = "_deployer-";

/// The most characters of a label (RFC 1035, 2.3.4).
const LONGEST_LABEL: usize = 63;

/// How long whoever asks may keep a marker; nobody but us does.
const TTL: i64 = 300;

/// The field that says which record it is for.
pub(super) const RECORD: &str = "record";

/// The label beneath which all markers of an environment are: what it is called, and a hash, since
/// `a-b` in `c` and `a` in `b-c` read alike.
pub(crate) fn label(scope: &Scope) -> String {
    let Scope { stack, environment, .. } = scope;
    let hash = &format!("{:x}", Sha256::digest(format!("{stack}/{environment}")))[..8];
    let mut name = format!("{LABEL}{stack}-{environment}").to_lowercase();
    name.truncate(name.floor_char_boundary(LONGEST_LABEL - 1 - hash.len()));
    format!("{name}-{hash}")
}

/// The name of a record's marker.
fn name(scope: &Scope, zone: &Zone, key: &Key) -> String {
    format!("{}.{}.{}", hash(key), label(scope), zone.name)
}

/// What all markers of a record begin with, whoever made them.
pub(super) fn beginning(key: &Key) -> String {
    format!("{}.{LABEL}", hash(key))
}

fn hash(key: &Key) -> String {
    format!("{:x}", Sha256::digest(key.to_string()))[..24].to_owned()
}

/// Where a record's marker is.
pub(super) fn key(scope: &Scope, zone: &Zone, of: &Key) -> Key {
    Key { name: name(scope, zone, of), kind: "TXT".to_owned(), set: String::new() }
}

/// The marker of a record.
pub(super) fn written(
    identity: &Identity,
    zone: &Zone,
    of: &Key,
    mut kept: Kept,
) -> ResourceRecordSet {
    kept.insert(RECORD, of.to_string());
    let marks = ownership::marks(identity, &kept);
    let texts = marks.iter().map(|(key, value)| quoted(&format!("{key}={value}")));
    let value = texts.collect::<Vec<_>>().join(" ");
    let record = ResourceRecord::builder().value(value).build().expect("it has a value");
    ResourceRecordSet::builder()
        .name(name(&identity.scope, zone, of))
        .r#type(RrType::Txt)
        .ttl(TTL)
        .resource_records(record)
        .build()
        .expect("it has a name and a type")
}

/// What a marker says, as the tags of what it is for; none of what is no marker.
pub(super) fn read(scope: &Scope, set: &ResourceRecordSet) -> Option<Tags> {
    if *set.r#type() != RrType::Txt || !set.name().contains(LABEL) {
        return None;
    }
    let value = set.resource_records().first()?.value();
    let marks = texts(value).into_iter().filter_map(|text| {
        let (key, value) = text.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    });
    Some(ownership::as_given(scope, marks.collect()))
}

/// A text as a TXT record has it: in quotes, in pieces of at most 255 bytes ("TXT record type" in the
/// Route 53 developer guide).
pub(super) fn quoted(text: &str) -> String {
    let bytes: Vec<u8> = text.bytes().collect();
    let piece = |piece: &[u8]| {
        let escaped = piece.iter().map(|byte| match byte {
            b'"' | b'\\' => format!("\\{}", char::from(*byte)),
            b' '..=b'~' => char::from(*byte).to_string(),
            other => format!("\\{other:03o}"),
        });
        format!("\"{}\"", escaped.collect::<String>())
    };
    if bytes.is_empty() {
        return "\"\"".to_owned();
    }
    bytes.chunks(255).map(piece).collect::<Vec<_>>().join(" ")
}

/// The texts in quotes of a value.
pub(super) fn texts(value: &str) -> Vec<String> {
    let (mut texts, mut bytes, mut is_inside) = (Vec::new(), Vec::new(), false);
    let mut rest = value.bytes().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'"' if is_inside => {
                texts.push(String::from_utf8_lossy(&std::mem::take(&mut bytes)).into_owned());
                is_inside = false;
            }
            b'"' => is_inside = true,
            b'\\' if is_inside => {
                let mut digits = Vec::new();
                while digits.len() < 3 && rest.peek().is_some_and(u8::is_ascii_digit) {
                    digits.extend(rest.next());
                }
                let octal = String::from_utf8_lossy(&digits);
                match u8::from_str_radix(&octal, 8) {
                    Ok(byte) => bytes.push(byte),
                    Err(_) => bytes.extend(rest.next()),
                }
            }
            byte if is_inside => bytes.push(byte),
            _ => {}
        }
    }
    texts
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use deployer_core::Address;

    use super::*;

    #[test]
    fn texts_read_back_as_they_were_quoted() {
        for text in ["v=spf1 -all", "a \"b\" \\c", "grün", ""] {
            assert_eq!(texts(&quoted(text)), [text], "{}", quoted(text));
        }
        let long = "x".repeat(300);
        assert_eq!(texts(&quoted(&long)).concat(), long);
        assert_eq!(texts(&quoted(&long)).len(), 2);
    }

    #[test]
    fn a_marker_says_what_tags_would() {
        let tags = BTreeMap::from([("team".to_owned(), "notes".to_owned())]);
        let scope = Scope { stack: "notes".into(), environment: "dev".into(), origin: None, tags };
        let identity = Identity {
            scope: scope.clone(),
            dropped: BTreeSet::new(),
            address: Address::new("record", "edge"),
            generation: 1,
            mark: "7f3a".into(),
            proof: Some("1:abc:def".into()),
            provenance: deployer_engine::Provenance::default(),
            name: "notes-dev-edge".into(),
        };
        let key = Key { name: "*.example.com".into(), kind: "A".into(), set: String::new() };
        let zone = Zone::named("Z1", "example.com");
        let marker = written(&identity, &zone, &key, Kept::from([("zone", "Z1".to_owned())]));
        let beneath = format!(".{}.example.com", label(&scope));
        assert!(marker.name().ends_with(&beneath), "{}", marker.name());
        assert!(beneath.starts_with("._deployer-notes-dev-"));
        assert!(marker.name().starts_with(&beginning(&key)));
        assert!(!marker.resource_records()[0].value().contains("team"), "it holds only so much");
        let tags = read(&scope, &marker).expect("a marker");
        let owned = ownership::Owned::tagged::<deployer_kinds::Record>(&scope, &tags);
        let owned = owned.expect("it is ours");
        assert_eq!(owned.kept(RECORD), Some("*.example.com/A/"));
        assert_eq!(owned.badge().tags, scope.tags);
    }
}
