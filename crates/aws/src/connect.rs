//! Finds the credentials, the region and the account, and makes the clients.

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_config::credential_process::CredentialProcessProvider;
use aws_config::identity::IdentityCache;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use deployer_core::{Cause, Failure};
use deployer_engine::{Calls, Result};
use deployer_image::Roots;
use tokio::sync::OnceCell;

use crate::fence::Fence;
use crate::surroundings::Surroundings;
use crate::witness::{Seen, Witness};
use crate::{Aws, credentials, network, random, sts};

/// How long a connection may take: an endpoint that does not answer is told within seconds.
const CONNECT: Duration = Duration::from_secs(5);

/// How long one call may take. `CreateDBInstance` is the slowest of ours, with a few seconds.
const CALL: Duration = Duration::from_mins(1);

/// How long whoever gives credentials may take, with the SDK's own retries: less than the call that
/// waits for them.
const CREDENTIALS: Duration = Duration::from_secs(45);

/// How long one try of that may take.
const TRY: Duration = Duration::from_secs(15);

/// A region that every account may use, in the partition that has regions to opt in to (account
/// management guide, "Enable or disable AWS Regions").
const ALWAYS_ON: &str = "us-east-1";

/// How the regions of the other partitions begin. Credentials of one hold in no other.
const ELSEWHERE: [&str; 4] = ["cn-", "us-gov-", "eusc-", "us-iso"];

/// The codes with which a region speaks of credentials that it does not know (IAM user guide,
/// "Managing AWS STS in an AWS Region").
const OF_THE_REGION: [&str; 3] =
    ["AuthFailure", "InvalidClientTokenId", "UnrecognizedClientException"];

/// What it takes to assume a role (IAM user guide, "Granting a user permissions to switch roles").
const TRUST: &str = "allow `sts:AssumeRole` on the role to who runs this, and name them in the \
                     role's trust policy";

/// What the sessions of roles are called, as CloudTrail shows them.
const SESSION: &str = "deployer";

/// A client whose changing calls pass the fence, and whose answers are seen.
macro_rules! fenced {
    ($sdk:ident, $config:ident, $fence:ident, $seen:ident) => {
        $sdk::Client::from_conf(
            $sdk::config::Builder::from(&$config)
                .interceptor($fence.clone())
                .interceptor($seen.clone())
                .build(),
        )
    };
}

/// A connection to one account and region.
pub struct Connection {
    /// The cloud.
    pub aws: Aws,
    /// The region.
    pub region: String,
}

/// Connects with the credentials and the region that the AWS CLI would use; `region` goes before
/// them, and `role` is assumed with them. Paths in a stack are relative to `folder`. Without a role
/// no call is made.
///
/// # Errors
/// [`Cause::Refused`] without a region, and what is wrong with credentials as far as that is seen
/// without a call, or when the role is assumed.
pub async fn connect(
    role: Option<&str>,
    region: Option<&str>,
    folder: &Path,
) -> Result<Connection> {
    reach(role, region, folder, Seen::default()).await
}

/// The same, with a witness of every answer from then on, the secrets in them included. What is
/// asked for credentials and pushed to a registry is not seen.
///
/// # Errors
/// As [`connect`].
pub async fn connect_seen(
    role: Option<&str>,
    region: Option<&str>,
    folder: &Path,
    witness: Arc<dyn Witness>,
) -> Result<Connection> {
    reach(role, region, folder, Seen(Some(witness))).await
}

async fn reach(
    role: Option<&str>,
    region: Option<&str>,
    folder: &Path,
    seen: Seen,
) -> Result<Connection> {
    let surroundings = Box::pin(Surroundings::of_process()).await?;
    let roots = network::roots(&surroundings)?;
    let http = network::client(&surroundings, roots.as_ref())?;
    // What the SDK looks through has some ten kilobytes.
    let config = Box::pin(configure(region, http, surroundings.session.as_deref())).await;
    let Some(region) = config.region().map(ToString::to_string) else {
        return Err(Failure::new(Cause::Refused, "choose a region", "none is set")
            .help("write `region:` in the stack, or set AWS_REGION"));
    };
    config.endpoint_url().map(endpoint).transpose()?;
    let shared = Shared {
        fence: Fence::default(),
        seen,
        folder: folder.to_owned(),
        surroundings: Arc::new(surroundings),
        roots,
    };
    let aws = Aws::new(config, Calls::seeded(random::seed()), shared);
    let aws = match role {
        Some(role) => Box::pin(aws.elsewhere(Some(role), None)).await?,
        None => aws,
    };
    Ok(Connection { aws, region })
}

