//! A [`Resource`] with its types erased: what the engine holds.

use std::marker::PhantomData;
use std::pin::Pin;

use deployer_core::{
    Address, Cause, Failure, Kind, KindInfo, Live, Place, Replacement, Scope, Seen, Standing,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    Badge, Cloud, Concern, Context, Found, Progress, Resource, Result, Rival, Survey, Voice,
};

/// What is to come of a call.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// The methods of [`Resource`], JSON in and out.
pub(crate) trait Driver<C: Cloud>: Send + Sync {
    fn info(&self) -> KindInfo;
    fn is_shown_late(&self) -> bool;
    fn is_made_once(&self) -> bool;
    fn leaves_itself(&self) -> bool;
    fn scan<'a>(&'a self, survey: &'a Survey<'a, C>) -> Boxed<'a, Vec<Seen>>;
    fn read<'a>(&'a self, survey: &'a Survey<'a, C>, id: &'a str) -> Boxed<'a, Option<Seen>>;
    fn ids<'a>(&'a self, survey: &'a Survey<'a, C>) -> Boxed<'a, Vec<String>>;
    fn rival<'a>(
        &'a self,
        survey: &'a Survey<'a, C>,
        name: &'a str,
        spec: Value,
    ) -> Boxed<'a, Option<Taken>>;
    fn create<'a>(&'a self, cx: &'a Context<'a, C>, spec: Value) -> Boxed<'a, Value>;
    fn update<'a>(
        &'a self,
        cx: &'a Context<'a, C>,
        live: &'a Live,
        spec: Value,
    ) -> Boxed<'a, Value>;
    fn remember<'a>(&'a self, cx: &'a Context<'a, C>, output: &'a Value) -> Boxed<'a, ()>;
    fn delete<'a>(&'a self, cx: &'a Context<'a, C>, live: &'a Live) -> Boxed<'a, Vec<String>>;
    fn ready<'a>(&'a self, cx: &'a Context<'a, C>, output: Value) -> Boxed<'a, Progress<Value>>;
    fn holds<'a>(&'a self, cx: &'a Context<'a, C>, output: &'a Value) -> Boxed<'a, Progress<()>>;
    fn gone<'a>(&'a self, cx: &'a Context<'a, C>, output: &'a Value) -> Boxed<'a, Progress<()>>;
    fn misnamed(&self, scope: &Scope, output: &Value) -> Result<Option<String>>;
    fn preview<'a>(&'a self, cloud: &'a C, spec: &'a Value) -> Boxed<'a, ()>;
    fn verify<'a>(&'a self, cloud: &'a C, spec: Value) -> Boxed<'a, Vec<Concern>>;
    fn prepare<'a>(
        &'a self,
        cloud: &'a C,
        spec: &'a Value,
        voice: &'a Voice,
    ) -> Boxed<'a, Option<Value>>;
}

/// A [`Rival`] with its type erased.
pub(crate) struct Taken {
    pub(crate) by: Seen,
    pub(crate) what: String,
    pub(crate) otherwise: String,
}

/// Erases the kind `K`.
pub(crate) struct Typed<K>(pub(crate) PhantomData<fn() -> K>);

impl<C: Cloud, K: Resource<C>> Driver<C> for Typed<K> {
    fn info(&self) -> KindInfo {
        KindInfo::of::<K>()
    }

    fn is_shown_late(&self) -> bool {
        K::SHOWN_LATE
    }

    /// Names are unique, but for those that generations share.
    fn is_made_once(&self) -> bool {
        let is_named = K::NAMING.is_some() && !matches!(K::REPLACEMENT, Replacement::Supersede);
        is_named || K::MADE_ONCE
    }

    fn leaves_itself(&self) -> bool {
        K::LEAVES_ITSELF
    }

