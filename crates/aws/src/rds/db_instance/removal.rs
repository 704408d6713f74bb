//! Deletes a database instance, with a snapshot of all that was in it unless told otherwise.

use deployer_core::Cause;
use deployer_engine::{Context, Result};
use deployer_kinds::leaves_snapshot;

use crate::Aws;
use crate::rds;

/// How many final snapshots of one generation there may be: one for each time the database was
/// deleted and made anew under the same name.
const SNAPSHOTS: u32 = 100;

/// A database that is to go.
#[derive(Clone, Copy)]
pub(crate) struct Leaving<'a> {
    pub(crate) id: &'a str,
    pub(crate) generation: u32,
    pub(crate) is_protected: bool,
    pub(crate) final_snapshot: bool,
}

/// Deletes it, and says which snapshot it leaves.
pub(crate) async fn delete(cx: &Context<'_, Aws>, live: Leaving<'_>) -> Result<Vec<String>> {
    let id = live.id;
    let state = rds::describe(cx.cloud, id).await?.db_instance_status.unwrap_or_default();
    let keeps = live.final_snapshot && leaves_snapshot(&state);
    let snapshot = format!("{}-final-{}", rds::name(cx.identity), live.generation);
    if state == "deleting" {
        let note = format!("database {id} leaves a snapshot, `{snapshot}` or numbered like it");
        return Ok(keeps.then_some(note).into_iter().collect());
    }
    if live.is_protected {
        unprotect(cx, id).await?;
    }
    if !keeps {
        begin(cx, live, None).await?;
        return Ok(Vec::new());
    }
    let mut number = 1;
    loop {
        let name = if number == 1 { snapshot.clone() } else { format!("{snapshot}-{number}") };
        match begin(cx, live, Some(&name)).await {
            Ok(()) => return Ok(vec![format!("database {id} leaves the snapshot {name}")]),
            Err(failure) if failure.cause == Cause::Taken && number < SNAPSHOTS => {
                number += 1;
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// The planner has asked for consent before it planned to delete a protected database.
async fn unprotect(cx: &Context<'_, Aws>, id: &str) -> Result<()> {
    let request = cx
        .cloud
        .rds
        .modify_db_instance()
        .db_instance_identifier(id)
        .deletion_protection(false)
        .apply_immediately(true);
    cx.cloud
        .send(&rds::MODIFY_DB_INSTANCE, "take the database's protection off", || {
            request.clone().send()
        })
        .await?;
    Ok(())
}

async fn begin(cx: &Context<'_, Aws>, live: Leaving<'_>, snapshot: Option<&str>) -> Result<()> {
    let request = cx
        .cloud
        .rds
        .delete_db_instance()
        .db_instance_identifier(live.id)
        .skip_final_snapshot(snapshot.is_none())
        .set_final_db_snapshot_identifier(snapshot.map(ToOwned::to_owned));
    cx.cloud
        .send(&rds::DELETE_DB_INSTANCE, "delete the database", || request.clone().send())
        .await?;
    Ok(())
}
