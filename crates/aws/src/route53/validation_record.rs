//! Validation records on Route 53: the CNAME by which ACM knows a domain. A right one is used whoever
//! made it, and one of ours stays while another certificate needs it.

use aws_sdk_route53::types::{ChangeAction, ResourceRecord, ResourceRecordSet, RrType};
use deployer_core::{Address, Arn, Cause, Failure, Kind, Phase, Text};
use deployer_engine::{Context, Found, Progress, Resource, Result, Survey};
use deployer_kinds::{
    CertificateOutput, ValidationRecord, ValidationRecordOutput, ValidationRecordSpec, plain_name,
};

use super::change::{self, change};
use super::marker;
use super::record::{self, is_still, marked, place, remove, tags};
use super::sets::{self, Key};
use super::zones::{self, ZONE, Zone, Zones};
use crate::Aws;
use crate::acm::certificate;
use crate::missing::Required;
use crate::ownership::{Kept, Owned};
use crate::send::unless_gone;

const CREATE: &str = "make the validation record";

/// The fields that its marker keeps.
const DOMAIN: &str = "domain";
const CERTIFICATE: &str = "certificate";
const VALUE: &str = "value";
const TTL: &str = "ttl";
/// What proves that we made the record. Without it somebody else did, and it is used.
const MADE: &str = "made";

impl Resource<Aws> for ValidationRecord {
    async fn scan(survey: &Survey<'_, Aws>) -> Result<Vec<Found<Self>>> {
        let place = |spec: ValidationRecordSpec| (spec.zone, spec.domain);
        record::scan(survey, place, |owned, sought, key, set| {
            let domain = owned.kept(DOMAIN).unwrap_or_default();
            let named = sought.named(domain, owned.kept(ZONE));
            found(survey, owned, (&sought.zone.id, named), key, set)
        })
        .await
    }

    async fn read(survey: &Survey<'_, Aws>, id: &str) -> Result<Option<Found<Self>>> {
        let Some((zone, key)) = Key::read(id) else { return Ok(None) };
        let zone = unless_gone(zones::by_id(survey.cloud, zone).await)?;
        let Some(zone) = zone else { return Ok(None) };
        let set = sets::get(survey.cloud, &zone.id, &key).await?;
        // Without its marker it is nobody's, and may be needed by others.
        let Some(tags) = tags(survey.cloud, survey.scope, &zone, &key).await? else {
            return Ok(None);
        };
        let owned = Owned::read::<Self>(survey.scope, None, &tags);
        found(survey, &owned, (&zone.id, owned.kept(ZONE).map(str::to_owned)), &key, set.as_ref())
            .map(Some)
    }

    async fn ids(survey: &Survey<'_, Aws>) -> Result<Vec<String>> {
        marked(survey).await
    }

    async fn create(
        cx: &Context<'_, Aws>,
        spec: &ValidationRecordSpec,
    ) -> Result<ValidationRecordOutput> {
        let zone = Zones::default().of(cx.cloud, spec.zone.as_deref(), &spec.domain).await?;
        let (key, value) = asked(spec)?;
        write(cx, &zone, &key, &value, spec).await
    }

    async fn update(
        cx: &Context<'_, Aws>,
        live: &Found<Self>,
        spec: &ValidationRecordSpec,
    ) -> Result<ValidationRecordOutput> {
        let (zone, key) = place(cx.cloud, &live.output.id).await?;
        let (_, value) = asked(spec)?;
        write(cx, &zone, &key, &value, spec).await
    }

    async fn remember(cx: &Context<'_, Aws>, output: &ValidationRecordOutput) -> Result<()> {
        let (zone, key) = place(cx.cloud, &output.id).await?;
        let tags = tags(cx.cloud, &cx.identity.scope, &zone, &key).await?.unwrap_or_default();
        let owned = Owned::read::<Self>(&cx.identity.scope, None, &tags);
        let fields = [ZONE, DOMAIN, CERTIFICATE, VALUE, TTL, MADE];
        let kept = fields.into_iter().filter_map(|it| Some((it, owned.kept(it)?.to_owned())));
        let marker = marker::written(cx.identity, &zone, &key, kept.collect());
        let changes = vec![change(ChangeAction::Upsert, marker)];
        change::make(cx.cloud, &zone.id, "write the record's marker", changes).await?;
        Ok(())
    }

