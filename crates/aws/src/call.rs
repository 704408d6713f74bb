//! Makes one call on AWS, and again where that is safe.
//!
//! A call that was throttled had no effect, so any call is repeated. One whose reply was lost may
//! have had, so only calls that change nothing are repeated here; the engine decides on others.

use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use deployer_core::Cause;
use deployer_engine::Result;

use crate::failure::failure;

/// How often a call is repeated; with the pauses doubling from [`PAUSE`], some 13 s in all.
const REPEATS: u32 = 7;

/// The first pause between two tries. EC2's buckets refill at 10 to 20 calls a second.
const PAUSE: Duration = Duration::from_millis(100);

/// The pauses before something that is listed and not found is believed to be gone.
const BELIEF: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Makes a call that changes something. `attempted` reads after "could not " and names the
/// service's operation: `create the VPC (ec2:CreateVpc)`.
pub(crate) async fn call<O, E, F>(attempted: &str, send: impl FnMut() -> F) -> Result<O>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    F: Future<Output = std::result::Result<O, SdkError<E, HttpResponse>>>,
{
    repeat(attempted, &[Cause::Throttled], send).await
}

/// Makes a call that changes nothing.
pub(crate) async fn read<O, E, F>(attempted: &str, send: impl FnMut() -> F) -> Result<O>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    F: Future<Output = std::result::Result<O, SdkError<E, HttpResponse>>>,
{
    repeat(attempted, &[Cause::Throttled, Cause::Ambiguous], send).await
}

/// Makes a call that changes nothing once for each page of its answer. `send` is handed the token
/// of the page to fetch, `next` takes the token of the page after from an answer.
pub(crate) async fn pages<O, E, F>(
    attempted: &str,
    mut send: impl FnMut(Option<String>) -> F,
    next: impl Fn(&O) -> Option<&str>,
) -> Result<Vec<O>>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    F: Future<Output = std::result::Result<O, SdkError<E, HttpResponse>>>,
{
    let (mut pages, mut token) = (Vec::new(), None);
    loop {
        let page = read(attempted, || send(token.clone())).await?;
        token = next(&page).filter(|token| !token.is_empty()).map(ToOwned::to_owned);
        pages.push(page);
        if token.is_none() {
            return Ok(pages);
        }
    }
}

/// Takes a failure with one of these codes as success: what was asked for is so already.
pub(crate) fn already<O>(result: Result<O>, codes: &[&str]) -> Result<Option<O>> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.code.as_deref().is_some_and(|code| codes.contains(&code)) => {
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// The answer, unless what it is about is gone: it may have been deleted since it was listed, or
/// a deletion is repeated.
pub(crate) fn unless_gone<O>(result: Result<O>) -> Result<Option<O>> {
    match result {
        Err(failure) if failure.cause == Cause::Gone => Ok(None),
        result => result.map(Some),
    }
}

/// The answer about something that has just been listed, unless it is gone. What was made a moment
/// ago can be listed and not be found yet (seen of task definitions: pull request 45553 of
/// Terraform's AWS provider), so it is believed to be gone only when it stays so for some seconds.
pub(crate) async fn listed<O, F>(ask: impl Fn() -> F) -> Result<Option<O>>
where
    F: Future<Output = Result<O>>,
{
    for pause in BELIEF {
        if let Some(answer) = unless_gone(ask().await)? {
            return Ok(Some(answer));
        }
        tokio::time::sleep(pause).await;
    }
    unless_gone(ask().await)
}

async fn repeat<O, E, F>(attempted: &str, on: &[Cause], mut send: impl FnMut() -> F) -> Result<O>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    F: Future<Output = std::result::Result<O, SdkError<E, HttpResponse>>>,
{
    let mut repeats = 0;
    loop {
        let failure = match send().await {
            Ok(answer) => return Ok(answer),
            Err(error) => failure(attempted, &error),
        };
        if repeats == REPEATS || !on.contains(&failure.cause) {
            return Err(failure);
        }
        tracing::debug!(%failure, repeats, "will call again");
        tokio::time::sleep(PAUSE * 2_u32.pow(repeats)).await;
        repeats += 1;
    }
}
