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
use deployer_engine::Lease;

/// What the names of operations begin with that change nothing. Every other one is taken for one
/// that does.
const READING: &[&str] = &["BatchCheck", "BatchGet", "Describe", "Filter", "Get", "List"];

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

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map(Metadata::name).unwrap_or_default();
        if !self.is_open() && !READING.iter().any(|reading| operation.starts_with(reading)) {
            return Err(Fenced.into());
        }
        Ok(())
    }
}
