//! Work that is done before planning because it makes the plan exact.

use std::collections::BTreeSet;

use deployer_core::{Address, Failure, Stack};
use tokio::sync::mpsc::unbounded_channel;

use crate::{Cloud, Registry, Voice};

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
