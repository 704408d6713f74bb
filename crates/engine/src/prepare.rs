//! Work that is done beside planning: what makes a plan exact, and what would keep its creates from
//! succeeding.

use std::collections::BTreeSet;

use deployer_core::{
    Action, Address, Cause, Deeds, Failure, Live, Outputs, Phase, Plan, Roles, Scope, Snapshot,
    Stack, Step, resolve,
};
use futures_util::future::join_all;
use tokio::sync::mpsc::unbounded_channel;

use crate::cloud::others;
use crate::driver::Taken;
use crate::{Cloud, Places, Registry, Survey, Voice};

/// Looks, without a call, for what would keep the creates of a plan from succeeding; all of it at
/// once.
pub async fn preview<C: Cloud>(
    registry: &Registry<C>,
    cloud: &C,
    plan: &Plan,
) -> Vec<(Address, Failure)> {
    let mut failures = Vec::new();
    let creates = plan.steps.iter().filter(|step| step.action == Action::Create);
    for (step, spec) in creates.filter_map(|step| Some((step, step.wanted.as_ref()?))) {
        let Ok(driver) = registry.driver(&step.address.kind) else { continue };
        if let Err(failure) = driver.preview(cloud, spec).await {
            failures.push((step.address.clone(), failure));
        }
    }
    failures
}

/// Asks, all at once, for what the creates of a plan are to have and only one can: which of it, such
/// as a name, something has that is not ours. Where that cannot be asked, or takes many calls, the
/// create will show it.
pub async fn taken<C: Cloud>(
    registry: &Registry<C>,
    places: &Places<C>,
    scope: &Scope,
    snapshot: &Snapshot,
    plan: &Plan,
) -> Vec<(Address, Failure)> {
    let creates = plan.steps.iter().filter(|step| step.action == Action::Create);
    let made: BTreeSet<&Address> = creates.clone().map(|step| &step.address).collect();
    let there = known(snapshot, &made);
    let looks =
        creates.map(|step| taken_by(registry, places, scope, (snapshot, &there), (plan, step)));
    join_all(looks).await.into_iter().flatten().collect()
}

/// What has something that a create is to have, and is not ours.
async fn taken_by<C: Cloud>(
    registry: &Registry<C>,
    places: &Places<C>,
    scope: &Scope,
    (snapshot, there): (&Snapshot, &Outputs),
    (plan, step): (&Plan, &Step),
) -> Option<(Address, Failure)> {
    let address = &step.address;
    let driver = registry.driver(&address.kind).ok()?;
    let name = driver.info().physical_name(scope, address, step.generation);
    // What is bound first and led there later is to have in the end what the last step gives it.
    let last = plan.steps.iter().rfind(|it| it.address == *address && it.place == step.place);
    let spec = resolve(last?.wanted.as_ref()?, there);
    let cloud = places.at(&step.place, &Roles::new()).await.ok()?;
    let (shared, deeds) = (C::Shared::default(), Deeds::default());
    let home = places.home();
    let survey = Survey::of_things((&*cloud, scope), (&shared, &deeds), (&step.place, home));
    let rival = match driver.rival(&survey, &name, spec).await {
        // Where it is to be is not there, or nobody knows which is meant: nothing can be made in it.
        Err(failure) if matches!(failure.cause, Cause::Missing | Cause::Refused) => {
            return Some((address.clone(), failure));
        }
        rival => rival.ok()?,
    };
    let Taken { by, what, otherwise } = rival?;
    let found = by.live;
    let id = found.id();
    let is_this = |live: &Live| live.address.kind == address.kind && live.id() == id;
    let is_known = snapshot.lives.iter().any(is_this)
        || snapshot.strays.iter().any(|stray| stray.id == id)
        || found.address == *address
        || found.phase == Phase::Leaving;
    if is_known {
        return None;
    }
    let (message, help) = others(address, id, &what, &otherwise);
    let failure = Failure::new(Cause::Taken, format!("create {address}"), message);
    // What a scan would not find again is not taken over.
    let is_adoptable = driver.misnamed(scope, &found.output).is_ok_and(|it| it.is_none());
    let help = if is_adoptable { help } else { otherwise };
    Some((address.clone(), failure.help(help)))
}

/// The outputs of what is there and stays.
fn known(snapshot: &Snapshot, made: &BTreeSet<&Address>) -> Outputs {
    let addresses: BTreeSet<&Address> = snapshot.lives.iter().map(|live| &live.address).collect();
    let stays = addresses.into_iter().filter(|address| !made.contains(address));
    let there = stays.filter_map(|address| {
        let live = snapshot.current(address).filter(|live| live.phase != Phase::Leaving)?;
        Some((address.clone(), live.output.clone()))
    });
    there.collect()
}

/// The stack with the specs of these resources made exact, such as an image's tag by its digest.
///
/// They are prepared one after another, since builds take all the machine has; `voice` hears
/// what each has to tell.
///
/// # Errors
/// The first that could not be prepared, and why.
pub async fn prepare<C: Cloud>(
    registry: &Registry<C>,
    cloud: &C,
    stack: &Stack,
    targets: &BTreeSet<Address>,
    voice: &dyn Fn(&Address, &str),
) -> Result<Stack, (Address, Failure)> {
    let mut prepared = stack.clone();
    for address in targets {
        let Some(desired) = prepared.resources.get_mut(address) else { continue };
        let driver =
            registry.driver(&address.kind).map_err(|failure| (address.clone(), failure))?;
        let (sender, mut receiver) = unbounded_channel();
        let speaker = Voice::channel(sender, |line| line);
        let mut preparing = driver.prepare(cloud, &desired.spec, &speaker);
        let result = loop {
            tokio::select! {
                biased;
                Some(line) = receiver.recv() => voice(address, &line),
                result = &mut preparing => break result,
            }
        };
        drop(preparing);
        while let Ok(line) = receiver.try_recv() {
            voice(address, &line);
        }
        match result {
            Ok(Some(spec)) => desired.spec = spec,
            Ok(None) => {}
            Err(failure) => return Err((address.clone(), failure)),
        }
    }
    Ok(prepared)
}