/// Checks the endpoint that is set for all services.
fn endpoint(url: &str) -> Result<()> {
    let host = ["http://", "https://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    if host.is_some_and(|host| host.starts_with(|first: char| first != '/')) {
        return Ok(());
    }
    let message = format!("`{url}` is no URL, such as https://ecs.eu-west-1.amazonaws.com");
    Err(Failure::new(Cause::Refused, "use the endpoint that is set", message)
        .help("correct or unset AWS_ENDPOINT_URL, or `endpoint_url` in your AWS config file"))
}

/// What the clouds at all places have in common.
struct Shared {
    fence: Fence,
    seen: Seen,
    folder: PathBuf,
    surroundings: Arc<Surroundings>,
    roots: Option<Roots>,
}

impl Aws {
    /// Whose account the credentials are of, by AWS itself: what goes with credentials, such as
    /// AWS_ACCOUNT_ID, may have been left there by others. STS is asked, unless the ARN of a
    /// parameter of this account has said it already.
    ///
    /// # Errors
    /// [`Cause::Credentials`] without valid credentials, [`Cause::Unreachable`] when nothing
    /// answers.
    pub async fn account(&self) -> Result<String> {
        if let Some(account) = self.whose.get() {
            return Ok(account.clone());
        }
        let purpose = "find out whose account it is";
        let asking =
            self.send(&sts::GET_CALLER_IDENTITY, purpose, || self.sts.get_caller_identity().send());
        asking
            .await?
            .account
            .ok_or_else(|| Failure::new(Cause::Refused, purpose, "AWS did not say which it is"))
    }

    /// Who the credentials are of, by AWS itself: the ARN of a user, or of the session of a role.
    ///
    /// # Errors
    /// As for [`Aws::account`].
    pub async fn caller(&self) -> Result<String> {
        let purpose = "find out whose credentials they are";
        let asking =
            self.send(&sts::GET_CALLER_IDENTITY, purpose, || self.sts.get_caller_identity().send());
        asking
            .await?
            .arn
            .ok_or_else(|| Failure::new(Cause::Refused, purpose, "AWS did not say whose they are"))
    }

    fn new(config: SdkConfig, calls: Calls, shared: Shared) -> Self {
        let Shared { fence, seen, folder, surroundings, roots } = shared;
        // The lock itself is kept through a fence that nobody closes.
        let open = Fence::default();
        Self {
            acm: fenced!(aws_sdk_acm, config, fence, seen),
            autoscaling: fenced!(aws_sdk_applicationautoscaling, config, fence, seen),
            cloud_map: fenced!(aws_sdk_servicediscovery, config, fence, seen),
            cloudwatch: fenced!(aws_sdk_cloudwatch, config, fence, seen),
            ec2: fenced!(aws_sdk_ec2, config, fence, seen),
            ecr: fenced!(aws_sdk_ecr, config, fence, seen),
            ecs: fenced!(aws_sdk_ecs, config, fence, seen),
            elb: fenced!(aws_sdk_elasticloadbalancingv2, config, fence, seen),
            iam: fenced!(aws_sdk_iam, config, fence, seen),
            logs: fenced!(aws_sdk_cloudwatchlogs, config, fence, seen),
            rds: fenced!(aws_sdk_rds, config, fence, seen),
            route53: fenced!(aws_sdk_route53, config, fence, seen),
            scheduler: fenced!(aws_sdk_scheduler, config, fence, seen),
            secrets: fenced!(aws_sdk_secretsmanager, config, fence, seen),
            service_quotas: fenced!(aws_sdk_servicequotas, config, fence, seen),
            sns: fenced!(aws_sdk_sns, config, fence, seen),
            sqs: fenced!(aws_sdk_sqs, config, fence, seen),
            step_functions: fenced!(aws_sdk_sfn, config, fence, seen),
            parameters: fenced!(aws_sdk_ssm, config, open, seen),
            sts: fenced!(aws_sdk_sts, config, fence, seen),
            tagging: fenced!(aws_sdk_resourcegroupstagging, config, fence, seen),
            wafv2: fenced!(aws_sdk_wafv2, config, fence, seen),
            calls,
            fence,
            seen,
            region: config.region().map(ToString::to_string).unwrap_or_default(),
            folder,
            config,
            surroundings,
            roots,
            whose: OnceLock::new(),
            hold_elsewhere: OnceCell::new(),
        }
    }

    fn shared(&self) -> Shared {
        Shared {
            fence: self.fence.clone(),
            seen: self.seen.clone(),
            folder: self.folder.clone(),
            surroundings: Arc::clone(&self.surroundings),
            roots: self.roots.clone(),
        }
    }

