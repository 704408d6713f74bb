//! Records on Route 53: `ChangeResourceRecordSets`, `ListResourceRecordSets`, `GetChange`.

use aws_sdk_route53::types::{
    AliasTarget, ChangeAction, ResourceRecord, ResourceRecordSet, ResourceRecordSetFailover, RrType,
};
use deployer_core::{Failure, Kind, Phase, Text};
use deployer_engine::{Context, Found, Progress, Resource, Result, Rival, Survey};
use deployer_kinds::{Alias, Failover, Record, RecordOutput, RecordSpec, RecordType, plain_name};

use super::change::{self, change};
use super::marker::{self, RECORD};
use super::sets::{self, Key, Listings};
use super::zones::{self, Sought, ZONE, Zone, Zones};
use crate::Aws;
use crate::missing::Required;
use crate::ownership::{self, Kept, Owned, Tags, readable};
use crate::route53;
use crate::send::unless_gone;

const CREATE: &str = "make the record";

/// What helps where something else has the name.
const OTHERWISE: &str = "name another domain";

impl Resource<Aws> for Record {
    /// In the zones that the stack names; a record that it does not name any more is found among
    /// all, as the environment's record of what it made has it.
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let place = |spec: RecordSpec| (spec.zone, plain_name(&spec.name));
        scan(survey, place, |owned, sought, key, set| {
            let named = sought.named(&key.name, owned.kept(ZONE));
            found(owned, (&sought.zone.id, named), key, set)
        })
        .await
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let Some((zone, key)) = Key::read(id) else { return Ok(None) };
        let zone = unless_gone(zones::by_id(survey.cloud, zone).await)?;
        let Some(zone) = zone else { return Ok(None) };
        let set = sets::get(survey.cloud, &zone.id, &key).await?;
        let tags = tags(survey.cloud, survey.scope, &zone, &key).await?;
        if set.is_none() && tags.is_none() {
            return Ok(None);
        }
        let owned = Owned::read::<Self>(survey.scope, None, &tags.unwrap_or_default());
        found(&owned, (&zone.id, owned.kept(ZONE).map(str::to_owned)), &key, set.as_ref()).map(Some)
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        marked(survey).await
    }

    async fn rival(
        survey: &Survey<'_, Aws>,
        _name: &str,
        spec: &RecordSpec,
    ) -> Result<Option<Rival<Self>>> {
        let (zones, listings): (&Zones, &Listings) = (survey.shared.get(), survey.shared.get());
        let zone = zones.of(survey.cloud, spec.zone.as_deref(), &spec.name).await?;
        let label = marker::label(survey.scope);
        let (listing, key) = (listings.of(survey.cloud, &zone, &label).await?, key(spec));
        let Some(set) = listing.get(survey.cloud, &zone.id, &key).await? else { return Ok(None) };
        let at = marker::key(survey.scope, &zone, &key);
        let tags = match listing.get(survey.cloud, &zone.id, &at).await? {
            Some(marker) => marker::read(survey.scope, &marker),
            None => None,
        };
        let owned = Owned::read::<Self>(survey.scope, None, &tags.unwrap_or_default());
        let found =
            found(&owned, (&zone.id, owned.kept(ZONE).map(str::to_owned)), &key, Some(&set))?;
        Ok(Some(Rival { found, what: what(&key), otherwise: OTHERWISE.to_owned() }))
    }

    async fn create(cx: &Context<'_, Aws>, spec: &RecordSpec) -> Result<RecordOutput> {
        let zone = Zones::default().of(cx.cloud, spec.zone.as_deref(), &spec.name).await?;
        let key = key(spec);
        let marker = marker::written(cx.identity, &zone, &key, kept(spec));
        let changes = vec![
            change(ChangeAction::Create, written(spec, None)),
            change(ChangeAction::Upsert, marker),
        ];
        let made = change::make(cx.cloud, &zone.id, CREATE, changes).await;
        if change::is_refused(&made) {
            return standing(cx, &zone, &key, made.err()).await;
        }
        Ok(output(&zone, &key, made?.into()))
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &RecordSpec,
    ) -> Result<RecordOutput> {
        let (zone, key) = place(cx.cloud, &live.output.id).await?;
        let marker = marker::written(cx.identity, &zone, &key, kept(spec));
        let before = sets::get(cx.cloud, &zone.id, &key).await?;
        let changes = vec![
            change(ChangeAction::Upsert, written(spec, before.as_ref())),
            change(ChangeAction::Upsert, marker),
        ];
        let made = change::make(cx.cloud, &zone.id, "change the record", changes).await?;
        Ok(output(&zone, &key, Some(made)))
    }

    async fn remember(cx: &Context<'_, Aws>, output: &RecordOutput) -> Result<()> {
        let (zone, key) = place(cx.cloud, &output.id).await?;
        let tags = tags(cx.cloud, &cx.identity.scope, &zone, &key).await?.unwrap_or_default();
        let owned = Owned::read::<Self>(&cx.identity.scope, None, &tags);
        let kept = owned.kept(ZONE).map(|zone| (ZONE, zone.to_owned())).into_iter().collect();
        let marker = marker::written(cx.identity, &zone, &key, kept);
        let changes = vec![change(ChangeAction::Upsert, marker)];
        change::make(cx.cloud, &zone.id, "write the record's marker", changes).await?;
        Ok(())
    }

    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let (zone, key) = place(cx.cloud, &live.output.id).await?;
        if is_still(cx, live, &zone, &key).await? {
            remove(cx, &zone, &key, true).await?;
        }
        Ok(Vec::new())
    }

    async fn ready(cx: &Context<'_, Aws>, output: RecordOutput) -> Result<Progress<RecordOutput>> {
        let change = output.change.clone();
        change::spread(cx.cloud, change.as_deref(), RecordOutput { change: None, ..output }).await
    }
}

