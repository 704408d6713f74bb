//! VPCs as EC2 shows them: `DescribeVpcs`.

use aws_sdk_ec2::types::{Filter, Vpc};
use deployer_engine::Result;

use crate::Aws;
use crate::ec2;

/// Those that all filters let through.
pub(super) async fn describe(aws: &Aws, filters: Vec<Filter>) -> Result<Vec<Vpc>> {
    let request = aws.ec2.describe_vpcs().set_filters(Some(filters));
    let pages = aws
        .pages(
            &ec2::DESCRIBE_VPCS,
            "find the VPCs",
            |token| request.clone().set_next_token(token).send(),
            |page| page.next_token(),
        )
        .await?;
    Ok(pages.into_iter().flat_map(|page| page.vpcs.unwrap_or_default()).collect())
}
