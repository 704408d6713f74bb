//! What would keep a plan from being done in a place: what whoever runs it may not do, what the
//! account has no room for, and names that are not free yet.

mod names;
mod needs;
mod permissions;
mod quotas;
mod samples;

use deployer_core::{Place, Stack, Step};
use deployer_engine::{Concern, Foreseen, Result};
use futures_util::future::join3;

use crate::Aws;

impl Aws {
    /// Looks at permissions, quotas and names, all at once.
    pub(crate) async fn foresee_steps(
        &self,
        stack: &Stack,
        place: &Place,
        steps: &[&Step],
    ) -> Vec<Foreseen> {
        let (permissions, quotas, names) = join3(
            permissions::look(self, stack, place, steps),
            quotas::look(self, stack, place, steps),
            names::look(self, stack, steps),
        )
        .await;
        let of_each = [
            looked(
                permissions,
                "whoever runs this may do all of it",
                "allow `iam:SimulatePrincipalPolicy` and `iam:GetRole`, or go on: IAM says it of \
                 each call",
            ),
            looked(
                quotas,
                "quotas have room for all of it",
                "allow `servicequotas:GetServiceQuota` and \
                 `servicequotas:GetAWSDefaultServiceQuota`, or go on: AWS says it of each call",
            ),
            looked(
                names,
                "the names of secrets are free",
                "allow `secretsmanager:DescribeSecret`, or go on: AWS says it of each call",
            ),
        ];
        of_each.into_iter().flatten().collect()
    }
}

/// What was found; or else, once, that nobody could look and what that takes.
fn looked(found: Result<Vec<Foreseen>>, what: &str, help: &str) -> Vec<Foreseen> {
    found.unwrap_or_else(|failure| {
        let title = format!("whether {what} was not looked at: {}", failure.message);
        vec![(None, Concern::maybe("", title, help))]
    })
}
