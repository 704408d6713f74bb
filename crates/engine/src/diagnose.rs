//! What is wrong in an environment, at one time.

use deployer_core::{Live, Phase, Roles};
use futures_util::future::join_all;

use crate::retry::insist;
use crate::{Cloud, Finding, Places, Registry, Result, Stage};

/// What is wrong with one resource.
pub struct Diagnosis<'a> {
    /// The resource.
    pub live: &'a Live,
    /// What is wrong with it; why that could not be found out, where it could not.
    pub findings: Result<Vec<Finding>>,
}

/// Asks every resource what is wrong with it, at once. `known` has the roles of accounts that nothing
/// else says one for.
///
/// What cannot be looked at takes nothing from the others. A resource of which the cloud says that it
/// has failed is wrong, whether its kind can be asked or not.
pub async fn diagnose<'a, C: Cloud>(
    registry: &Registry<C>,
    places: &Places<C>,
    lives: &'a [Live],
    known: &Roles,
) -> Vec<Diagnosis<'a>> {
    let looks = lives.iter().filter_map(|live| {
        let asked = registry.checks(&live.address.kind);
        // Of a release that failed whoever runs it says why, where another one runs.
        let stands = |other: &Live| other.address == live.address && other.phase != Phase::Failed;
        if asked.is_none() && (live.phase != Phase::Failed || lives.iter().any(stands)) {
            return None;
        }
        Some(async move {
            let findings = async {
                let cloud = places.at(&live.place, known).await?;
                match asked {
                    Some(asked) => insist(|| asked.findings(&cloud, live)).await,
                    None => Ok(vec![failed(live)]),
                }
            };
            Diagnosis { live, findings: findings.await }
        })
    });
    join_all(looks).await
}

fn failed(live: &Live) -> Finding {
    let problem = format!("{} has failed", live.address);
    let help = "what is said of what uses it may be why; then `deployer apply` makes it again";
    Finding::new(Stage::Stack, problem, help).because([live.state.clone()])
}
