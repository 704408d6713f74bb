"""Quotas, token buckets and small pages, each by itself, on a lab that is otherwise instant."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError
from conftest import RunningLab, until
from late import TRUST, code, switch
from stack import TAGS, balancer, forward, network, refused, tags_for, target_group


def test_quotas_of_a_new_account(lab: RunningLab) -> None:
    switch(lab, "quotas")
    ec2 = lab.client("ec2")
    for _ in range(5):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
        ec2.allocate_address()
    with refused("VpcLimitExceeded"):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    with refused("AddressLimitExceeded"):
        ec2.allocate_address()


def test_nat_gateways_of_a_zone_are_counted(lab: RunningLab) -> None:
    switch(lab, "quotas")
    ec2 = lab.client("ec2")
    _, subnets, _ = network(ec2)
    wanted = {"SubnetId": subnets[0], "ConnectivityType": "private"}
    made = [ec2.create_nat_gateway(**wanted)["NatGateway"]["NatGatewayId"] for _ in range(5)]
    with refused("NatGatewayLimitExceeded"):
        ec2.create_nat_gateway(**wanted)
    ec2.create_nat_gateway(**{**wanted, "SubnetId": subnets[1]})
    ec2.delete_nat_gateway(NatGatewayId=made[0])
    ec2.create_nat_gateway(**wanted)


def test_rules_of_a_security_group_are_counted_in_every_profile(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    _, _, group = network(ec2)

    def add(first: int, many: int) -> None:
        ec2.authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[
                {
                    "IpProtocol": "tcp",
                    "FromPort": port,
                    "ToPort": port,
                    "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
                }
                for port in range(first, first + many)
            ],
        )

    add(1, 59)
    with refused("RulesPerSecurityGroupLimitExceeded"):
        add(100, 2)
    add(100, 1)
    found = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])
    assert len([rule for rule in found["SecurityGroupRules"] if not rule["IsEgress"]]) == 60


def test_listeners_and_rules_of_a_load_balancer_are_counted(lab: RunningLab) -> None:
    switch(lab, "quotas")
    elbv2 = lab.client("elbv2")
    vpc, subnets, group = network(lab.client("ec2"))
    arn, targets = balancer(elbv2, subnets, group), target_group(elbv2, vpc)

    def listener(port: int) -> str:
        made = elbv2.create_listener(
            LoadBalancerArn=arn, Protocol="HTTP", Port=port, DefaultActions=forward(targets)
        )
        found: str = made["Listeners"][0]["ListenerArn"]
        return found

    listeners = [listener(20000 + number) for number in range(50)]
    with refused("TooManyListeners"):
        listener(30000)

    def rule(number: int) -> None:
        elbv2.create_rule(
            ListenerArn=listeners[number % 2],
            Priority=number + 1,
            Conditions=[{"Field": "path-pattern", "Values": [f"/{number}"]}],
            Actions=forward(targets),
        )

    for number in range(100):
        rule(number)
    with refused("TooManyRules"):
        rule(100)


def test_whoever_forgets_the_next_page_loses_something(lab: RunningLab) -> None:
    elbv2, ecr, iam = lab.client("elbv2"), lab.client("ecr"), lab.client("iam")
    logs, secrets, rds = lab.client("logs"), lab.client("secretsmanager"), lab.client("rds")
    ecs = lab.client("ecs")
    vpc, subnets, _ = network(lab.client("ec2"))
    for number in range(3):
        target_group(elbv2, vpc, name=f"web-{number}")
        ecr.create_repository(repositoryName=f"web-{number}")
        ecs.create_cluster(clusterName=f"web-{number}")
        iam.create_role(RoleName=f"web-{number}", AssumeRolePolicyDocument=TRUST)
        logs.create_log_group(logGroupName=f"/web-{number}")
        secrets.create_secret(Name=f"web/{number}", SecretString="x", Tags=TAGS)
        rds.create_db_subnet_group(
            DBSubnetGroupName=f"web-{number}", DBSubnetGroupDescription="x", SubnetIds=subnets
        )
    switch(lab, "pages")
    for client, operation, key in (
        (elbv2, "describe_target_groups", "TargetGroups"),
        (ecr, "describe_repositories", "repositories"),
        (ecs, "list_clusters", "clusterArns"),
        (iam, "get_account_authorization_details", "RoleDetailList"),
        (iam, "list_roles", "Roles"),
        (logs, "describe_log_groups", "logGroups"),
        (rds, "describe_db_subnet_groups", "DBSubnetGroups"),
        (secrets, "list_secrets", "SecretList"),
    ):
        assert len(getattr(client, operation)()[key]) == 2, operation
        pages = client.get_paginator(operation).paginate()
        found = [str(item) for page in pages for item in page[key]]
        # AWS's own roles for the clusters and the databases are among the roles.
        assert len([item for item in found if "AWSServiceRole" not in item]) == 3, operation


def test_ec2_pages_for_whoever_names_a_size(lab: RunningLab) -> None:
    ec2 = lab.client("ec2")
    for _ in range(3):
        vpc, _, _ = network(ec2)
        ec2.create_route_table(VpcId=vpc, TagSpecifications=tags_for("route-table"))
    mine: dict[str, Any] = {"Filters": [{"Name": "tag:stack", "Values": ["test"]}]}
    lists = {
        "describe_vpcs": "Vpcs",
        "describe_subnets": "Subnets",
        "describe_security_groups": "SecurityGroups",
        "describe_route_tables": "RouteTables",
    }
    for operation, key in lists.items():
        everything = getattr(ec2, operation)(**mine)[key]
        paged = getattr(ec2, operation)(**mine, MaxResults=5)
        assert paged[key] == everything[:5], operation
        assert ("NextToken" in paged) == (len(everything) > 5), operation
    switch(lab, "pages")
    for operation, key in lists.items():
        everything = getattr(ec2, operation)(**mine)[key]
        assert len(everything) > 2, operation
        assert len(getattr(ec2, operation)(**mine, MaxResults=100)[key]) == 2, operation
        pages = ec2.get_paginator(operation).paginate(**mine, PaginationConfig={"PageSize": 100})
        assert [item for page in pages for item in page[key]] == everything, operation


def test_buckets_run_empty_and_fill_again(lab: RunningLab) -> None:
    switch(lab, "buckets")
    elbv2 = lab.client("elbv2")

    def burst() -> int:
        for number in range(100):
            if code(lambda: elbv2.delete_rule(RuleArn="none")) == "Throttling":
                return number
        return 100

    assert 18 < burst() < 100
    elbv2.describe_load_balancers()
    lab.client("logs").describe_log_groups()
    until(lambda: burst() > 0, "new tokens", 5)


def test_every_service_throttles_in_its_own_words(lab: RunningLab) -> None:
    switch(lab, "buckets")
    ec2, ecs, elbv2, iam = (lab.client(name) for name in ("ec2", "ecs", "elbv2", "iam"))
    for call, expected in (
        (lambda: elbv2.delete_rule(RuleArn="none"), ("Throttling", 400)),
        (lambda: iam.delete_role(RoleName="none"), ("Throttling", 400)),
        (lambda: ecs.delete_cluster(cluster="none"), ("ThrottlingException", 400)),
        (lambda: ec2.create_vpc(CidrBlock="bad"), ("RequestLimitExceeded", 503)),
    ):
        with ThreadPoolExecutor(8) as pool:
            seen = set(pool.map(lambda _, call=call: refusal(call), range(200)))
        assert expected in seen, expected


def refusal(call: Any) -> tuple[str, int] | None:
    """Code and status of a refused call."""
    try:
        call()
    except ClientError as error:
        answer = error.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]
    return None
