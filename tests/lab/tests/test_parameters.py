"""Parameter Store, as ownership and locks are kept in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from conftest import RunningLab
from late import eventually, switch
from stack import refused

FOLDER = "/deployer/notes/dev"


def put(ssm: Any, name: str, value: str = "x", **settings: Any) -> Any:
    """Makes or changes a parameter."""
    return ssm.put_parameter(Name=name, Value=value, **{"Type": "String", **settings})


def names(answer: dict[str, Any]) -> list[str]:
    """The names of a page."""
    return [parameter["Name"] for parameter in answer["Parameters"]]


def test_a_secure_string_is_read_by_whoever_decrypts_it(lab: RunningLab) -> None:
    ssm = lab.client("ssm")
    put(ssm, f"{FOLDER}/key", "private half", Type="SecureString")
    put(ssm, f"{FOLDER}/public", "public half")
    reads: list[Callable[..., Any]] = [
        lambda **how: ssm.get_parameter(Name=f"{FOLDER}/key", **how)["Parameter"],
        lambda **how: ssm.get_parameters(Names=[f"{FOLDER}/key"], **how)["Parameters"][0],
        lambda **how: ssm.get_parameters_by_path(Path=FOLDER, **how)["Parameters"][0],
        lambda **how: ssm.get_parameter_history(Name=f"{FOLDER}/key", **how)["Parameters"][0],
    ]
    for read in reads:
        assert "private" not in json.dumps(read(), default=str)
        assert read(WithDecryption=True)["Value"] == "private half"
    assert "half" not in json.dumps(ssm.describe_parameters(), default=str)
    put(ssm, f"{FOLDER}/key", "another half", Overwrite=True, Type="SecureString")
    assert lab.get("secrets")["values"] == ["private half", "another half"]
    with refused("InvalidKeyId"):
        put(ssm, f"{FOLDER}/other", Type="SecureString", KeyId="alias/none")


def test_a_path_is_read_in_pages_of_ten_at_most(lab: RunningLab) -> None:
    ssm = lab.client("ssm")
    for number in range(13):
        put(ssm, f"{FOLDER}/{number}")
    put(ssm, f"{FOLDER}/lock/1")
    put(ssm, "/deployer/notes/device/1")
    with refused("ValidationException"):
        ssm.get_parameters_by_path(Path=FOLDER, MaxResults=11)
    with refused("ValidationException"):
        ssm.get_parameters_by_path(Path="deployer")
    first = ssm.get_parameters_by_path(Path=FOLDER, Recursive=True)
    assert len(first["Parameters"]) == 10
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=FOLDER, Recursive=True)
    found = [name for page in pages for name in names(page)]
    assert len(found) == 14
    assert f"{FOLDER}/lock/1" in found
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=FOLDER)
    assert len([name for page in pages for name in names(page)]) == 13
    assert len(ssm.describe_parameters(MaxResults=12)["Parameters"]) == 12


@pytest.mark.parametrize(("tier", "limit"), [("Standard", 4096), ("Advanced", 8192)])
def test_a_value_is_as_large_as_its_tier_allows(lab: RunningLab, tier: str, limit: int) -> None:
    ssm = lab.client("ssm")
    assert put(ssm, "/record", "x" * limit, Tier=tier)["Tier"] == tier
    with refused("ValidationException", "maximum parameter value"):
        put(ssm, "/larger", "x" * (limit + 1), Tier=tier)
    with refused("ValidationException", "maximum parameter value"):
        put(ssm, "/wide", "é" * (limit // 2 + 1), Tier=tier)


def test_a_parameter_goes_to_the_advanced_tier_and_never_back(lab: RunningLab) -> None:
    ssm = lab.client("ssm")
    assert put(ssm, "/record")["Tier"] == "Standard"
    assert put(ssm, "/record", "x" * 5000, Overwrite=True, Tier="Advanced")["Tier"] == "Advanced"
    assert put(ssm, "/record", Overwrite=True)["Tier"] == "Advanced"
    with refused("ValidationException", "downgrade"):
        put(ssm, "/record", Overwrite=True, Tier="Standard")
    assert put(ssm, "/small", Tier="Intelligent-Tiering")["Tier"] == "Standard"
    assert put(ssm, "/large", "x" * 5000, Tier="Intelligent-Tiering")["Tier"] == "Advanced"


def test_tags_come_with_the_create_and_not_with_an_overwrite(lab: RunningLab) -> None:
    ssm = lab.client("ssm")
    tags = [{"Key": "deployer:stack", "Value": "notes"}]
    put(ssm, f"{FOLDER}/record", Tags=tags)
    kept = {"ResourceType": "Parameter", "ResourceId": f"{FOLDER}/record"}
    with refused("ValidationException", "tags and overwrite"):
        put(ssm, f"{FOLDER}/record", Tags=tags, Overwrite=True)
    with refused("ParameterAlreadyExists"):
        put(ssm, f"{FOLDER}/record", "lost")
    assert put(ssm, f"{FOLDER}/record", "kept", Overwrite=True)["Version"] == 2
    assert ssm.list_tags_for_resource(**kept)["TagList"] == tags
    ssm.add_tags_to_resource(**kept, Tags=[{"Key": "more", "Value": "1"}])
    (entry,) = lab.get("inventory")["resources"]
    assert entry["tags"] == {"deployer:stack": "notes", "more": "1"}
    ssm.delete_parameter(Name=f"{FOLDER}/record")
    put(ssm, f"{FOLDER}/record")
    assert ssm.list_tags_for_resource(**kept)["TagList"] == []
    ssm.delete_parameters(Names=[f"{FOLDER}/record", "/none"])
    assert lab.get("inventory")["resources"] == []


def test_names_and_types_of_parameters(lab: RunningLab) -> None:
    ssm = lab.client("ssm")
    put(ssm, "/" + "/".join("abcdefghijklmno"))
    with refused("HierarchyLevelLimitExceededException"):
        put(ssm, "/" + "/".join("abcdefghijklmnop"))
    for name in ("/a b", "a/b", "/aws/mine", "ssm-mine", "/" + "n" * 1011):
        with pytest.raises(ssm.exceptions.ClientError) as refusal:
            put(ssm, name)
        code = "AccessDeniedException" if name == "/aws/mine" else "ValidationException"
        assert refusal.value.response["Error"]["Code"] == code, name
    with refused("ValidationException", "nest"):
        put(ssm, "/nested", "{{ssm:other}}")
    put(ssm, "/json", '{"a": {"b": {}}}')
    with refused("HierarchyTypeMismatchException"):
        put(ssm, "/json", Type="SecureString", Overwrite=True)
    with refused("ValidationException"):
        ssm.put_parameter(Name="/untyped", Value="x")


def test_the_name_of_a_deleted_parameter_is_taken_for_a_while(lab: RunningLab) -> None:
    ssm = lab.client("ssm")
    switch(lab, "parameter-name")
    put(ssm, f"{FOLDER}/lock/1")
    ssm.delete_parameter(Name=f"{FOLDER}/lock/1")
    assert names(ssm.get_parameters_by_path(Path=f"{FOLDER}/lock")) == []
    put(ssm, f"{FOLDER}/lock/2")
    eventually(lambda: put(ssm, f"{FOLDER}/lock/1"), "ParameterAlreadyExists")