/// What has a marker of the environment's, in the zones that the stack's specs name with `place`: the
/// zone of one, and the name that leads to it.
pub(super) async fn scan<K: Resource<Aws>>(
    survey: &Survey<'_, Aws>,
    place: impl Fn(K::Spec) -> (Option<String>, String),
    found: impl Fn(&Owned, &Sought, &Key, Option<&ResourceRecordSet>) -> Result<Found<K>>,
) -> Result<Vec<Found<K>>> {
    let (zones, listings): (&Zones, &Listings) = (survey.shared.get(), survey.shared.get());
    let mut all = Vec::new();
    for sought in zones.sought::<K>(survey, place).await? {
        let zone = &sought.zone;
        let listing = listings.of(survey.cloud, zone, &marker::label(survey.scope)).await?;
        for (at, set) in listing.sets() {
            let Some(tags) = marker::read(survey.scope, set) else { continue };
            let Some(owned) = Owned::tagged::<K>(survey.scope, &tags) else { continue };
            // A copy of a marker elsewhere says nothing of the record there.
            let key = owned.kept(RECORD).and_then(|key| key.parse::<Key>().ok());
            let Some(key) = key.filter(|it| marker::key(survey.scope, zone, it) == *at) else {
                continue;
            };
            let set = listing.get(survey.cloud, &zone.id, &key).await?;
            let read = found(&owned, &sought, &key, set.as_ref());
            all.extend(readable(survey, &owned, Some(&key.id(&zone.id)), read));
        }
    }
    all.into_iter().collect()
}

/// The identifiers of all records in the account that have a marker of the environment's. One that has
/// lost it may be anybody's by now.
pub(super) async fn marked(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
    let zones: &Zones = survey.shared.get();
    let label = marker::label(survey.scope);
    let mut ids = Vec::new();
    for zone in zones.all(survey.cloud).await? {
        let markers = unless_gone(sets::beneath(survey.cloud, &zone, &label).await)?;
        let tags = markers.iter().flatten().filter_map(|set| marker::read(survey.scope, set));
        let of = |tags: Tags| {
            Owned::read::<Record>(survey.scope, None, &tags).kept(RECORD)?.parse().ok()
        };
        ids.extend(tags.filter_map(of).map(|key: Key| key.id(&zone.id)));
    }
    Ok(ids)
}

