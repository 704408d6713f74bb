//! What is done to tasks that are kept running.

use deployer_core::Live;
use jiff::Timestamp;
use serde_json::Value;

use super::capability;
use crate::retry::insist;
use crate::{Cloud, Result};

capability! {
    /// A kind that keeps tasks running.
    Workloads, AnyWorkloads {
        /// Begins to replace its tasks by new ones of the same, and gives the output that says so.
        /// Where its rollout is no longer the one that was seen, one has begun since, such as by a
        /// try whose reply got lost: then none is begun.
        fn restart() -> Value;

        /// Sets how many tasks there are to be, and gives the output that says so.
        fn scale(count: u32) -> Value;

        /// What the cloud has said of it, the newest first, for as long as it keeps that.
        fn remarks() -> Vec<Remark>;
    }
}

/// Something that the cloud has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// When.
    pub at: Timestamp,
    /// What, as a sentence.
    pub text: String,
}

/// Begins to replace the tasks of something, and asks again where the reply got lost: one that has
/// begun is not begun twice.
///
/// # Errors
/// As for [`Workloads::restart`].
pub async fn restart<C: Cloud>(
    workloads: &dyn AnyWorkloads<C>,
    (cloud, live): (&C, &Live),
) -> Result<Value> {
    insist(|| workloads.restart(cloud, live)).await
}

/// Sets how many tasks there are to be, and asks again where the reply got lost.
///
/// # Errors
/// As for [`Workloads::scale`].
pub async fn scale<C: Cloud>(
    workloads: &dyn AnyWorkloads<C>,
    (cloud, live): (&C, &Live),
    count: u32,
) -> Result<Value> {
    insist(|| workloads.scale(cloud, live, &count)).await
}

/// What the cloud has said of something, the newest first.
///
/// # Errors
/// As for [`Workloads::remarks`].
pub async fn remarks<C: Cloud>(
    workloads: &dyn AnyWorkloads<C>,
    (cloud, live): (&C, &Live),
) -> Result<Vec<Remark>> {
    insist(|| workloads.remarks(cloud, live)).await
}