    /// It stays as long as another certificate needs it, whose renewal would fail without.
    async fn delete(cx: &Context<'_, Aws>, live: &Found<Self>) -> Result<Vec<String>> {
        let (zone, key) = place(cx.cloud, &live.output.id).await?;
        if !is_still(cx, live, &zone, &key).await? {
            return Ok(Vec::new());
        }
        let tags = tags(cx.cloud, &cx.identity.scope, &zone, &key).await?.unwrap_or_default();
        let owned = Owned::read::<Self>(&cx.identity.scope, None, &tags);
        let is_ours =
            owned.kept(MADE).is_some_and(|proof| cx.vouches(&made(&key, &zone.id), proof));
        let needed = if is_ours { needed(cx, &zone, &key, &live.spec).await? } else { None };
        remove(cx, &zone, &key, is_ours && needed.is_none()).await?;
        let is_there = !is_ours && sets::get(cx.cloud, &zone.id, &key).await?.is_some();
        let others = is_there
            .then(|| format!("the record {} CNAME, which was not made by this stack", key.name));
        let left = needed.map(|by| format!("the record {} CNAME, which {by} needs", key.name));
        let left = left.or(others);
        Ok(left.into_iter().collect())
    }

    async fn ready(
        cx: &Context<'_, Aws>,
        output: ValidationRecordOutput,
    ) -> Result<Progress<ValidationRecordOutput>> {
        let change = output.change.clone();
        let output = ValidationRecordOutput { change: None, ..output };
        change::spread(cx.cloud, change.as_deref(), output).await
    }
}

/// The record that ACM asks for, and its value.
fn asked(spec: &ValidationRecordSpec) -> Result<(Key, String)> {
    let (name, value) = CertificateOutput::record(spec.records.resolved(), &spec.domain)
        .required("the validation record of the certificate")?;
    let key = Key { name: plain_name(name), kind: "CNAME".to_owned(), set: String::new() };
    Ok((key, plain_name(value)))
}

/// Makes the record with its marker, or the marker alone where somebody else made a right one.
async fn write(
    cx: &Context<'_, Aws>,
    zone: &Zone,
    key: &Key,
    value: &str,
    spec: &ValidationRecordSpec,
) -> Result<ValidationRecordOutput> {
    let scope = &cx.identity.scope;
    let there = sets::get(cx.cloud, &zone.id, key).await?;
    let is_right = there.as_ref().is_some_and(|set| is_right(set, value));
    let part = made(key, &zone.id);
    let before = tags(cx.cloud, scope, zone, key).await?.unwrap_or_default();
    let before = Owned::read::<ValidationRecord>(scope, None, &before);
    let is_ours = before.kept(MADE).is_some_and(|proof| cx.vouches(&part, proof));
    if there.is_some() && !is_right && !is_ours {
        let what = format!("the record {} CNAME", key.name);
        let message = format!("{what} is there with another value");
        return Err(Failure::new(Cause::Refused, CREATE, message)
            .help("delete it by hand if nothing needs it"));
    }
    let is_shared = is_right && !is_ours;
    let mut kept = Kept::from([
        (DOMAIN, spec.domain.clone()),
        (CERTIFICATE, spec.certificate.resolved().to_owned()),
        (VALUE, value.to_owned()),
        (TTL, spec.ttl.to_string()),
    ]);
    kept.extend(spec.zone.iter().map(|zone| (ZONE, zone.clone())));
    if !is_shared {
        kept.extend(cx.prove_part(&part).map(|proof| (MADE, proof)));
    }
    let marker = marker::written(cx.identity, zone, key, kept);
    let mut changes = vec![change(ChangeAction::Upsert, marker)];
    if !is_shared {
        changes.insert(0, change(ChangeAction::Upsert, written(key, value, spec.ttl)));
    }
    let made = change::make(cx.cloud, &zone.id, CREATE, changes).await?;
    Ok(ValidationRecordOutput { id: key.id(&zone.id), change: Some(made) })
}

