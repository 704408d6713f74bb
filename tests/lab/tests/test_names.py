"""Names, tags and keys that AWS does not take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from conftest import RunningLab, until
from late import TRUST
from stack import balancer, forward, network, refused, tags_for, target_group

MANY = [{"Key": f"k{number}", "Value": "1"} for number in range(51)]
LONG = [{"Key": "k" * 129, "Value": "1"}]
THEIRS = [{"Key": "aws:mine", "Value": "1"}]


def test_names_of_load_balancers_and_target_groups(lab: RunningLab) -> None:
    elbv2 = lab.client("elbv2")
    vpc, subnets, group = network(lab.client("ec2"))
    for name in ("a" * 33, "-a", "a-", "a_b"):
        with refused("ValidationError"):
            balancer(elbv2, subnets, group, name)
        with refused("ValidationError"):
            target_group(elbv2, vpc, name)
    target_group(elbv2, vpc, "a" * 32)
    with refused("ValidationError"):
        balancer(elbv2, subnets, group, "internal-a")


def test_names_of_roles_are_the_same_in_any_case(lab: RunningLab) -> None:
    iam = lab.client("iam")
    iam.create_role(RoleName="Web", AssumeRolePolicyDocument=TRUST)
    with refused("EntityAlreadyExists"):
        iam.create_role(RoleName="web", AssumeRolePolicyDocument=TRUST)
    with refused("ValidationError"):
        iam.create_role(RoleName="w" * 65, AssumeRolePolicyDocument=TRUST)


def test_names_of_log_groups_repositories_secrets_and_clusters(lab: RunningLab) -> None:
    logs, ecr = lab.client("logs"), lab.client("ecr")
    for name in ("g" * 513, "aws/x", "a group"):
        with refused("InvalidParameterException"):
            logs.create_log_group(logGroupName=name)
    for name in ("Upper", "ab" * 129, "-ab", "a//b", "a b"):
        with refused("InvalidParameterException"):
            ecr.create_repository(repositoryName=name)
    for name in ("a b", "s" * 513):
        with refused("InvalidParameterException"):
            lab.client("secretsmanager").create_secret(Name=name, SecretString="x")
    for name in ("a b", "c" * 256):
        with refused("InvalidParameterException"):
            lab.client("ecs").create_cluster(clusterName=name)
    assert lab.get("inventory")["resources"] == []


def test_logins_and_names_of_databases(lab: RunningLab) -> None:
    rds = lab.client("rds")
    _, subnets, _ = network(lab.client("ec2"))
    rds.create_db_subnet_group(
        DBSubnetGroupName="d", DBSubnetGroupDescription="d", SubnetIds=subnets
    )
    good = {
        "DBInstanceIdentifier": "main",
        "DBSubnetGroupName": "d",
        "DBInstanceClass": "db.t4g.micro",
        "Engine": "mysql",
        "AllocatedStorage": 20,
        "MasterUsername": "notes",
        "MasterUserPassword": "long-enough",
    }
    for settings in (
        {"MasterUsername": "a" * 17},
        {"MasterUsername": "1a"},
        {"MasterUsername": "rdsadmin"},
        {"Engine": "postgres", "MasterUsername": "admin"},
        {"Engine": "postgres", "MasterUsername": "pg_monitor"},
        {"DBName": "mysql"},
        {"Engine": "postgres", "DBName": "template0"},
        {"Engine": "postgres", "MasterUsername": "a" * 64},
        {"MasterUserPassword": "p" * 42},
        {"MasterUserPassword": "short"},
        {"MasterUserPassword": "with@sign"},
        {"DBName": "1notes"},
        {"DBName": "my-notes"},
        {"DBInstanceIdentifier": "m" * 64},
        {"DBInstanceIdentifier": "main-"},
        {"AllocatedStorage": 5},
        {"BackupRetentionPeriod": 36},
    ):
        with refused("InvalidParameterValue"):
            rds.create_db_instance(**{**good, **settings})
    for name in ("default", "g" * 256, "a/b"):
        with refused("InvalidParameterValue"):
            rds.create_db_subnet_group(
                DBSubnetGroupName=name, DBSubnetGroupDescription="d", SubnetIds=subnets
            )


@pytest.mark.parametrize("tags", [THEIRS, MANY, LONG], ids=["theirs", "many", "long"])
def test_tags_are_few_short_and_not_awss(lab: RunningLab, tags: list[dict[str, str]]) -> None:
    low = [{"key": tag["Key"], "value": tag["Value"]} for tag in tags]
    ec2, elbv2, rds = lab.client("ec2"), lab.client("elbv2"), lab.client("rds")
    vpc, subnets, _ = network(ec2)
    placed = {"DBSubnetGroupName": "d", "DBSubnetGroupDescription": "d", "SubnetIds": subnets}
    tagged = [{**tags_for("vpc")[0], "Tags": tags}]
    group = {"Name": "web", "Protocol": "HTTP", "Port": 80, "VpcId": vpc}
    calls: dict[str, Callable[[], Any]] = {
        "ec2": lambda: ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tagged),
        "elbv2": lambda: elbv2.create_target_group(**group, Tags=tags),
        "rds": lambda: rds.create_db_subnet_group(**placed, Tags=tags),
        "ecs": lambda: lab.client("ecs").create_cluster(clusterName="main", tags=low),
        "ecr": lambda: lab.client("ecr").create_repository(repositoryName="web", tags=tags),
        "iam": lambda: lab.client("iam").create_role(
            RoleName="web", AssumeRolePolicyDocument=TRUST, Tags=tags
        ),
        "logs": lambda: lab.client("logs").create_log_group(
            logGroupName="/web", tags={tag["Key"]: tag["Value"] for tag in tags}
        ),
        "secretsmanager": lambda: lab.client("secretsmanager").create_secret(
            Name="web", SecretString="x", Tags=tags
        ),
        "sns": lambda: lab.client("sns").create_topic(Name="web", Tags=tags),
        "cloudwatch": lambda: lab.client("cloudwatch").put_dashboard(
            DashboardName="web", DashboardBody='{"widgets": []}', Tags=tags
        ),
    }
    for service, call in calls.items():
        with refused(r"\w+"):
            call()
            raise AssertionError(f"{service} took the tags")


def test_a_key_has_to_be_there(lab: RunningLab) -> None:
    ecr, kms, logs = lab.client("ecr"), lab.client("kms"), lab.client("logs")
    rds, secrets = lab.client("rds"), lab.client("secretsmanager")
    missing = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    _, subnets, _ = network(lab.client("ec2"))
    rds.create_db_subnet_group(
        DBSubnetGroupName="d", DBSubnetGroupDescription="d", SubnetIds=subnets
    )

    def repository(key: str) -> None:
        chosen = {"encryptionType": "KMS", "kmsKey": key}
        ecr.create_repository(repositoryName="web", encryptionConfiguration=chosen)

    def database(key: str) -> None:
        rds.create_db_instance(
            DBInstanceIdentifier="main",
            DBSubnetGroupName="d",
            DBInstanceClass="db.t4g.micro",
            Engine="oracle-se2",
            AllocatedStorage=20,
            MasterUsername="notes",
            ManageMasterUserPassword=True,
            MasterUserSecretKmsKeyId=key,
        )

    calls: dict[str, Callable[[str], Any]] = {
        "EncryptionFailure": lambda key: secrets.create_secret(
            Name="s", SecretString="x", KmsKeyId=key
        ),
        "KmsException": repository,
        "InvalidParameterException": lambda key: logs.create_log_group(
            logGroupName="/web", kmsKeyId=key
        ),
        "KMSKeyNotAccessibleFault": database,
    }
    made = kms.create_key()["KeyMetadata"]
    kms.create_alias(AliasName="alias/mine", TargetKeyId=made["KeyId"])
    disabled = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.disable_key(KeyId=disabled)
    for code, call in calls.items():
        for key in (missing, "alias/none", disabled):
            with refused(code):
                call(key)
        call("alias/mine")
    secrets.create_secret(Name="t", SecretString="x", KmsKeyId=made["Arn"])
    secrets.create_secret(Name="u", SecretString="x", KmsKeyId="alias/aws/secretsmanager")
    until(lambda: rds.describe_db_instances()["DBInstances"], "the instance")


def test_only_listeners_that_encrypt_have_a_policy(lab: RunningLab) -> None:
    elbv2 = lab.client("elbv2")
    vpc, subnets, group = network(lab.client("ec2"))
    arn = "arn:aws:acm:eu-west-1:123456789012:certificate/mine"
    lab.post("certificates", {"arn": arn})
    wanted = {
        "LoadBalancerArn": balancer(elbv2, subnets, group),
        "DefaultActions": forward(target_group(elbv2, vpc)),
    }
    plain = elbv2.create_listener(**wanted, Protocol="HTTP", Port=80)["Listeners"][0]
    secure = elbv2.create_listener(
        **wanted, Protocol="HTTPS", Port=443, Certificates=[{"CertificateArn": arn}]
    )["Listeners"][0]
    assert "SslPolicy" not in plain
    assert secure["SslPolicy"] == "ELBSecurityPolicy-2016-08"
