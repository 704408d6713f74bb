//! Keeps calls that change something from being sent while the lock is in doubt.
//!
//! It sits where a request leaves the process, so it stands before every call of every kind and
//! before every repetition of it. Pushes to a registry ask it as well.

use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use deployer_engine::{Lease, Operation};

tokio::task_local! {
    /// What is being sent.
    static UNDER_WAY: &'static Operation;
}

/// Sends a request of this operation.
pub(crate) async fn under<F: Future>(operation: &'static Operation, request: F) -> F::Output {
    UNDER_WAY.scope(operation, request).await
}

/// Open until there is a lease, and from then on while that is fresh.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fence(Arc<OnceLock<Lease>>);

impl Fence {
    /// Puts the lease there. A process takes one lock.
    pub(crate) fn close_with(&self, lease: Lease) {
        // A second one would be of the same process, which holds the first.
        drop(self.0.set(lease));
    }

    /// Whether something may be changed now.
    pub(crate) fn is_open(&self) -> bool {
        self.0.get().is_none_or(Lease::is_fresh)
    }
}

/// A call was not sent.
#[derive(Debug, thiserror::Error)]
#[error("the lock could not be renewed in time")]
pub(crate) struct Fenced;

impl Intercept for Fence {
    fn name(&self) -> &'static str {
        "Fence"
    }

    /// What was sent in another way than [`crate::Aws::send`] is taken for a change.
    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = UNDER_WAY.try_with(|operation| *operation).ok();
        debug_assert_eq!(
            operation.map(|operation| operation.name),
            config.load::<Metadata>().map(Metadata::name),
            "an operation is declared under the name that the service has for it, and sent as such"
        );
        if !self.is_open() && operation.is_none_or(|operation| operation.changes) {
            return Err(Fenced.into());
        }
        Ok(())
    }
}