    /// The same elsewhere: in the account that a role leads to, and in another region.
    pub(crate) async fn elsewhere(&self, role: Option<&str>, region: Option<&str>) -> Result<Self> {
        let mut config = self.config.to_builder();
        if let Some(region) = region {
            config = config.region(Region::new(region.to_owned()));
        }
        if let Some(role) = role {
            config = config.credentials_provider(self.assume(role).await?);
        }
        Ok(Self::new(config.build(), self.calls.elsewhere(), self.shared()))
    }

    /// The failure, with what to do about it in these surroundings.
    pub(crate) fn explained(&self, failure: Failure) -> Failure {
        self.surroundings.advise(failure)
    }

    /// Whether the credentials may be right, and the region not enabled for their account.
    pub(crate) fn may_be_of_the_region(&self, failure: &Failure) -> bool {
        let is_one_of_its_codes =
            failure.code.as_deref().is_some_and(|code| OF_THE_REGION.contains(&code));
        let may_be_off = self.region != ALWAYS_ON
            && !ELSEWHERE.iter().any(|beginning| self.region.starts_with(beginning));
        failure.cause == Cause::Credentials && is_one_of_its_codes && may_be_off
    }

    /// Says of a failure that it is the region's, if the credentials hold in one that is always on.
    pub(crate) fn tell_region_apart(
        &self,
        failure: Failure,
    ) -> Pin<Box<dyn Future<Output = Failure> + Send + '_>> {
        let ask = || async {
            let config = self.config.to_builder().region(Region::new(ALWAYS_ON)).build();
            let there = Self::new(config, self.calls.elsewhere(), self.shared());
            there.account().await.is_ok()
        };
        // What asks is a part of what a call does that fails.
        Box::pin(async move {
            let is_of_the_region = *self.hold_elsewhere.get_or_init(ask).await;
            if is_of_the_region { self.off(failure) } else { failure }
        })
    }

    /// The failure of a region that the account has not opted in to.
    fn off(&self, failure: Failure) -> Failure {
        let (region, said) = (&self.region, &failure.message);
        let message = format!(
            "the region {region} does not take these credentials, and {ALWAYS_ON} does ({said})"
        );
        let help = format!(
            "the account has to opt in to {region}: `aws account enable-region --region-name \
             {region}`, which takes some minutes; where it has, credentials from STS's global \
             endpoint do not hold there: set AWS_STS_REGIONAL_ENDPOINTS=regional where they are made"
        );
        Failure { cause: Cause::Refused, message, help: Some(help), ..failure }
    }

    /// Credentials for a role, which the SDK renews before they are over: in the midst of a call of
    /// ours, so with retries of its own. They are asked for at once, so that a role that lets nobody
    /// in is an error before anything is done.
    async fn assume(&self, role: &str) -> Result<SharedCredentialsProvider> {
        let config = self.config.to_builder().retry_config(RetryConfig::standard()).build();
        let builder = AssumeRoleProvider::builder(role).session_name(SESSION);
        let provider = builder.configure(&config).build().await;
        let purpose = format!("assume the role {role}");
        let refused = |error: CredentialsError| {
            let said = credentials::failure(sts::ASSUME_ROLE.attempted(&purpose), &error);
            match said.cause {
                Cause::Denied => said.help(TRUST),
                _ => self.explained(said),
            }
        };
        let ask = || async { provider.provide_credentials().await.map_err(refused) };
        match self.calls.make(&sts::ASSUME_ROLE, ask).await {
            Ok(_) => Ok(SharedCredentialsProvider::new(provider)),
            Err(failure) if self.may_be_of_the_region(&failure) => {
                Err(self.tell_region_apart(failure).await)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Retries of our calls are our own: the SDK's would repeat a create whose reply was lost. What is
/// asked for credentials is made again by the SDK, since nobody else sees those calls.
async fn configure(
    region: Option<&str>,
    http: SharedHttpClient,
    session: Option<&str>,
) -> SdkConfig {
    let patient = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(TRY)
        .operation_timeout(CREDENTIALS);
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS).build())
        .retry_config(RetryConfig::standard())
        .timeout_config(patient.build());
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(command) = session {
        loader = loader.credentials_provider(CredentialProcessProvider::new(command.to_owned()));
    }
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT).operation_timeout(CALL).build();
    let config = loader.load().await.into_builder();
    config.retry_config(RetryConfig::disabled()).timeout_config(timeouts).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_endpoint_is_refused_before_a_call() {
        for url in ["http://127.0.0.1:4566", "https://ecs.eu-west-1.amazonaws.com"] {
            assert!(endpoint(url).is_ok(), "{url}");
        }
        for url in ["", "nonsense", "127.0.0.1:4566", "http://", "https:///path", "ftp://host"] {
            let refused = endpoint(url).expect_err(url);
            assert!(refused.help.is_some_and(|help| help.contains("AWS_ENDPOINT_URL")), "{url}");
        }
    }
}
