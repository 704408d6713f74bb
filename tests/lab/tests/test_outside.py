"""What a task has from outside of its VPC: through endpoints, gateways and network ACLs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import placed
from test_network_acls import Lists
from test_services import Web

REGION = "com.amazonaws.eu-west-1"
FROM_EVERYWHERE = "0.0.0.0/0"


class Shut:
    """Subnets without a way out, and a task to be started in them."""

    def __init__(self, lab: RunningLab) -> None:
        self.web = Web(lab)
        self.ec2, self.vpc = self.web.ec2, self.web.vpc
        self.web.registry.push("web", "1")
        self.ec2.modify_vpc_attribute(VpcId=self.vpc, EnableDnsHostnames={"Value": True})
        of_vpc = [{"Name": "vpc-id", "Values": [self.vpc]}]
        tables = self.ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
        self.table: str = tables[0]["RouteTableId"]
        self.out = {"RouteTableId": self.table, "DestinationCidrBlock": FROM_EVERYWHERE}
        self.ec2.delete_route(**self.out)

    def open(self) -> None:
        """Gives the subnets their way to the internet back."""
        found = self.ec2.describe_internet_gateways()["InternetGateways"]
        self.ec2.create_route(**self.out, GatewayId=found[0]["InternetGatewayId"])

    def endpoint(self, *services: str, **request: Any) -> str:
        """Makes endpoints in the group of the tasks; the last one's identifier."""
        id = ""
        for service in services:
            made = self.ec2.create_vpc_endpoint(
                VpcId=self.vpc,
                ServiceName=f"{REGION}.{service}",
                VpcEndpointType="Interface",
                **{"SubnetIds": self.web.subnets, "SecurityGroupIds": [self.web.group], **request},
            )
            id = made["VpcEndpoint"]["VpcEndpointId"]
        return id

    def gateway(self, *tables: str) -> str:
        """Makes the gateway to S3."""
        made = self.ec2.create_vpc_endpoint(
            VpcId=self.vpc, ServiceName=f"{REGION}.s3", RouteTableIds=list(tables)
        )
        id: str = made["VpcEndpoint"]["VpcEndpointId"]
        return id

    def run(self, subnets: Iterable[str] = (), **container: Any) -> str:
        """What becomes of a task: that it runs, or why it does not."""
        ecs = self.web.ecs
        place = placed(list(subnets) or self.web.subnets, self.web.group)
        definition = self.web.definition(**container)
        (task,) = ecs.run_task(
            cluster="main",
            launchType="FARGATE",
            taskDefinition=definition,
            networkConfiguration=place,
        )["tasks"]

        def outcome() -> str:
            found = ecs.describe_tasks(cluster="main", tasks=[task["taskArn"]])["tasks"][0]
            if found["lastStatus"] == "STOPPED":
                return str(found["stoppedReason"])
            return "RUNNING" if found["lastStatus"] == "RUNNING" else ""

        said: str = until(outcome, "an end of the start", 10)
        if said == "RUNNING":
            ecs.stop_task(cluster="main", task=task["taskArn"])
        return said


@pytest.fixture
def shut(lab: RunningLab) -> Shut:
    """Everything that a task needs but a way out."""
    return Shut(lab)


def test_a_task_without_a_gateway_needs_five_endpoints(shut: Shut) -> None:
    assert "There is a connection issue between the task and Amazon ECR" in shut.run()
    shut.endpoint("ecr.api")
    assert shut.run().startswith("ResourceInitializationError: failed to validate logger args")
    shut.endpoint("logs")
    assert "dkr.ecr.eu-west-1.amazonaws.com/v2/web/manifests/1" in shut.run()
    unnamed = shut.endpoint("ecr.dkr", PrivateDnsEnabled=False)
    assert "dkr.ecr.eu-west-1.amazonaws.com/v2/web/manifests/1" in shut.run()
    shut.ec2.modify_vpc_endpoint(VpcEndpointId=unnamed, PrivateDnsEnabled=True)
    assert "starport-layer-bucket.s3" in shut.run()
    gateway = shut.gateway()
    assert "starport-layer-bucket.s3" in shut.run()
    shut.ec2.modify_vpc_endpoint(VpcEndpointId=gateway, AddRouteTableIds=[shut.table])
    assert shut.run() == "RUNNING"
    outside = shut.run(image="nginx:1")
    assert "CannotPullContainerError" in outside
    assert "registry-1.docker.io" in outside
    assert "public.ecr.aws" in shut.run(image="public.ecr.aws/nginx/nginx:1")


