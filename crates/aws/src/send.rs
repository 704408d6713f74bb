//! The only way a call on AWS is made.
//!
//! An operation is data: its service declares it, with what its codes mean. From it follow the
//! pace and the repeats of a call ([`deployer_engine::Calls`]), whether it passes the fence, what
//! its failure means, and what it takes to be permitted.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use deployer_core::Cause;
use deployer_engine::{Operation, Result};

use crate::Aws;
use crate::failure::failure;
use crate::fence;

/// Declares the operations of a service, and the list of them all.
macro_rules! operations {
    ($($(#[$note:meta])* $name:ident = $operation:expr;)+) => {
        $($(#[$note])* pub(crate) static $name: Operation = $operation;)+

        /// All of them.
        pub(crate) static ALL: &[&Operation] = &[$(&$name),+];
    };
}
pub(crate) use operations;

impl Aws {
    /// Makes a call. `purpose` reads after "could not ": `create the VPC`; `send` sends it once.
    pub(crate) async fn send<O, E, F>(
        &self,
        operation: &'static Operation,
        purpose: &str,
        mut send: impl FnMut() -> F,
    ) -> Result<O>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = std::result::Result<O, SdkError<E, HttpResponse>>>,
    {
        let result = self
            .calls
            .make(operation, || {
                // The SDK's futures have some ten kilobytes, and are moved through a few others.
                let request = fence::under(operation, Box::pin(send()));
                async {
                    let explained = |error| self.explained(failure(operation, purpose, &error));
                    request.await.map_err(explained)
                }
            })
            .await;
        tracing::trace!(%operation, answered = result.is_ok(), "{purpose}");
        match result {
            Err(failure) if self.may_be_of_the_region(&failure) => {
                Err(self.tell_region_apart(failure).await)
            }
            result => result,
        }
    }

    /// Makes a call once for each page of its answer. `send` is handed the token of the page to
    /// fetch, `next` takes the token of the page after from an answer.
    pub(crate) async fn pages<O, E, F>(
        &self,
        operation: &'static Operation,
        purpose: &str,
        send: impl FnMut(Option<String>) -> F,
        next: impl Fn(&O) -> Option<&str>,
    ) -> Result<Vec<O>>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = std::result::Result<O, SdkError<E, HttpResponse>>>,
    {
        self.pages_until(operation, purpose, send, next, |_| false).await
    }

    /// The same, up to the page with which `is_enough` is content.
    pub(crate) async fn pages_until<O, E, F>(
        &self,
        operation: &'static Operation,
        purpose: &str,
        mut send: impl FnMut(Option<String>) -> F,
        next: impl Fn(&O) -> Option<&str>,
        mut is_enough: impl FnMut(&O) -> bool,
    ) -> Result<Vec<O>>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
        F: Future<Output = std::result::Result<O, SdkError<E, HttpResponse>>>,
    {
        let (mut pages, mut token) = (Vec::new(), None);
        loop {
            let page = self.send(operation, purpose, || send(token.clone())).await?;
            token = next(&page).filter(|token| !token.is_empty()).map(ToOwned::to_owned);
            let is_last = token.is_none() || is_enough(&page);
            pages.push(page);
            if is_last {
                return Ok(pages);
            }
        }
    }
}

/// The answer, unless what it is about is gone: it may have been deleted since it was listed, or
/// a deletion is repeated.
pub(crate) fn unless_gone<O>(result: Result<O>) -> Result<Option<O>> {
    unless(Cause::Gone, result)
}

/// The answer, unless what was to be made is there already.
pub(crate) fn unless_taken<O>(result: Result<O>) -> Result<Option<O>> {
    unless(Cause::Taken, result)
}

fn unless<O>(cause: Cause, result: Result<O>) -> Result<Option<O>> {
    match result {
        Err(failure) if failure.cause == cause => Ok(None),
        result => result.map(Some),
    }
}
