"""CIDR blocks of VPCs and subnets, and the addresses that are free in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import RunningLab, until
from policy import ALL, attach, needed
from stack import network, placed, refused


class Blocks:
    """A VPC and its blocks."""

    def __init__(self, lab: RunningLab, cidr: str = "10.0.0.0/16") -> None:
        self.ec2 = lab.client("ec2")
        self.vpc: str = self.ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]

    def add(self, cidr: str) -> Any:
        """Adds a block."""
        made = self.ec2.associate_vpc_cidr_block(VpcId=self.vpc, CidrBlock=cidr)
        return made["CidrBlockAssociation"]

    def remove(self, id: str) -> None:
        """Takes one away."""
        self.ec2.disassociate_vpc_cidr_block(AssociationId=id)

    def all(self) -> list[str]:
        """Those that are associated."""
        (vpc,) = self.ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"]
        held = vpc["CidrBlockAssociationSet"]
        assert {block["CidrBlockState"]["State"] for block in held} == {"associated"}
        return [block["CidrBlock"] for block in held]

    def subnet(self, cidr: str) -> Any:
        """A subnet."""
        return self.ec2.create_subnet(
            VpcId=self.vpc, CidrBlock=cidr, AvailabilityZone="eu-west-1a"
        )["Subnet"]


@pytest.fixture
def blocks(lab: RunningLab) -> Blocks:
    """Those of a new VPC."""
    return Blocks(lab)


def test_blocks_are_16_to_28_bits_long_and_canonical(blocks: Blocks) -> None:
    for cidr in ("10.0.0.0/15", "10.0.0.0/29"):
        with refused("InvalidVpc.Range"):
            blocks.ec2.create_vpc(CidrBlock=cidr)
        with refused("InvalidVpc.Range"):
            blocks.add(cidr)
    with refused("InvalidSubnet.Range"):
        blocks.subnet("10.0.0.0/29")
    with refused("InvalidParameterValue"):
        blocks.add("10.1")
    assert blocks.subnet("10.0.0.7/28")["CidrBlock"] == "10.0.0.0/28"
    assert blocks.ec2.create_vpc(CidrBlock="10.3.4.5/16")["Vpc"]["CidrBlock"] == "10.3.0.0/16"


def test_a_vpc_has_five_blocks_and_subnets_in_each(blocks: Blocks, lab: RunningLab) -> None:
    attach(lab, ALL)
    first = blocks.add("10.1.0.9/16")
    assert first["CidrBlock"] == "10.1.0.0/16"
    for cidr in ("10.2.0.0/16", "10.3.0.0/24", "100.64.0.0/16"):
        blocks.add(cidr)
    with refused("CidrLimitExceeded"):
        blocks.add("10.5.0.0/16")
    subnet = blocks.subnet("10.1.2.0/24")["SubnetId"]
    with refused("InvalidCidrBlock.InUse"):
        blocks.remove(first["AssociationId"])
    blocks.ec2.delete_subnet(SubnetId=subnet)
    blocks.remove(first["AssociationId"])
    assert blocks.all() == ["10.0.0.0/16", "10.2.0.0/16", "10.3.0.0/24", "100.64.0.0/16"]
    with refused("InvalidSubnet.Range"):
        blocks.subnet("10.1.2.0/24")
    (vpc,) = blocks.ec2.describe_vpcs(VpcIds=[blocks.vpc])["Vpcs"]
    with refused("OperationNotPermitted"):
        blocks.remove(vpc["CidrBlockAssociationSet"][0]["AssociationId"])
    assert needed(lab, "ec2:AssociateVpcCidrBlock") == [f"vpc/{blocks.vpc}"]
    assert needed(lab, "ec2:DisassociateVpcCidrBlock") == [f"vpc/{blocks.vpc}"]


def test_a_block_takes_no_subnet_before_it_is_associated(
    start_lab: Callable[..., RunningLab],
) -> None:
    blocks = Blocks(start_lab("--scale", "0.2"))
    assert blocks.add("10.1.0.0/16")["CidrBlockState"]["State"] == "associating"
    with refused("InvalidSubnet.Range"):
        blocks.subnet("10.1.2.0/24")

    def states() -> bool:
        (vpc,) = blocks.ec2.describe_vpcs(VpcIds=[blocks.vpc])["Vpcs"]
        held = vpc["CidrBlockAssociationSet"]
        return {block["CidrBlockState"]["State"] for block in held} == {"associated"}

    until(states, "the block is associated", 10)
    assert blocks.subnet("10.1.2.0/24")["CidrBlock"] == "10.1.2.0/24"


def test_blocks_do_not_overlap_and_private_ranges_do_not_mix(
    blocks: Blocks, lab: RunningLab
) -> None:
    with refused("CidrConflict"):
        blocks.add("10.0.128.0/24")
    for cidr in ("172.16.0.0/16", "192.168.0.0/24", "198.19.0.0/24"):
        with refused("InvalidVpc.Range", "is restricted"):
            blocks.add(cidr)
    blocks.add("52.1.0.0/16")
    with refused("InvalidVpc.Range"):
        Blocks(lab, "172.16.0.0/16").add("172.31.0.0/24")


def test_what_is_in_a_subnet_takes_its_addresses(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    vpc, _, group = network(ec2)
    small = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.50.0/28", AvailabilityZone="eu-west-1a")[
        "Subnet"
    ]
    assert small["AvailableIpAddressCount"] == 11

    def free() -> int:
        found = ec2.describe_subnets(SubnetIds=[small["SubnetId"]])["Subnets"]
        return int(found[0]["AvailableIpAddressCount"])

    def endpoint(service: str) -> str:
        made = ec2.create_vpc_endpoint(
            VpcId=vpc,
            ServiceName=f"com.amazonaws.eu-west-1.{service}",
            VpcEndpointType="Interface",
            SubnetIds=[small["SubnetId"]],
            PrivateDnsEnabled=False,
        )
        id: str = made["VpcEndpoint"]["VpcEndpointId"]
        return id

    made = [endpoint("logs") for _ in range(11)]
    assert free() == 0
    with refused("InsufficientFreeAddressesInSubnet"):
        endpoint("logs")
    assert task_in(lab, small["SubnetId"], group) == (
        "Unexpected EC2 error while attempting to Create Network Interface in subnet "
        f"'{small['SubnetId']}': InsufficientFreeAddressesInSubnet"
    )
    ec2.delete_vpc_endpoints(VpcEndpointIds=made[:1])
    assert free() == 1
    endpoint("logs")
    assert free() == 0


def task_in(lab: RunningLab, subnet: str, group: str) -> str:
    """Why a task in a subnet stops."""
    ecs = lab.client("ecs")
    ecs.create_cluster(clusterName="main")
    ecs.register_task_definition(
        family="web",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "web", "image": "none"}],
    )
    (task,) = ecs.run_task(
        cluster="main",
        launchType="FARGATE",
        taskDefinition="web",
        networkConfiguration=placed([subnet], group),
    )["tasks"]

    def reason() -> str:
        found = ecs.describe_tasks(cluster="main", tasks=[task["taskArn"]])["tasks"][0]
        return str(found.get("stoppedReason", ""))

    said: str = until(reason, "the end of the task", 5)
    return said


def test_a_load_balancer_wants_eight_free_addresses(lab: RunningLab) -> None:
    ec2, elbv2 = lab.client("ec2"), lab.client("elbv2")
    vpc, subnets, _ = network(ec2)
    narrow = ec2.create_subnet(VpcId=vpc, CidrBlock="10.20.50.0/27", AvailabilityZone="eu-west-1c")[
        "Subnet"
    ]["SubnetId"]
    for number in range(20):
        ec2.create_network_interface(SubnetId=narrow, PrivateIpAddress=f"10.20.50.{number + 4}")
    with refused("InvalidSubnet", "at least 8 free IP addresses"):
        elbv2.create_load_balancer(Name="edge", Subnets=[subnets[0], narrow])