/// What a proof is about that says that we made a record.
fn made(key: &Key, zone: &str) -> String {
    format!("made {zone} {key}")
}

fn found(
    survey: &Survey<'_, Aws>,
    owned: &Owned,
    (zone, named): (&str, Option<String>),
    key: &Key,
    set: Option<&ResourceRecordSet>,
) -> Result<Found<ValidationRecord>> {
    let kept = |field| owned.kept(field).required("what the record's marker keeps");
    let (domain, value) = (kept(DOMAIN)?, kept(VALUE)?);
    let set = set.filter(|set| is_right(set, value));
    let address = Address::new(ValidationRecord::NAME, owned.name());
    let part = made(key, zone);
    let is_made = owned
        .kept(MADE)
        .is_some_and(|proof| survey.vouches(&address, owned.generation(), &part, proof));
    let ttl = match set {
        Some(_) if !is_made => kept(TTL)?.parse().ok(),
        Some(set) => set.ttl().and_then(|ttl| u32::try_from(ttl).ok()),
        // Somebody has deleted or changed it: it is written again.
        None => Some(0),
    };
    Ok(Found {
        badge: owned.badge(),
        spec: ValidationRecordSpec {
            zone: named,
            certificate: kept(CERTIFICATE)?.into(),
            domain: domain.to_owned(),
            records: Text::from(format!("{domain} {} {value}", key.name)),
            ttl: ttl.required("the time to live of a record")?,
        },
        output: ValidationRecordOutput { id: key.id(zone), change: None },
        phase: Phase::Ready,
        state: if set.is_none() { "not there".to_owned() } else { String::new() },
        foreign: Vec::new(),
    })
}

/// Who else needs a record: another of our environments, or another certificate. Where nobody may
/// say, it is taken for needed.
async fn needed(
    cx: &Context<'_, Aws>,
    zone: &Zone,
    key: &Key,
    spec: &ValidationRecordSpec,
) -> Result<Option<String>> {
    let own = marker::key(&cx.identity.scope, zone, key).name;
    let beginning = marker::beginning(key);
    let all = sets::all(cx.cloud, &zone.id).await?;
    let mut names = all.iter().map(|set| plain_name(set.name()));
    if names.any(|name| name.starts_with(&beginning) && name != own) {
        return Ok(Some("another environment".to_owned()));
    }
    let certificate = spec.certificate.resolved();
    let (Some((_, domain)), Some(arn)) = (key.name.split_once('.'), Arn::read(certificate)) else {
        return Ok(Some("perhaps another certificate".to_owned()));
    };
    // Those of another account are not seen from that of the zone.
    if arn.account != cx.cloud.account().await? {
        return Ok(Some(format!("perhaps another certificate of the account {}", arn.account)));
    }
    let mut clouds = vec![cx.cloud.elsewhere(None, Some(arn.region)).await];
    // What serves from the edge has its certificates in one region (ACM user guide, "Supported
    // Regions").
    if arn.partition == "aws" && arn.region != EDGE {
        clouds.push(cx.cloud.elsewhere(None, Some(EDGE)).await);
    }
    for cloud in clouds {
        match certificate::others_of(&cloud?, domain, certificate).await {
            Ok(others) if others.is_empty() => {}
            Ok(mut others) => return Ok(others.pop()),
            Err(failure) if failure.cause == Cause::Denied => {
                return Ok(Some("perhaps another certificate".to_owned()));
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(None)
}

/// The region in which CloudFront has its certificates.
const EDGE: &str = "us-east-1";

fn is_right(set: &ResourceRecordSet, value: &str) -> bool {
    let [record] = set.resource_records() else { return false };
    plain_name(record.value()) == value
}

fn written(key: &Key, value: &str, ttl: u32) -> ResourceRecordSet {
    let record = ResourceRecord::builder().value(value).build().expect("it has a value");
    ResourceRecordSet::builder()
        .name(&key.name)
        .r#type(RrType::Cname)
        .ttl(ttl.into())
        .resource_records(record)
        .build()
        .expect("it has a name and a type")
}