def test_secrets_and_parameters_need_endpoints_of_their_own(shut: Shut) -> None:
    lab = shut.web.lab
    shut.endpoint("ecr.api", "ecr.dkr", "logs")
    shut.gateway(shut.table)
    key = lab.client("kms").create_key()["KeyMetadata"]["KeyId"]
    secret = lab.client("secretsmanager").create_secret(Name="s", SecretString="open")["ARN"]
    ssm = lab.client("ssm")
    ssm.put_parameter(Name="plain", Value="v", Type="String")
    ssm.put_parameter(Name="locked", Value="v", Type="SecureString", KeyId=key)

    def run(reference: str) -> str:
        return shut.run(secrets=[{"name": "S", "valueFrom": reference}])

    assert "connection issue between the task and AWS Secrets Manager" in run(secret)
    shut.endpoint("secretsmanager")
    assert run(secret) == "RUNNING"
    assert "between the task and AWS Systems Manager Parameter Store" in run("plain")
    shut.endpoint("ssm")
    assert run("plain") == "RUNNING"
    assert "between the task and AWS Systems Manager Parameter Store" in run("locked")
    shut.endpoint("kms")
    assert run("locked") == "RUNNING"


def test_where_an_endpoint_has_the_name_nothing_else_is_tried(shut: Shut) -> None:
    shut.open()
    assert shut.run() == "RUNNING"
    other = shut.ec2.create_security_group(VpcId=shut.vpc, GroupName="e", Description="e")
    group = other["GroupId"]
    id = shut.endpoint("ecr.api", SecurityGroupIds=[group])
    assert "Amazon ECR" in shut.run()
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    source = [{**https, "UserIdGroupPairs": [{"GroupId": shut.web.group}]}]
    shut.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=source)
    assert shut.run() == "RUNNING"
    shut.ec2.modify_vpc_endpoint(VpcEndpointId=id, RemoveSubnetIds=shut.web.subnets)
    assert "Amazon ECR" in shut.run()
    shut.ec2.delete_vpc_endpoints(VpcEndpointIds=[id])
    assert shut.run() == "RUNNING"


def test_the_groups_of_a_task_let_it_out(shut: Shut) -> None:
    shut.open()
    everything = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": FROM_EVERYWHERE}]}]
    shut.ec2.revoke_security_group_egress(GroupId=shut.web.group, IpPermissions=everything)
    assert "Amazon ECR" in shut.run()
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    source = [{**https, "UserIdGroupPairs": [{"GroupId": shut.web.group}]}]
    shut.ec2.authorize_security_group_egress(GroupId=shut.web.group, IpPermissions=source)
    shut.endpoint("ecr.api", "ecr.dkr", "logs")
    gateway = shut.gateway(shut.table)
    assert "starport-layer-bucket.s3" in shut.run()
    name = [{"Name": "prefix-list-name", "Values": [f"{REGION}.s3"]}]
    (prefixes,) = shut.ec2.describe_prefix_lists(Filters=name)["PrefixLists"]
    listed = [{**https, "PrefixListIds": [{"PrefixListId": prefixes["PrefixListId"]}]}]
    shut.ec2.authorize_security_group_egress(GroupId=shut.web.group, IpPermissions=listed)
    assert shut.run() == "RUNNING"
    shut.ec2.delete_vpc_endpoints(VpcEndpointIds=[gateway])
    assert "starport-layer-bucket.s3" in shut.run()


