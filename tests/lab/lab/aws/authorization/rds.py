"""RDS. A database is on its groups as well, also on those that it gets without being asked."""

from __future__ import annotations

import re
from collections.abc import Iterator

from moto.rds.models import rds_backends

from lab.aws.authorization import kms
from lab.aws.authorization.table import (
    Asked,
    Service,
    Target,
    Want,
    found,
    named,
    passing,
    tagging,
)

MADE = {
    "CreateDBCluster": ("cluster", "DBClusterIdentifier"),
    "CreateDBClusterParameterGroup": ("cluster-pg", "DBClusterParameterGroupName"),
    "CreateDBInstance": ("db", "DBInstanceIdentifier"),
    "CreateDBInstanceReadReplica": ("db", "DBInstanceIdentifier"),
    "CreateDBParameterGroup": ("pg", "DBParameterGroupName"),
    "CreateDBSubnetGroup": ("subgrp", "DBSubnetGroupName"),
}
DATABASE = named("db:{}", "DBInstanceIdentifier")
CLUSTER = named("cluster:{}", "DBClusterIdentifier")
GROUPS = (
    named("pg:{}", "DBParameterGroupName"),
    named("og:{}", "OptionGroupName"),
    named("subgrp:{}", "DBSubnetGroupName"),
)
PARAMETERS, SUBNETS, TAGGED = [GROUPS[0]], [GROUPS[2]], [named("{}", "ResourceName")]
# Two numbers, of the engines whose first one alone says little.
MAJOR = {"mysql": r"\d+\.\d+", "mariadb": r"\d+\.\d+"}


def _default_groups(asked: Asked) -> Iterator[str]:
    """The groups of a new database that names none (RDS user guide, "Allow a user to create DB
    instances in an AWS account")."""
    engine, cluster = asked.text("Engine"), asked.text("DBClusterIdentifier")
    major = re.match(MAJOR.get(engine, r"\d+"), asked.text("EngineVersion"))
    version = major[0] if major else "*"
    if not asked.all("DBParameterGroupName"):
        yield f"pg:default.{engine}{version}"
    if not asked.all("OptionGroupName") and not cluster:
        yield f"og:default:{engine}-{version.replace('.', '-')}"
    if not asked.all("DBSubnetGroupName") and not cluster:
        yield "subgrp:default"


def _made(asked: Asked) -> str | None:
    kind, path = MADE.get(asked.operation, ("", ""))
    return f"{kind}:{asked.text(path)}" if kind else None


def _secret(asked: Asked) -> Iterator[Want]:
    """What the caller needs when RDS is to keep the password (RDS user guide, "Permissions required
    for Secrets Manager integration")."""
    actions: list[str] = []
    if asked.text("ManageMasterUserPassword").lower() == "true":
        yield from kms.asked_for(asked, "MasterUserSecretKmsKeyId", "aws/secretsmanager")
        actions += ["CreateSecret", "TagResource"]
    if asked.text("RotateMasterUserPassword").lower() == "true":
        actions.append("RotateSecret")
    secret = Target(asked.place.arn("secretsmanager", "secret:rds!db-*"), {})
    for action in actions:
        yield Want(f"secretsmanager:{action}", secret, {"aws:viaawsservice": ("true",)})


def _snapshot(asked: Asked) -> Iterator[Want]:
    """The snapshot that a database leaves behind, with its tags where they are copied (RDS asks for
    both since August 2024: convox/convox#856)."""
    name = asked.text("DBInstanceIdentifier")
    for snapshot in asked.all("FinalDBSnapshotIdentifier"):
        target = Target(asked.arn(f"snapshot:{snapshot}"), {})
        yield Want("rds:CreateDBSnapshot", Target(asked.arn(f"db:{name}"), {}))
        yield Want("rds:CreateDBSnapshot", target)
        database = rds_backends[asked.place.account][asked.place.region].databases.get(name)
        if database and database.copy_tags_to_snapshot:
            yield Want("rds:AddTagsToResource", target)


def _beside(asked: Asked) -> Iterator[Want]:
    if made := _made(asked):
        yield from tagging(asked, "AddTagsToResource", made)
    yield from passing(asked, "monitoring.rds.amazonaws.com", "MonitoringRoleArn")
    if asked.all("KmsKeyId"):
        yield from kms.asked_for(asked, "KmsKeyId", "aws/rds")
    yield from _secret(asked)
    if asked.operation == "DeleteDBInstance":
        yield from _snapshot(asked)


SERVICE = Service(
    {
        "AddTagsToResource": TAGGED,
        "CreateDBCluster": [CLUSTER, *SUBNETS],
        "CreateDBInstance": [DATABASE, CLUSTER, *GROUPS, found(_default_groups)],
        "CreateDBInstanceReadReplica": [
            DATABASE,
            named("db:{}", "SourceDBInstanceIdentifier"),
            *GROUPS,
        ],
        "CreateDBParameterGroup": PARAMETERS,
        "CreateDBSubnetGroup": SUBNETS,
        "DeleteDBCluster": [CLUSTER],
        "DeleteDBInstance": [DATABASE],
        "DeleteDBParameterGroup": PARAMETERS,
        "DeleteDBSubnetGroup": SUBNETS,
        "DescribeDBClusters": [named("cluster:{}", "DBClusterIdentifier", otherwise="cluster:*")],
        "DescribeDBInstances": [named("db:{}", "DBInstanceIdentifier", otherwise="db:*")],
        "DescribeDBParameterGroups": [named("pg:{}", "DBParameterGroupName", otherwise="pg:*")],
        "DescribeDBParameters": PARAMETERS,
        "DescribeDBSubnetGroups": [named("subgrp:{}", "DBSubnetGroupName", otherwise="subgrp:*")],
        "ListTagsForResource": TAGGED,
        "ModifyDBCluster": [CLUSTER],
        "ModifyDBInstance": [DATABASE, *GROUPS],
        "ModifyDBParameterGroup": PARAMETERS,
        "ModifyDBSubnetGroup": SUBNETS,
        "RebootDBInstance": [DATABASE],
        "RemoveTagsFromResource": TAGGED,
        "ResetDBParameterGroup": PARAMETERS,
        "StartDBInstance": [DATABASE],
        "StopDBInstance": [DATABASE],
    },
    _beside,
)
