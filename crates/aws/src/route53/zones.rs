//! Which hosted zone a name is in.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_route53::types::HostedZone;
use deployer_core::{Cause, Failure, Kind};
use deployer_engine::{Result, Survey};
use deployer_kinds::plain_name;
use tokio::sync::Mutex;

use crate::Aws;
use crate::missing::Required;
use crate::route53;
use crate::send::unless_gone;

/// A hosted zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Zone {
    /// Without `/hostedzone/`.
    pub(super) id: String,
    pub(super) name: String,
    /// Whether it answers everybody, and takes records of ours: AWS manages some for other services.
    is_open: bool,
}

/// A zone in which something may be.
pub(super) struct Sought {
    pub(super) zone: Zone,
    /// How the stack names it, by the name of what is to be in it; none where no stack says anything.
    named: Option<BTreeMap<String, String>>,
}

impl Sought {
    /// The zone of something in it, as a spec has it: as the stack names it, or else by its id. Where
    /// no stack says anything, as its marker keeps it.
    pub(super) fn named(&self, name: &str, kept: Option<&str>) -> Option<String> {
        match &self.named {
            Some(named) => Some(named.get(name).unwrap_or(&self.zone.id).clone()),
            None => kept.map(str::to_owned),
        }
    }
}

/// The field of a marker that keeps how the stack names the zone.
pub(super) const ZONE: &str = "zone";

/// The zones of one observation, each lookup made once: what begins with the same two labels.
#[derive(Default)]
pub(super) struct Zones {
    beneath: Mutex<BTreeMap<String, Arc<[Zone]>>>,
    all: Mutex<Option<Arc<[Zone]>>>,
}

#[cfg(test)]
impl Zone {
    /// A public one.
    pub(super) fn named(id: &str, name: &str) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), is_open: true }
    }
}

impl Zones {
    /// The zone of a name: the one that is named, by name or id, or the public one that has most of
    /// the name.
    pub(super) async fn of(&self, aws: &Aws, zone: Option<&str>, name: &str) -> Result<Zone> {
        match zone {
            Some(id) if is_id(id) => {
                unless_gone(by_id(aws, id).await)?.ok_or_else(|| missing(name, Some(id)))
            }
            Some(named) => choose(&self.beneath(aws, named).await?, Some(named), name),
            None => choose(&self.beneath(aws, name).await?, None, name),
        }
    }

    /// The zones in which something of a kind may be: those of what the stack says, or all, where no
    /// stack says anything. `place` reads a zone and a name from a spec.
    pub(super) async fn sought<K: Kind>(
        &self,
        survey: &Survey<'_, Aws>,
        place: impl Fn(K::Spec) -> (Option<String>, String),
    ) -> Result<Vec<Sought>> {
        let Some(declared) = survey.declared::<K>() else {
            let all = self.all(survey.cloud).await?.into_iter();
            return Ok(all.map(|zone| Sought { zone, named: None }).collect());
        };
        let mut sought: Vec<Sought> = Vec::new();
        for (named, name) in declared.into_iter().map(place) {
            let zone = match self.of(survey.cloud, named.as_deref(), &name).await {
                Ok(zone) => zone,
                // Whoever makes a record there says that there is none.
                Err(Failure { cause: Cause::Missing | Cause::Refused, .. }) => continue,
                Err(failure) => return Err(failure),
            };
            let at = sought.iter().position(|it| it.zone == zone).unwrap_or_else(|| {
                sought.push(Sought { zone, named: Some(BTreeMap::new()) });
                sought.len() - 1
            });
            if let (Some(all), Some(named)) = (&mut sought[at].named, named) {
                all.insert(name, named);
            }
        }
        Ok(sought)
    }

    /// All of the account.
    pub(super) async fn all(&self, aws: &Aws) -> Result<Vec<Zone>> {
        let mut all = self.all.lock().await;
        if all.is_none() {
            *all = Some(list(aws, None).await?.into());
        }
        Ok(all.as_deref().unwrap_or_default().to_vec())
    }

    /// All that end in the last two labels of a name: they stand beside each other in the list.
    async fn beneath(&self, aws: &Aws, name: &str) -> Result<Arc<[Zone]>> {
        let name = plain_name(name);
        let base: Vec<&str> = name.rsplit('.').take(2).collect();
        let base = base.into_iter().rev().collect::<Vec<_>>().join(".");
        let mut known = self.beneath.lock().await;
        if let Some(zones) = known.get(&base) {
            return Ok(zones.clone());
        }
        let zones: Arc<[Zone]> = list(aws, Some(&base)).await?.into();
        known.insert(base, zones.clone());
        Ok(zones)
    }
}

/// The zone of an id.
pub(super) async fn by_id(aws: &Aws, id: &str) -> Result<Zone> {
    let request = aws.route53.get_hosted_zone().id(id);
    let answer = aws
        .send(&route53::GET_HOSTED_ZONE, "look at the hosted zone", || request.clone().send())
        .await?;
    answer.hosted_zone().map(read).required("the hosted zone")
}

