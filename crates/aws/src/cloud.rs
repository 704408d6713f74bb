//! AWS as the engine sees it: one client a service, and what the scans of one observation share.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use aws_config::SdkConfig;
use deployer_core::{ExistingBalancer, ExistingNetwork, Kind, Place, Stack, Step};
use deployer_engine::{Calls, Cloud, Ends, Foreseen, Result, Session};
use deployer_image::Roots;
use deployer_kinds::{Subnet, Vpc};
use tokio::sync::OnceCell;

use crate::fence::Fence;
use crate::surroundings::Surroundings;
use crate::witness::Seen;

/// One account and region of AWS.
pub struct Aws {
    pub(crate) acm: aws_sdk_acm::Client,
    pub(crate) autoscaling: aws_sdk_applicationautoscaling::Client,
    pub(crate) cloud_map: aws_sdk_servicediscovery::Client,
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) ecr: aws_sdk_ecr::Client,
    pub(crate) ecs: aws_sdk_ecs::Client,
    pub(crate) elb: aws_sdk_elasticloadbalancingv2::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) rds: aws_sdk_rds::Client,
    pub(crate) route53: aws_sdk_route53::Client,
    pub(crate) scheduler: aws_sdk_scheduler::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    pub(crate) service_quotas: aws_sdk_servicequotas::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) step_functions: aws_sdk_sfn::Client,
    /// Systems Manager for what an environment keeps, the lock among it, which no fence keeps from
    /// being renewed.
    pub(crate) parameters: aws_sdk_ssm::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) tagging: aws_sdk_resourcegroupstagging::Client,
    pub(crate) wafv2: aws_sdk_wafv2::Client,
    /// Through which all calls are made.
    pub(crate) calls: Calls,
    /// Before all that changes something.
    pub(crate) fence: Fence,
    pub(crate) seen: Seen,
    pub(crate) region: String,
    /// What the clients were made with.
    pub(crate) config: SdkConfig,
    /// The folder that the paths of a stack are relative to.
    pub(crate) folder: PathBuf,
    /// What is said of credentials and network, by which failures are explained.
    pub(crate) surroundings: Arc<Surroundings>,
    /// The certificates that are trusted instead of this machine's.
    pub(crate) roots: Option<Roots>,
    /// Whose account it is, once something that AWS answered has said so.
    pub(crate) whose: OnceLock<String>,
    /// Whether the credentials hold where every account may go, once that was asked.
    pub(crate) hold_elsewhere: OnceCell<bool>,
}

impl Cloud for Aws {
    type Shared = Shared;

    fn calls(&self) -> &Calls {
        &self.calls
    }

    async fn at(&self, role: Option<&str>, region: Option<&str>) -> Result<Self> {
        self.elsewhere(role, region).await
    }

    async fn zones(&self) -> Result<BTreeSet<String>> {
        self.open_zones().await
    }

    async fn network(
        &self,
        vpc: &str,
        subnets: &BTreeSet<String>,
    ) -> Result<Option<ExistingNetwork>> {
        self.existing_network(vpc, subnets).await
    }

    async fn balancer(&self, arn: &str) -> Result<Option<ExistingBalancer>> {
        self.existing_balancer(arn).await
    }

    async fn tagged(
        &self,
        kind: &str,
        tags: &BTreeMap<String, String>,
        vpc: Option<&str>,
    ) -> Result<BTreeSet<String>> {
        match kind {
            Vpc::NAME => self.tagged_vpcs(tags).await,
            Subnet::NAME => self.tagged_subnets(tags, vpc).await,
            _ => self.tagged_balancers(tags).await,
        }
    }

    async fn names_below(&self, path: &str) -> Result<BTreeSet<String>> {
        self.parameters_below(path).await
    }

    async fn foresee(&self, stack: &Stack, place: &Place, steps: &[&Step]) -> Vec<Foreseen> {
        self.foresee_steps(stack, place, steps).await
    }

    async fn join(&self, session: &Session, ends: Ends) -> Result<String> {
        self.join_session(session, ends).await
    }
}

/// What the scans of one observation share: one of each type that they ask for, made when the first
/// does. So a service keeps for itself what it shares.
#[derive(Default)]
pub struct Shared(OnceLock<(Box<dyn Any + Send + Sync>, Box<Shared>)>);

impl Shared {
    /// The one of a type: the first, or one of the rest.
    pub(crate) fn get<T: Any + Default + Send + Sync>(&self) -> &T {
        let (first, rest) = self.0.get_or_init(|| (Box::new(T::default()), Box::default()));
        first.downcast_ref().unwrap_or_else(|| rest.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_each_type_there_is_one_whoever_asks() {
        let shared = Shared::default();
        let (numbers, texts): (&OnceLock<u8>, &OnceLock<String>) = (shared.get(), shared.get());
        numbers.set(1).expect("it is empty");
        texts.set("one".to_owned()).expect("it is empty");
        assert_eq!(shared.get::<OnceLock<u8>>().get(), Some(&1));
        assert_eq!(shared.get::<OnceLock<String>>().get().map(String::as_str), Some("one"));
    }
}
