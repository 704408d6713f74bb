//! The records of a zone, as Route 53 lists them.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_route53::types::{ResourceRecordSet, RrType};
use deployer_engine::Result;
use deployer_kinds::plain_name;
use tokio::sync::Mutex;

use super::zones::Zone;
use crate::Aws;
use crate::route53;

/// What tells a record from all others of its zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The name, plain.
    pub(super) name: String,
    /// `A`.
    pub(super) kind: String,
    /// What tells it from others of the name and type; empty where it is alone.
    pub(super) set: String,
}

impl Key {
    /// That of a record.
    pub(super) fn of(set: &ResourceRecordSet) -> Self {
        Self {
            name: plain_name(set.name()),
            kind: set.r#type().as_str().to_owned(),
            set: set.set_identifier().unwrap_or_default().to_owned(),
        }
    }

    /// The identifier in a zone: `Z0123/www.example.com/A/`.
    pub(super) fn id(&self, zone: &str) -> String {
        format!("{zone}/{self}")
    }

    /// The zone and the key of an identifier.
    pub(super) fn read(id: &str) -> Option<(&str, Self)> {
        let (zone, rest) = id.split_once('/')?;
        Some((zone, rest.parse().ok()?))
    }
}

/// `www.example.com/A/`, and the set behind that.
impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.name, self.kind, self.set)
    }
}

impl std::str::FromStr for Key {
    type Err = ();

    fn from_str(text: &str) -> std::result::Result<Self, ()> {
        let mut parts = text.splitn(3, '/').map(str::to_owned);
        let mut next = || parts.next().ok_or(());
        Ok(Self { name: next()?, kind: next()?, set: next()? })
    }
}

/// The records of the zones of one observation, each zone asked for once.
#[derive(Default)]
pub(super) struct Listings(Mutex<BTreeMap<String, Arc<Listing>>>);

/// What is known of a zone's records.
pub(super) struct Listing {
    sets: BTreeMap<Key, ResourceRecordSet>,
    /// Whether these are all.
    is_whole: bool,
}

impl Listings {
    /// Those of a zone: all, if they come in one page, or else those beneath `label` alone.
    pub(super) async fn of(&self, aws: &Aws, zone: &Zone, label: &str) -> Result<Arc<Listing>> {
        let mut known = self.0.lock().await;
        if let Some(listing) = known.get(&zone.id) {
            return Ok(listing.clone());
        }
        let page = page(aws, &zone.id, None, None).await?;
        let is_whole = page.next.is_none();
        let sets = if is_whole { page.sets } else { beneath(aws, zone, label).await? };
        let listing = Listing { sets: keyed(sets), is_whole };
        let listing = Arc::new(listing);
        known.insert(zone.id.clone(), listing.clone());
        Ok(listing)
    }
}

impl Listing {
    /// Those that are known.
    pub(super) fn sets(&self) -> impl Iterator<Item = (&Key, &ResourceRecordSet)> {
        self.sets.iter()
    }

    /// One, which is asked for where it is not known.
    pub(super) async fn get(
        &self,
        aws: &Aws,
        zone: &str,
        key: &Key,
    ) -> Result<Option<ResourceRecordSet>> {
        match self.sets.get(key) {
            None if !self.is_whole => get(aws, zone, key).await,
            known => Ok(known.cloned()),
        }
    }
}

/// One record; none where there is none.
pub(super) async fn get(aws: &Aws, zone: &str, key: &Key) -> Result<Option<ResourceRecordSet>> {
    let sets = page(aws, zone, Some(key), Some(1)).await?.sets;
    Ok(sets.into_iter().find(|set| Key::of(set) == *key))
}

/// All records of a name.
pub(super) async fn of_name(aws: &Aws, zone: &str, name: &str) -> Result<Vec<ResourceRecordSet>> {
    let from = Key { name: name.to_owned(), kind: String::new(), set: String::new() };
    let mut sets = page(aws, zone, Some(&from), None).await?.sets;
    sets.retain(|set| plain_name(set.name()) == name);
    Ok(sets)
}

/// All of a zone.
pub(super) async fn all(aws: &Aws, zone: &str) -> Result<Vec<ResourceRecordSet>> {
    from(aws, zone, None, |_| true).await
}

/// Those beneath a label of a zone: they stand beside each other in the list.
pub(super) async fn beneath(aws: &Aws, zone: &Zone, label: &str) -> Result<Vec<ResourceRecordSet>> {
    let name = format!("{label}.{}", zone.name);
    let first = Key { name: name.clone(), kind: String::new(), set: String::new() };
    let is_beneath = |set: &ResourceRecordSet| plain_name(set.name()).ends_with(&name);
    from(aws, &zone.id, Some(first), is_beneath).await
}

/// Those from a record on, in the order of Route 53, up to the first that is none of them.
async fn from(
    aws: &Aws,
    zone: &str,
    mut first: Option<Key>,
    is_one: impl Fn(&ResourceRecordSet) -> bool,
) -> Result<Vec<ResourceRecordSet>> {
    let mut sets = Vec::new();
    loop {
        let page = page(aws, zone, first.as_ref(), None).await?;
        for set in page.sets {
            if !is_one(&set) {
                return Ok(sets);
            }
            sets.push(set);
        }
        first = page.next;
        if first.is_none() {
            return Ok(sets);
        }
    }
}

struct Page {
    sets: Vec<ResourceRecordSet>,
    next: Option<Key>,
}

async fn page(aws: &Aws, zone: &str, first: Option<&Key>, most: Option<i32>) -> Result<Page> {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let request = aws
        .route53
        .list_resource_record_sets()
        .hosted_zone_id(zone)
        .set_start_record_name(first.map(|key| key.name.clone()))
        .set_start_record_type(first.and_then(|key| given(&key.kind)).map(|it| RrType::from(&*it)))
        .set_start_record_identifier(first.and_then(|key| given(&key.set)))
        .set_max_items(most);
    let answer = aws
        .send(&route53::LIST_RESOURCE_RECORD_SETS, "list the records of the hosted zone", || {
            request.clone().send()
        })
        .await?;
    let next = answer.next_record_name().filter(|_| answer.is_truncated()).map(|name| Key {
        name: name.to_owned(),
        kind: answer.next_record_type().map(|it| it.as_str().to_owned()).unwrap_or_default(),
        set: answer.next_record_identifier().unwrap_or_default().to_owned(),
    });
    Ok(Page { sets: answer.resource_record_sets, next })
}

fn keyed(sets: Vec<ResourceRecordSet>) -> BTreeMap<Key, ResourceRecordSet> {
    sets.into_iter().map(|set| (Key::of(&set), set)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_reads_back_as_zone_and_key() {
        let key = Key { name: "*.a.com".into(), kind: "A".into(), set: "prod/eu".into() };
        assert_eq!(key.id("Z1"), "Z1/*.a.com/A/prod/eu");
        assert_eq!(Key::read("Z1/*.a.com/A/prod/eu"), Some(("Z1", key)));
        assert_eq!(Key::read("Z1/a.com"), None);
    }
}
