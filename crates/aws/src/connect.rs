//! Finds the credentials, the region and the account, and makes the clients.

use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_sdk_sts::error::SdkError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use deployer_core::{Cause, Failure};
use deployer_engine::{Calls, Result, shown};

use crate::Aws;
use crate::failure::failure;
use crate::fence::Fence;
use crate::{random, sts};

/// How long a connection may take: an endpoint that does not answer is told within seconds.
const CONNECT: Duration = Duration::from_secs(5);

/// How long one call may take. `CreateDBInstance` is the slowest of ours, with a few seconds.
const CALL: Duration = Duration::from_mins(1);

/// What it takes to assume a role (IAM user guide, "Granting a user permissions to switch roles").
const TRUST: &str = "allow `sts:AssumeRole` on the role to who runs this, and name them in the \
                     role's trust policy";

/// What the sessions of roles are called, as CloudTrail shows them.
const SESSION: &str = "deployer";

/// A client whose changing calls pass the fence.
macro_rules! fenced {
    ($sdk:ident, $config:ident, $fence:ident) => {
        $sdk::Client::from_conf(
            $sdk::config::Builder::from(&$config).interceptor($fence.clone()).build(),
        )
    };
}

/// A connection to one account and region.
pub struct Connection {
    /// The cloud.
    pub aws: Aws,
    /// The account, twelve digits.
    pub account: String,
    /// The region.
    pub region: String,
}

/// Connects with the credentials and the region that the AWS CLI would use; `region` goes before
/// them. Paths in a stack are relative to `folder`.
///
/// # Errors
/// [`Cause::Credentials`] without valid credentials, [`Cause::Unreachable`] when nothing answers,
/// [`Cause::Refused`] without a region.
pub async fn connect(region: Option<&str>, folder: &Path) -> Result<Connection> {
    let config = configure(region).await;
    let Some(region) = config.region().map(ToString::to_string) else {
        return Err(Failure::new(Cause::Refused, "choose a region", "none is set")
            .help("write `region:` in the stack, or set AWS_REGION"));
    };
    let calls = Calls::seeded(random::seed());
    let aws = Aws::new(config, calls, Fence::default(), folder.to_owned());
    let account = account(&aws).await?;
    Ok(Connection { aws, account, region })
}

impl Aws {
    fn new(config: SdkConfig, calls: Calls, fence: Fence, folder: PathBuf) -> Self {
        // The lock itself is kept through a fence that nobody closes.
        let open = Fence::default();
        Self {
            cloudwatch: fenced!(aws_sdk_cloudwatch, config, fence),
            ec2: fenced!(aws_sdk_ec2, config, fence),
            ecr: fenced!(aws_sdk_ecr, config, fence),
            ecs: fenced!(aws_sdk_ecs, config, fence),
            elb: fenced!(aws_sdk_elasticloadbalancingv2, config, fence),
            iam: fenced!(aws_sdk_iam, config, fence),
            logs: fenced!(aws_sdk_cloudwatchlogs, config, fence),
            rds: fenced!(aws_sdk_rds, config, fence),
            secrets: fenced!(aws_sdk_secretsmanager, config, fence),
            parameters: fenced!(aws_sdk_ssm, config, open),
            sts: fenced!(aws_sdk_sts, config, fence),
            tagging: fenced!(aws_sdk_resourcegroupstagging, config, fence),
            calls,
            fence,
            region: config.region().map(ToString::to_string).unwrap_or_default(),
            folder,
            config,
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
        let (calls, fence, folder) =
            (self.calls.elsewhere(), self.fence.clone(), self.folder.clone());
        Ok(Self::new(config.build(), calls, fence, folder))
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
            let answer =
                error.source().and_then(|it| it.downcast_ref::<SdkError<AssumeRoleError>>());
            let said = match answer {
                Some(answer) => failure(&sts::ASSUME_ROLE, &purpose, answer),
                None => Failure::new(Cause::Credentials, &purpose, error.to_string()),
            };
            match said.cause {
                Cause::Denied => said.help(TRUST),
                _ => said,
            }
        };
        let ask = || async { provider.provide_credentials().await.map_err(refused) };
        self.calls.make(&sts::ASSUME_ROLE, ask).await?;
        Ok(SharedCredentialsProvider::new(provider))
    }
}

/// Retries are our own: the SDK's would repeat a create whose reply was lost.
async fn configure(region: Option<&str>) -> SdkConfig {
    let http = Builder::new()
        .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
        .build_https();
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT).operation_timeout(CALL).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts);
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    loader.load().await
}

/// The account of the credentials. Most kinds of credentials carry it; for the others one call
/// asks.
async fn account(aws: &Aws) -> Result<String> {
    let advice = "log in with `aws sso login` or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    let missing = |message: String| {
        Failure::new(Cause::Credentials, "find AWS credentials", message).help(advice)
    };
    let provider =
        aws.config.credentials_provider().ok_or_else(|| missing("there are none".into()))?;
    let credentials = shown("no credentials yet", provider.provide_credentials());
    let credentials = credentials.await.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        missing(cause.unwrap_or_else(|| error.to_string()))
    })?;
    if let Some(account) = credentials.account_id() {
        return Ok(account.as_str().to_owned());
    }
    let identity = aws
        .send(&sts::GET_CALLER_IDENTITY, "find out the account", || {
            aws.sts.get_caller_identity().send()
        })
        .await?;
    identity.account.ok_or_else(|| {
        Failure::new(Cause::Refused, "find out the account", "AWS did not say which it is")
    })
}
