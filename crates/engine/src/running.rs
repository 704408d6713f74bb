//! What runs of an environment, and how it does, at one time.

use deployer_core::{Live, Roles};
use futures_util::future::{join, join_all};
use jiff::Timestamp;

use crate::retry::insist;
use crate::{Cloud, Places, Registry, Result, Rollout, Task, Vital, Which};

/// What runs for one resource.
pub struct Running<'a> {
    /// The resource.
    pub live: &'a Live,
    /// Its tasks that run or are to run, the newest first; why they could not be read, where they
    /// could not.
    pub tasks: Result<Vec<Task>>,
    /// Its rollouts, the newest first; none of a kind without.
    pub rollouts: Result<Vec<Rollout>>,
}

/// Looks at the tasks and the rollouts of all that run as tasks, at once. `known` has the roles of
/// accounts that nothing else says one for.
///
/// What cannot be read of one takes nothing from the others.
pub async fn running<'a, C: Cloud>(
    registry: &Registry<C>,
    places: &Places<C>,
    lives: &'a [Live],
    known: &Roles,
) -> Vec<Running<'a>> {
    let looks = lives.iter().filter_map(|live| {
        let kind = live.address.kind.as_str();
        let (asked, rolled) = (registry.tasks(kind)?, registry.rollouts(kind));
        Some(async move {
            let cloud = match places.at(&live.place, known).await {
                Ok(cloud) => cloud,
                Err(failure) => {
                    return Running { live, tasks: Err(failure), rollouts: Ok(Vec::new()) };
                }
            };
            let rollouts = async {
                match rolled {
                    Some(rolled) => insist(|| rolled.rollouts(&cloud, live)).await,
                    None => Ok(Vec::new()),
                }
            };
            let tasks = insist(|| asked.tasks(&cloud, live, &Which::Wanted));
            let (tasks, rollouts) = join(tasks, rollouts).await;
            Running { live, tasks, rollouts }
        })
    });
    join_all(looks).await
}

/// How one resource does.
pub struct Measured<'a> {
    /// The resource.
    pub live: &'a Live,
    /// The numbers that say so, what matters most first; why they could not be read, where they
    /// could not.
    pub vitals: Result<Vec<Vital>>,
}

/// Asks all at once how they do that have numbers for it. `known` is as for [`running`].
///
/// What cannot be read of one takes nothing from the others.
pub async fn measured<'a, C: Cloud>(
    registry: &Registry<C>,
    places: &Places<C>,
    lives: &'a [Live],
    known: &Roles,
) -> Vec<Measured<'a>> {
    let now = Timestamp::now();
    let looks = lives.iter().filter_map(|live| {
        let asked = registry.vitals(&live.address.kind)?;
        Some(async move {
            let vitals = async {
                let cloud = places.at(&live.place, known).await?;
                insist(|| asked.vitals(&cloud, live, &now)).await
            };
            Measured { live, vitals: vitals.await }
        })
    });
    join_all(looks).await
}
