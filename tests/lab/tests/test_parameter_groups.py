"""DB parameter groups: what RDS takes, what waits for a restart, what stays as long as it is used."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
from conftest import RunningLab, until
from stack import TAGS, refused
from test_database import ask_postgres, instance

FORCED = "rds.force_ssl"


def group(rds: Any, name: str = "ours", family: str = "postgres16") -> None:
    """Makes an empty group."""
    rds.create_db_parameter_group(
        DBParameterGroupName=name, DBParameterGroupFamily=family, Description="x", Tags=TAGS
    )


def change(rds: Any, name: str, value: str, method: str = "immediate") -> None:
    """Sets one parameter."""
    parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}
    rds.modify_db_parameter_group(DBParameterGroupName="ours", Parameters=[parameter])


def set_by_users(rds: Any) -> dict[str, str]:
    """What RDS shows as set by somebody."""
    shown = rds.describe_db_parameters(DBParameterGroupName="ours", Source="user")["Parameters"]
    return {it["ParameterName"]: it["ParameterValue"] for it in shown}


def test_only_parameters_of_the_family_are_taken_with_values_they_may_have(lab: RunningLab) -> None:
    rds = lab.client("rds")
    with refused("InvalidParameterValue"):
        group(rds, "ours", "postgres7")
    group(rds)
    with refused("InvalidParameterValue"):
        change(rds, "max_coffee", "1")
    with refused("InvalidParameterValue"):
        change(rds, FORCED, "7")
    with refused("InvalidParameterCombination"):
        change(rds, "max_connections", "90")
    change(rds, "max_connections", "90", "pending-reboot")
    assert set_by_users(rds) == {"max_connections": "90"}


def test_a_value_that_rds_has_anyway_is_shown_as_nobodys(lab: RunningLab) -> None:
    rds = lab.client("rds")
    group(rds)
    change(rds, FORCED, "1")
    assert set_by_users(rds) == {}
    change(rds, FORCED, "0")
    parameter = {"ParameterName": FORCED, "ApplyMethod": "immediate"}
    rds.reset_db_parameter_group(
        DBParameterGroupName="ours", ResetAllParameters=False, Parameters=[parameter]
    )
    assert set_by_users(rds) == {}


def test_what_is_static_waits_for_a_restart_and_a_used_group_stays(lab: RunningLab) -> None:
    rds = lab.client("rds")
    group(rds)
    change(rds, "max_connections", "90", "pending-reboot")
    instance(lab)

    def status() -> tuple[str, str]:
        found = rds.describe_db_instances(DBInstanceIdentifier="main")["DBInstances"][0]
        (shown,) = found["DBParameterGroups"]
        return shown["DBParameterGroupName"], shown["ParameterApplyStatus"]

    assert status() == ("default.postgres16", "in-sync")
    rds.modify_db_instance(
        DBInstanceIdentifier="main", DBParameterGroupName="ours", ApplyImmediately=True
    )
    assert status() == ("ours", "pending-reboot")
    with refused("InvalidDBParameterGroupState"):
        rds.delete_db_parameter_group(DBParameterGroupName="ours")
    rds.reboot_db_instance(DBInstanceIdentifier="main")
    until(lambda: status() == ("ours", "in-sync"), "the restart")


@pytest.mark.skipif(not shutil.which("psql"), reason="there is no psql here")
def test_postgres_wants_tls_of_clients_unless_it_is_told_otherwise(lab: RunningLab) -> None:
    rds = lab.client("rds")
    password = "plain-enough"
    found = instance(lab, ManageMasterUserPassword=False, MasterUserPassword=password)
    plainly = {**found, "Endpoint": {**found["Endpoint"]}}
    asked = ask_postgres(plainly, password, "select 1", mode="require")
    assert asked.stdout.strip() == "1", asked.stderr
    refused_ = ask_postgres(plainly, password, "select 1", mode="disable")
    assert "no encryption" in refused_.stderr
    group(rds)
    change(rds, FORCED, "0")
    rds.modify_db_instance(
        DBInstanceIdentifier="main", DBParameterGroupName="ours", ApplyImmediately=True
    )
    rds.reboot_db_instance(DBInstanceIdentifier="main")
    until(lambda: ask_postgres(plainly, password, "select 1", mode="disable").stdout == "1\n", "it")