/// Whether a marker is still that of what was looked at: its successor may have the very name, and
/// without one a record may be anybody's by now.
pub(super) async fn is_still<K: Kind>(
    cx: &Context<'_, Aws>,
    live: &Found<K>,
    zone: &Zone,
    key: &Key,
) -> Result<bool> {
    let tags = tags(cx.cloud, &cx.identity.scope, zone, key).await?;
    let owned = tags.and_then(|tags| Owned::tagged::<K>(&cx.identity.scope, &tags));
    let is_same = |owned: &Owned| {
        (owned.name(), owned.generation()) == (&*live.badge.name, live.badge.generation)
    };
    Ok(owned.as_ref().is_some_and(is_same))
}

/// Deletes a record with its marker, each as it is: a deletion repeats what is there. The record
/// stays where somebody else needs it.
pub(super) async fn remove(
    cx: &Context<'_, Aws>,
    zone: &Zone,
    key: &Key,
    with_record: bool,
) -> Result<()> {
    let at = marker::key(&cx.identity.scope, zone, key);
    let record = if with_record { sets::get(cx.cloud, &zone.id, key).await? } else { None };
    let marker = sets::get(cx.cloud, &zone.id, &at).await?;
    let changes: Vec<_> =
        record.into_iter().chain(marker).map(|set| change(ChangeAction::Delete, set)).collect();
    if changes.is_empty() {
        return Ok(());
    }
    change::make(cx.cloud, &zone.id, "delete the record", changes).await?;
    Ok(())
}

/// What has the name that a record is to have: the record itself, made by a call whose reply was
/// lost, or somebody else's.
async fn standing(
    cx: &Context<'_, Aws>,
    zone: &Zone,
    key: &Key,
    failure: Option<Failure>,
) -> Result<RecordOutput> {
    let failure = failure.required("why the record was refused")?;
    if sets::get(cx.cloud, &zone.id, key).await?.is_none() {
        return Err(others(cx.cloud, zone, key, failure).await?);
    }
    let id = key.id(&zone.id);
    let tags = tags(cx.cloud, &cx.identity.scope, zone, key).await?;
    if ownership::is_this::<Record>(cx, &id, None, tags.as_ref()) {
        return Ok(output(zone, key, None));
    }
    let attempted = route53::CHANGE_RESOURCE_RECORD_SETS.attempted(CREATE);
    Err(cx.in_the_way(attempted, &id, &what(key), OTHERWISE))
}

/// The failure where other records of the name keep one from being made: a CNAME is alone, and
/// failover records are not beside simple ones.
async fn others(aws: &Aws, zone: &Zone, key: &Key, failure: Failure) -> Result<Failure> {
    let others = sets::of_name(aws, &zone.id, &key.name).await?;
    let others: Vec<String> = others.iter().map(Key::of).map(|key| what(&key)).collect();
    if others.is_empty() {
        return Ok(failure);
    }
    let message = format!("{} ({} is there)", failure.message, others.join(", "));
    Ok(Failure { message, ..failure })
}

/// The zone and the key of a record.
pub(super) async fn place(aws: &Aws, id: &str) -> Result<(Zone, Key)> {
    let (zone, key) = Key::read(id).required("the identifier of a record")?;
    Ok((zones::by_id(aws, zone).await?, key))
}

/// What the marker of a record says.
pub(super) async fn tags(
    aws: &Aws,
    scope: &deployer_core::Scope,
    zone: &Zone,
    key: &Key,
) -> Result<Option<Tags>> {
    let marker = sets::get(aws, &zone.id, &marker::key(scope, zone, key)).await?;
    Ok(marker.and_then(|marker| marker::read(scope, &marker)))
}

