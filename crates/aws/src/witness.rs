//! Shows what AWS answered to whoever sets it beside something else.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

/// One request and its answer, as both crossed the wire: secrets are in it as they are.
pub struct Answer<'a> {
    /// The service, as its model calls it.
    pub service: &'a str,
    /// The operation, as its model calls it.
    pub operation: &'a str,
    /// The body of the request.
    pub request: &'a [u8],
    /// The status of the answer.
    pub status: u16,
    /// The body of the answer.
    pub body: &'a [u8],
    /// From the sent request to the whole answer.
    pub took: Duration,
}

/// Sees every answer. It is called in the midst of a call, so it is to be quick.
pub trait Witness: Debug + Send + Sync {
    /// An answer came. A request without one is not seen.
    fn saw(&self, answer: &Answer<'_>);
}

/// Shows a client's answers to a witness, if there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(pub(crate) Option<Arc<dyn Witness>>);

/// What was sent, and when.
#[derive(Debug)]
struct Sent {
    request: Vec<u8>,
    at: Instant,
}

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

impl Intercept for Seen {
    fn name(&self) -> &'static str {
        "Seen"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.0.is_some() {
            let request = context.request().body().bytes().unwrap_or_default().to_vec();
            config.interceptor_state().store_put(Sent { request, at: Instant::now() });
        }
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let (Some(witness), Some(sent), Some(call)) =
            (&self.0, config.load::<Sent>(), config.load::<Metadata>())
        else {
            return Ok(());
        };
        let response = context.response();
        witness.saw(&Answer {
            service: call.service(),
            operation: call.name(),
            request: &sent.request,
            status: response.status().as_u16(),
            body: response.body().bytes().unwrap_or_default(),
            took: sent.at.elapsed(),
        });
        Ok(())
    }
}
