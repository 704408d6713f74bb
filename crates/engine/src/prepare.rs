//! Work that is done before planning because it makes the plan exact.

use std::collections::BTreeSet;

use deployer_core::{Action, Address, Failure, Plan, Stack};
use tokio::sync::mpsc::unbounded_channel;

use crate::{Cloud, Registry, Voice};

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