    fn scan<'a>(&'a self, survey: &'a Survey<'a, C>) -> Boxed<'a, Vec<Seen>> {
        Box::pin(async move { K::scan(survey).await?.into_iter().map(erase::<K>).collect() })
    }

    fn read<'a>(&'a self, survey: &'a Survey<'a, C>, id: &'a str) -> Boxed<'a, Option<Seen>> {
        Box::pin(async move { K::read(survey, id).await?.map(erase::<K>).transpose() })
    }

    fn ids<'a>(&'a self, survey: &'a Survey<'a, C>) -> Boxed<'a, Vec<String>> {
        Box::pin(K::ids(survey))
    }

    fn rival<'a>(
        &'a self,
        survey: &'a Survey<'a, C>,
        name: &'a str,
        spec: Value,
    ) -> Boxed<'a, Option<Taken>> {
        Box::pin(async move {
            let namesake = if K::READ_BY_NAME { K::read(survey, name).await? } else { None };
            let rival = match namesake {
                Some(found) => Some(Rival::namesake(found, name)),
                None => K::rival(survey, name, &read::<K, _>(spec)?).await?,
            };
            let taken = |Rival { found, what, otherwise }| {
                erase::<K>(found).map(|by| Taken { by, what, otherwise })
            };
            rival.map(taken).transpose()
        })
    }

    fn create<'a>(&'a self, cx: &'a Context<'a, C>, spec: Value) -> Boxed<'a, Value> {
        Box::pin(async move { write(&K::create(cx, &read::<K, _>(spec)?).await?) })
    }

    fn update<'a>(
        &'a self,
        cx: &'a Context<'a, C>,
        live: &'a Live,
        spec: Value,
    ) -> Boxed<'a, Value> {
        Box::pin(async move { write(&K::update(cx, &restore(live)?, &read::<K, _>(spec)?).await?) })
    }

    fn remember<'a>(&'a self, cx: &'a Context<'a, C>, output: &'a Value) -> Boxed<'a, ()> {
        Box::pin(async move { K::remember(cx, &read::<K, _>(output.clone())?).await })
    }

    fn delete<'a>(&'a self, cx: &'a Context<'a, C>, live: &'a Live) -> Boxed<'a, Vec<String>> {
        Box::pin(async move { K::delete(cx, &restore(live)?).await })
    }

    fn ready<'a>(&'a self, cx: &'a Context<'a, C>, output: Value) -> Boxed<'a, Progress<Value>> {
        Box::pin(async move {
            Ok(match K::ready(cx, read::<K, _>(output)?).await? {
                Progress::Done(output) => Progress::Done(write(&output)?),
                Progress::Waiting(on) => Progress::Waiting(on),
                Progress::Failed(why) => Progress::Failed(why),
            })
        })
    }

    fn holds<'a>(&'a self, cx: &'a Context<'a, C>, output: &'a Value) -> Boxed<'a, Progress<()>> {
        Box::pin(async move { K::holds(cx, &read::<K, _>(output.clone())?).await })
    }

    fn gone<'a>(&'a self, cx: &'a Context<'a, C>, output: &'a Value) -> Boxed<'a, Progress<()>> {
        Box::pin(async move { K::gone(cx, &read::<K, _>(output.clone())?).await })
    }

    fn misnamed(&self, scope: &Scope, output: &Value) -> Result<Option<String>> {
        Ok(K::misnamed(scope, &read::<K, _>(output.clone())?))
    }

    fn preview<'a>(&'a self, cloud: &'a C, spec: &'a Value) -> Boxed<'a, ()> {
        Box::pin(async move { K::preview(cloud, &read::<K, _>(spec.clone())?).await })
    }

    fn verify<'a>(&'a self, cloud: &'a C, spec: Value) -> Boxed<'a, Vec<Concern>> {
        Box::pin(async move { K::verify(cloud, &read::<K, _>(spec)?).await })
    }

    fn prepare<'a>(
        &'a self,
        cloud: &'a C,
        spec: &'a Value,
        voice: &'a Voice,
    ) -> Boxed<'a, Option<Value>> {
        Box::pin(async move {
            K::prepare(cloud, &read::<K, _>(spec.clone())?, voice)
                .await?
                .map(|spec| write(&spec))
                .transpose()
        })
    }
}

fn erase<K: Kind>(found: Found<K>) -> Result<Seen> {
    let Found { badge: Badge { name, generation, mark, proof, of, called, tags }, .. } = found;
    let live = Live {
        address: Address::new(K::NAME, name),
        place: Place::default(),
        generation,
        mark,
        serial: None,
        standing: Standing::default(),
        is_signed: false,
        tags,
        spec: write(&found.spec)?,
        output: write(&found.output)?,
        phase: found.phase,
        state: found.state,
        foreign: found.foreign,
    };
    Ok(Seen { live, called, proof, of })
}

pub(crate) fn restore<K: Kind>(live: &Live) -> Result<Found<K>> {
    Ok(Found {
        badge: Badge {
            name: live.address.name.clone(),
            generation: live.generation,
            mark: live.mark.clone(),
            ..Badge::default()
        },
        spec: read::<K, _>(live.spec.clone())?,
        output: read::<K, _>(live.output.clone())?,
        phase: live.phase,
        state: live.state.clone(),
        foreign: live.foreign.clone(),
    })
}

/// Only a plan file edited by hand gets here with something the types do not take.
fn read<K: Kind, T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| {
        Failure::new(Cause::Refused, format!("read the {} of the plan", K::NAME), error.to_string())
    })
}

fn write<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|error| Failure::new(Cause::Refused, "write a value as JSON", error.to_string()))
}