fn found(
    owned: &Owned,
    (zone, named): (&str, Option<String>),
    key: &Key,
    set: Option<&ResourceRecordSet>,
) -> Result<Found<Record>> {
    let kind = kind(&key.kind).required("the type of a record")?;
    let mut foreign = Vec::new();
    if let Some(set) = set {
        let is_routed = set.weight().is_some()
            || set.region().is_some()
            || set.geo_location().is_some()
            || set.geo_proximity_location().is_some()
            || set.multi_value_answer().is_some()
            || set.cidr_routing_config().is_some();
        foreign.extend(is_routed.then(|| "a routing policy".to_owned()));
        foreign.extend(set.health_check_id().map(|it| format!("the health check {it}")));
    }
    let value = |record: &ResourceRecord| match kind {
        RecordType::Txt => marker::texts(record.value()).concat(),
        _ => record.value().to_owned(),
    };
    let alias = set.and_then(ResourceRecordSet::alias_target).map(|target| Alias {
        name: plain_name(target.dns_name()).into(),
        zone: target.hosted_zone_id().into(),
        evaluate_health: target.evaluate_target_health(),
    });
    let failover = match set.and_then(ResourceRecordSet::failover) {
        Some(ResourceRecordSetFailover::Secondary) => Failover::Secondary(key.set.clone()),
        Some(_) => Failover::Primary(key.set.clone()),
        None => Failover::None,
    };
    // What somebody has deleted by hand has no value, and is written again.
    let values = set.map(ResourceRecordSet::resource_records).unwrap_or_default();
    let ttl = set.and_then(ResourceRecordSet::ttl).and_then(|ttl| u32::try_from(ttl).ok());
    Ok(Found {
        badge: owned.badge(),
        spec: RecordSpec {
            zone: named,
            name: key.name.clone(),
            kind,
            values: values.iter().map(|record| Text::from(value(record))).collect(),
            ttl: ttl.unwrap_or_default(),
            alias,
            failover,
        },
        output: RecordOutput { id: key.id(zone), name: key.name.clone(), change: None },
        phase: Phase::Ready,
        state: if set.is_none() { "deleted by hand".to_owned() } else { String::new() },
        foreign,
    })
}

fn output(zone: &Zone, key: &Key, change: Option<String>) -> RecordOutput {
    RecordOutput { id: key.id(&zone.id), name: key.name.clone(), change }
}

fn key(spec: &RecordSpec) -> Key {
    let set = spec.failover.set().unwrap_or_default().to_owned();
    Key { name: plain_name(&spec.name), kind: spec.kind.word().to_owned(), set }
}

fn kept(spec: &RecordSpec) -> Kept {
    spec.zone.iter().map(|zone| (ZONE, zone.clone())).collect()
}

fn what(key: &Key) -> String {
    let set = if key.set.is_empty() { String::new() } else { format!(" ({})", key.set) };
    format!("the record {} {}{set}", key.name, key.kind)
}

fn kind(word: &str) -> Option<RecordType> {
    use RecordType::{A, Aaaa, Caa, Cname, Mx, Ns, Srv, Txt};
    [A, Aaaa, Caa, Cname, Mx, Ns, Srv, Txt].into_iter().find(|kind| kind.word() == word)
}

/// The record as Route 53 takes it, with the health check that somebody has given the one before it.
fn written(spec: &RecordSpec, before: Option<&ResourceRecordSet>) -> ResourceRecordSet {
    let value = |text: &Text| {
        let text = text.resolved();
        let value = match spec.kind {
            RecordType::Txt => marker::quoted(text),
            _ => text.to_owned(),
        };
        ResourceRecord::builder().value(value).build().expect("it has a value")
    };
    let alias = spec.alias.as_ref().map(|alias| {
        AliasTarget::builder()
            .dns_name(alias.name.resolved())
            .hosted_zone_id(alias.zone.resolved())
            .evaluate_target_health(alias.evaluate_health)
            .build()
            .expect("it has a name and a zone")
    });
    let values: Vec<_> = spec.values.iter().map(value).collect();
    ResourceRecordSet::builder()
        .name(&spec.name)
        .r#type(RrType::from(spec.kind.word()))
        .set_ttl(alias.is_none().then_some(spec.ttl.into()))
        .set_resource_records(Some(values).filter(|values| !values.is_empty()))
        .set_alias_target(alias)
        .set_health_check_id(before.and_then(|it| it.health_check_id()).map(str::to_owned))
        .set_set_identifier(spec.failover.set().map(str::to_owned))
        .set_failover(match spec.failover {
            Failover::None => None,
            Failover::Primary(_) => Some(ResourceRecordSetFailover::Primary),
            Failover::Secondary(_) => Some(ResourceRecordSetFailover::Secondary),
        })
        .build()
        .expect("it has a name and a type")
}