def test_a_way_that_comes_in_time_will_do(start_lab: Any) -> None:
    shut = Shut(start_lab("--scale", "0.02"))
    ecs, place = shut.web.ecs, placed(shut.web.subnets, shut.web.group)
    definition = shut.web.definition()
    (task,) = ecs.run_task(
        cluster="main", launchType="FARGATE", taskDefinition=definition, networkConfiguration=place
    )["tasks"]

    def status() -> str:
        found = ecs.describe_tasks(cluster="main", tasks=[task["taskArn"]])["tasks"][0]
        return str(found["lastStatus"])

    until(lambda: status() == "PENDING", "the look for a way", 20)
    time.sleep(0.3)
    shut.open()
    until(lambda: status() == "RUNNING", "the task", 20)


def test_a_network_acl_lets_a_task_out_and_the_answers_in(shut: Shut) -> None:
    shut.open()
    lists = Lists(shut.ec2, shut.vpc)
    subnet, _ = shut.web.subnets
    id = lists.make()
    lists.give(subnet, id)
    https: dict[str, Any] = {"Protocol": "6", "PortRange": {"From": 443, "To": 443}}
    assert "Amazon ECR" in shut.run([subnet])
    lists.allow(id, Egress=True, **https)
    assert "Amazon ECR" in shut.run([subnet])
    lists.allow(id, Protocol="6", PortRange={"From": 1024, "To": 65535})
    assert shut.run([subnet]) == "RUNNING"
    denied: dict[str, Any] = {"Protocol": "6", "PortRange": {"From": 40000, "To": 40000}}
    denied["RuleAction"] = "deny"
    lists.allow(id, 200, **denied)
    assert shut.run([subnet]) == "RUNNING"
    lists.allow(id, 99, **denied)
    assert "Amazon ECR" in shut.run([subnet])


def test_a_network_acl_stands_between_nat_gateway_and_task(shut: Shut) -> None:
    ec2 = shut.ec2
    inside = ec2.create_subnet(
        VpcId=shut.vpc, CidrBlock="10.20.50.0/24", AvailabilityZone="eu-west-1a"
    )["Subnet"]["SubnetId"]
    shut.open()
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=shut.web.subnets[0], AllocationId=address)["NatGateway"]
    table = ec2.create_route_table(VpcId=shut.vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(
        RouteTableId=table, DestinationCidrBlock=FROM_EVERYWHERE, NatGatewayId=nat["NatGatewayId"]
    )
    ec2.associate_route_table(RouteTableId=table, SubnetId=inside)
    assert shut.run([inside]) == "RUNNING"
    lists = Lists(ec2, shut.vpc)
    id = lists.make()
    lists.give(shut.web.subnets[0], id)
    lists.allow(id)
    lists.allow(id, Egress=True, CidrBlock="10.0.0.0/8")
    assert "Amazon ECR" in shut.run([inside])
    lists.allow(id, 200, Egress=True)
    assert shut.run([inside]) == "RUNNING"
    ec2.delete_route(**shut.out)
    assert "Amazon ECR" in shut.run([inside])


def test_a_network_acl_stands_between_load_balancer_and_task(shut: Shut) -> None:
    shut.open()
    web, lists = shut.web, Lists(shut.ec2, shut.vpc)
    id = lists.make()
    lists.allow(id)
    lists.allow(id, Egress=True)
    inside = shut.ec2.create_subnet(
        VpcId=shut.vpc, CidrBlock="10.20.50.0/24", AvailabilityZone="eu-west-1a"
    )["Subnet"]["SubnetId"]
    lists.give(inside, id)
    web.subnets = [inside]
    web.create(web.definition())
    web.rollout()
    lists.allow(id, 50, RuleAction="deny", Egress=True, CidrBlock="10.20.0.0/16")

    def health() -> str:
        (found,) = web.elbv2.describe_target_health(TargetGroupArn=web.targets)[
            "TargetHealthDescriptions"
        ]
        return str(found["TargetHealth"].get("Reason", found["TargetHealth"]["State"]))

    assert health() == "healthy"
    until(lambda: health() == "Target.Timeout", "the answers to be lost", 10)