/// `Z0123456789ABC`: names are written in lower case, with dots.
fn is_id(text: &str) -> bool {
    text.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
}

fn is_beneath(name: &str, zone: &str) -> bool {
    name == zone || name.strip_suffix(zone).is_some_and(|rest| rest.ends_with('.'))
}

/// The public zone of this name, or the one that has most of `name`.
fn choose(zones: &[Zone], named: Option<&str>, name: &str) -> Result<Zone> {
    let fits = |zone: &&Zone| match named {
        Some(named) => zone.name == plain_name(named),
        None => is_beneath(name, &zone.name),
    };
    let open: Vec<&Zone> = zones.iter().filter(|it| it.is_open).filter(fits).collect();
    let longest = open.iter().map(|it| it.name.len()).max();
    let mut best = open.into_iter().filter(|it| Some(it.name.len()) == longest);
    let first = best.next().ok_or_else(|| missing(name, named))?;
    match best.next() {
        None => Ok(first.clone()),
        Some(second) => {
            let message = format!("{} and {} are both called {}", first.id, second.id, first.name);
            Err(Failure::new(Cause::Refused, attempted(name), message)
                .help(format!("say which: `zone: {}`", first.id)))
        }
    }
}

fn missing(name: &str, named: Option<&str>) -> Failure {
    let message = match named {
        Some(zone) => format!("the account has no public zone {zone}"),
        None => "the account has no public zone that it is in".to_owned(),
    };
    Failure::new(Cause::Missing, attempted(name), message).help(
        "name the zone and the role that leads to its account, `zone: { name: …, role: … }`, or \
         write `zone: none` and make the records by hand",
    )
}

fn attempted(name: &str) -> String {
    format!("find the hosted zone of {name}")
}

fn read(zone: &HostedZone) -> Zone {
    let is_private = zone.config().is_some_and(|config| config.private_zone());
    let is_managed = zone.linked_service().is_some();
    Zone {
        id: zone.id().trim_start_matches("/hostedzone/").to_owned(),
        name: plain_name(zone.name()),
        is_open: !is_private && !is_managed,
    }
}

/// The zones in the order of their labels from the last on, from a name on as long as they end in it;
/// all without one.
async fn list(aws: &Aws, base: Option<&str>) -> Result<Vec<Zone>> {
    let mut zones = Vec::new();
    let (mut name, mut id) = (base.map(str::to_owned), None);
    loop {
        let request = aws
            .route53
            .list_hosted_zones_by_name()
            .set_dns_name(name.take())
            .set_hosted_zone_id(id.take());
        let page = aws
            .send(&route53::LIST_HOSTED_ZONES_BY_NAME, "find the hosted zone", || {
                request.clone().send()
            })
            .await?;
        for zone in page.hosted_zones().iter().map(read) {
            if base.is_some_and(|base| !is_beneath(&zone.name, base)) {
                return Ok(zones);
            }
            zones.push(zone);
        }
        if !page.is_truncated() {
            return Ok(zones);
        }
        name = page.next_dns_name().map(str::to_owned);
        id = page.next_hosted_zone_id().map(str::to_owned);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(id: &str, name: &str, is_open: bool) -> Zone {
        Zone { id: id.to_owned(), name: name.to_owned(), is_open }
    }

    #[test]
    fn a_name_is_beneath_what_it_ends_in_by_whole_labels() {
        assert!(is_beneath("www.example.com", "example.com"));
        assert!(is_beneath("example.com", "example.com"));
        assert!(!is_beneath("wexample.com", "example.com"));
        assert!(is_id("Z0123ABC") && !is_id("Zone") && !is_id("example.com"));
    }

    #[test]
    fn the_public_zone_that_has_most_of_a_name_is_taken() {
        let zones = [
            zone("Z1", "example.com", true),
            zone("Z2", "app.example.com", true),
            zone("Z3", "www.app.example.com", false),
        ];
        let found = choose(&zones, None, "www.app.example.com").expect("a zone");
        assert_eq!(found.id, "Z2", "a private one answers inside of networks alone");
        let found = choose(&zones, Some("example.com"), "www.app.example.com").expect("a zone");
        assert_eq!(found.id, "Z1");
        let failure = choose(&zones[2..], None, "www.app.example.com").expect_err("none");
        assert!(failure.message.contains("no public zone"), "{failure:?}");
    }

    #[test]
    fn of_two_zones_of_one_name_the_stack_says_which() {
        let zones = [zone("Z1", "example.com", true), zone("Z2", "example.com", true)];
        let failure = choose(&zones, None, "example.com").expect_err("two");
        assert_eq!(failure.help.as_deref(), Some("say which: `zone: Z1`"));
    }
}
