//! VPCs as EC2 shows them: `DescribeVpcs`.

use aws_sdk_ec2::types::{Filter, Vpc, VpcCidrBlockAssociation, VpcCidrBlockStateCode as State};
use deployer_engine::Result;
use deployer_kinds::Cidr;

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

/// Whether a VPC has a range that holds this one, which subnets can be in or will be able to.
pub(super) async fn will_hold(aws: &Aws, id: &str, inner: Cidr) -> Result<bool> {
    let all = describe(aws, vec![ec2::filter("vpc-id", id)]).await?;
    let ranges = all.iter().flat_map(|vpc| vpc.cidr_block_association_set());
    let mut ranges = ranges.filter(|it| is_there(it)).filter_map(range);
    Ok(ranges.any(|range| range.0.contains(&inner.0)))
}

/// Whether a range is there, or comes by itself.
pub(super) fn is_there(association: &VpcCidrBlockAssociation) -> bool {
    matches!(state(association), Some(State::Associated | State::Associating) | None)
}

pub(super) fn range(association: &VpcCidrBlockAssociation) -> Option<Cidr> {
    association.cidr_block()?.parse().ok()
}

pub(super) fn state(association: &VpcCidrBlockAssociation) -> Option<&State> {
    association.cidr_block_state()?.state()
}
