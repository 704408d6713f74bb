//! The ranges that a VPC has beside its first one: `AssociateVpcCidrBlock`,
//! `DisassociateVpcCidrBlock`.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Vpc, VpcCidrBlockAssociation, VpcCidrBlockStateCode as State};
use deployer_engine::{Progress, Result};
use deployer_kinds::Cidr;

use crate::Aws;
use crate::ec2::vpcs::{is_there, range, state};
use crate::ec2::{self, filter, inside, vpcs};
use crate::missing::Required;
use crate::ownership::{self, Kept, Owned};
use crate::send::unless_gone;

/// The field, which keeps as a tag which ranges were given, since an association carries none.
const FIELD: &str = "secondary-cidrs";

/// What is kept of the ranges that were given, three characters for each.
pub(super) fn kept<'r>(ranges: impl IntoIterator<Item = &'r Cidr>) -> Kept {
    Kept::from([(FIELD, ownership::codes(ranges.into_iter().map(ToString::to_string)))])
}

/// Those of ours that are there, or come by themselves.
pub(super) fn read(vpc: &Vpc, owned: &Owned) -> BTreeSet<Cidr> {
    let ours = |range: &Cidr| owned.is_given(FIELD, &range.to_string());
    there(vpc).filter(ours).collect()
}

/// Those that somebody else has added, and those that did not come, in words.
pub(super) fn foreign(vpc: &Vpc, owned: &Owned) -> Vec<String> {
    let others = there(vpc).map(|range| range.to_string());
    let others = others.filter(|range| !owned.is_given(FIELD, range));
    let others = others.map(|range| format!("the range {range}, not added by this stack"));
    others.chain(failed(vpc)).collect()
}

/// Whether one comes or goes by itself.
pub(super) fn are_settling(vpc: &Vpc) -> bool {
    beside(vpc).any(moves)
}

/// Those that did not come, nor have come since, in words.
fn failed(vpc: &Vpc) -> Vec<String> {
    let there: BTreeSet<Cidr> = there(vpc).collect();
    let failed = beside(vpc)
        .filter(|it| matches!(state(it), Some(State::Failing | State::Failed)))
        .filter(|it| range(it).is_none_or(|range| !there.contains(&range)));
    let word = |it: &VpcCidrBlockAssociation| {
        let range = it.cidr_block().unwrap_or("?");
        let why = it.cidr_block_state().and_then(|it| it.status_message()).unwrap_or("failed");
        format!("the range {range}, which was not added: {why}")
    };
    failed.map(word).collect()
}

/// How far they have come.
pub(super) async fn progress(aws: &Aws, id: &str) -> Result<Progress<()>> {
    let all = vpcs::describe(aws, vec![filter("vpc-id", id)]).await?;
    let Some(vpc) = all.first() else {
        return Ok(Progress::Waiting("is not shown yet".to_owned()));
    };
    if let Some(failed) = failed(vpc).pop() {
        return Ok(Progress::Failed(failed));
    }
    let moving = beside(vpc).find(|it| moves(it));
    Ok(moving.map_or(Progress::Done(()), |it| {
        let state = state(it).map_or("", State::as_str);
        Progress::Waiting(format!("{} is {state}", it.cidr_block().unwrap_or("a range")))
    }))
}

/// Adds those that are not there yet, and takes away those of ours that are not wanted.
pub(super) async fn set(
    aws: &Aws,
    id: &str,
    ours: &BTreeSet<Cidr>,
    wanted: &BTreeSet<Cidr>,
) -> Result<()> {
    let all = vpcs::describe(aws, vec![filter("vpc-id", id)]).await?;
    let vpc = all.first().required("the VPC to change")?;
    for range in wanted.difference(&there(vpc).collect()) {
        let request = aws.ec2.associate_vpc_cidr_block().vpc_id(id).cidr_block(range.to_string());
        aws.send(&ec2::ASSOCIATE_VPC_CIDR_BLOCK, "add a range to the VPC", || {
            request.clone().send()
        })
        .await?;
    }
    let is_old = |it: &&VpcCidrBlockAssociation| {
        !matches!(state(it), Some(State::Disassociating | State::Disassociated))
            && range(it).is_some_and(|range| ours.contains(&range) && !wanted.contains(&range))
    };
    for old in beside(vpc).filter(is_old) {
        let association = old.association_id().required("the id of a range's association")?;
        let request = aws.ec2.disassociate_vpc_cidr_block().association_id(association);
        let taken = aws
            .send(&ec2::DISASSOCIATE_VPC_CIDR_BLOCK, "take a range from the VPC", || {
                request.clone().send()
            })
            .await;
        match unless_gone(taken) {
            Ok(_) => {}
            Err(failure) => return Err(inside::name_subnets(aws, failure, id, range(old)).await),
        }
    }
    Ok(())
}

/// Those that are there, or come by themselves, whoever added them.
fn there(vpc: &Vpc) -> impl Iterator<Item = Cidr> {
    beside(vpc).filter(|it| is_there(it)).filter_map(range)
}

/// The associations of those that the VPC was not made with.
fn beside(vpc: &Vpc) -> impl Iterator<Item = &VpcCidrBlockAssociation> {
    let all = vpc.cidr_block_association_set().iter();
    all.filter(|it| it.cidr_block() != vpc.cidr_block())
}

fn moves(association: &VpcCidrBlockAssociation) -> bool {
    matches!(state(association), Some(State::Associating | State::Disassociating))
}
