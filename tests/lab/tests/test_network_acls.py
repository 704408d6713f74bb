"""Network ACLs: their entries, whose list a subnet's is, and what they let through."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import RunningLab
from late import eventually, switch
from policy import ALL, attach, needed
from stack import TAGS, network, refused, tags_for

DENIED = [(32767, False, "deny"), (32767, True, "deny")]
OPEN = [(100, False, "allow"), (100, True, "allow")]


class Lists:
    """A VPC and its network ACLs."""

    def __init__(self, ec2: Any, vpc: str = "") -> None:
        self.ec2, self.subnets = ec2, [""]
        self.vpc = vpc
        if not vpc:
            self.vpc, self.subnets, _ = network(ec2)

    def make(self, **request: Any) -> str:
        """A new one."""
        made = self.ec2.create_network_acl(VpcId=self.vpc, **request)["NetworkAcl"]
        id: str = made["NetworkAclId"]
        return id

    def find(self, name: str, *values: str) -> Any:
        """The lists of a filter."""
        filters = [{"Name": name, "Values": list(values)}]
        return self.ec2.describe_network_acls(Filters=filters)["NetworkAcls"]

    def entries(self, id: str) -> list[Any]:
        """What is in one, but for what AWS ends it with."""
        (acl,) = self.ec2.describe_network_acls(NetworkAclIds=[id])["NetworkAcls"]
        return [entry for entry in acl["Entries"] if entry["RuleNumber"] < 32767]

    def allow(self, id: str, number: int = 100, **request: Any) -> None:
        """Adds an entry."""
        usual = {"Protocol": "-1", "RuleAction": "allow", "Egress": False}
        block = {} if "Ipv6CidrBlock" in request else {"CidrBlock": "0.0.0.0/0"}
        self.ec2.create_network_acl_entry(
            NetworkAclId=id, RuleNumber=number, **{**usual, **block, **request}
        )

    def give(self, subnet: str, id: str) -> str:
        """Gives a subnet a list; the new association."""
        (acl,) = self.find("association.subnet-id", subnet)
        (held,) = [it for it in acl["Associations"] if it["SubnetId"] == subnet]
        made = self.ec2.replace_network_acl_association(
            AssociationId=held["NetworkAclAssociationId"], NetworkAclId=id
        )
        new: str = made["NewAssociationId"]
        return new


@pytest.fixture
def lists(lab: RunningLab) -> Lists:
    """Those of a new VPC."""
    return Lists(lab.client("ec2"))


def rules(acl: Any) -> list[tuple[int, bool, str]]:
    """Number, direction and action of all entries."""
    return sorted((e["RuleNumber"], e["Egress"], e["RuleAction"]) for e in acl["Entries"])


def test_a_new_list_denies_and_the_default_allows(lists: Lists) -> None:
    (default,) = lists.find("default", "true")
    assert rules(default) == OPEN + DENIED
    assert len(default["Associations"]) == 2
    id = lists.make(TagSpecifications=tags_for("network-acl"))
    (made,) = lists.find("tag:stack", "test")
    assert (made["NetworkAclId"], made["IsDefault"]) == (id, False)
    assert rules(made) == DENIED
    assert {tag["Key"] for tag in made["Tags"]} == {tag["Key"] for tag in TAGS}
    with refused("InvalidNetworkAclID.NotFound"):
        lists.entries("acl-1")
    vpc = lists.ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    (dual,) = lists.find("vpc-id", vpc["VpcId"])
    assert {(101, False, "allow"), (32768, True, "deny")} <= set(rules(dual))


def test_entries_are_kept_in_aws_form(lists: Lists) -> None:
    id = lists.make()
    lists.allow(id, 1, Protocol="tcp", CidrBlock="10.1.2.3/16", PortRange={"From": 80, "To": 81})
    lists.allow(id, 2, Protocol="-1", PortRange={"From": 22, "To": 22})
    lists.allow(id, 3, Protocol="1", IcmpTypeCode={"Type": 8, "Code": -1})
    lists.allow(id, 4, Protocol="58", Ipv6CidrBlock="::/0", IcmpTypeCode={"Type": -1, "Code": -1})
    shown = lists.entries(id)
    assert [entry["Protocol"] for entry in shown] == ["6", "-1", "1", "58"]
    assert shown[0]["CidrBlock"] == "10.1.0.0/16"
    assert shown[0]["PortRange"] == {"From": 80, "To": 81}
    assert "PortRange" not in shown[1]
    assert shown[2]["IcmpTypeCode"] == {"Type": 8, "Code": -1}
    assert (shown[3]["Ipv6CidrBlock"], "CidrBlock" in shown[3]) == ("::/0", False)
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("InvalidParameterValue", {"number": 0}),
        ("InvalidParameterValue", {"number": 32767}),
        ("InvalidParameterValue", {"Protocol": "none"}),
        ("InvalidParameterValue", {"CidrBlock": "10.0.0.0/33"}),
        ("InvalidParameterValue", {"Protocol": "6", "PortRange": {"From": 9, "To": 8}}),
        ("InvalidParameterCombination", {"CidrBlock": "10.0.0.0/8", "Ipv6CidrBlock": "::/0"}),
        ("MissingParameter", {"Protocol": "17"}),
        ("MissingParameter", {"Protocol": "1"}),
    ]
    for code, request in wrong:
        with refused(code):
            lists.allow(id, **{"number": 9, **request})
    assert len(lists.entries(id)) == 4


def test_number_and_direction_make_an_entry_one(lists: Lists) -> None:
    id = lists.make()
    lists.allow(id)
    lists.allow(id, Egress=True)
    with refused("NetworkAclEntryAlreadyExists", "identified by 100"):
        lists.allow(id)
    entry = {"NetworkAclId": id, "RuleNumber": 100, "Egress": False}
    lists.ec2.replace_network_acl_entry(
        **entry, Protocol="-1", RuleAction="deny", CidrBlock="0.0.0.0/0"
    )
    assert {(e["Egress"], e["RuleAction"]) for e in lists.entries(id)} == {
        (False, "deny"),
        (True, "allow"),
    }
    lists.ec2.delete_network_acl_entry(**entry)
    with refused("InvalidNetworkAclEntry.NotFound", "no ingress entry with number 100"):
        lists.ec2.delete_network_acl_entry(**entry)
    with refused("InvalidNetworkAclEntry.NotFound"):
        lists.ec2.replace_network_acl_entry(
            **entry, Protocol="-1", RuleAction="deny", CidrBlock="0.0.0.0/0"
        )


def test_a_direction_has_twenty_entries(lists: Lists) -> None:
    id = lists.make()
    for number in range(1, 21):
        lists.allow(id, number)
    with refused("NetworkAclEntryLimitExceeded"):
        lists.allow(id, 21)
    lists.allow(id, 21, Egress=True)


def test_a_subnet_has_one_list_at_any_time(lists: Lists) -> None:
    id, (subnet, other) = lists.make(), lists.subnets
    (default,) = lists.find("default", "true")
    first = lists.give(subnet, id)
    (acl,) = lists.find("association.subnet-id", subnet)
    assert acl["NetworkAclId"] == id
    assert [it["NetworkAclAssociationId"] for it in acl["Associations"]] == [first]
    assert len(lists.find("association.subnet-id", subnet, other)) == 2
    with refused("DependencyViolation"):
        lists.ec2.delete_network_acl(NetworkAclId=id)
    second = lists.give(subnet, default["NetworkAclId"])
    assert second != first
    with refused("InvalidAssociationID.NotFound"):
        lists.ec2.replace_network_acl_association(AssociationId=first, NetworkAclId=id)
    with refused("InvalidNetworkAclID.NotFound"):
        lists.ec2.replace_network_acl_association(AssociationId=second, NetworkAclId="acl-1")
    lists.give(other, id)
    lists.ec2.delete_subnet(SubnetId=other)
    lists.ec2.delete_network_acl(NetworkAclId=id)
    with refused("InvalidParameterValue", "default"):
        lists.ec2.delete_network_acl(NetworkAclId=default["NetworkAclId"])


def test_lists_are_in_the_inventory_but_for_defaults(lists: Lists, lab: RunningLab) -> None:
    id = lists.make(TagSpecifications=tags_for("network-acl"))
    found = [e for e in lab.get("inventory")["resources"] if e["kind"] == "ec2:network-acl"]
    assert [entry["arn"].rsplit("/", 1)[1] for entry in found] == [id]
    assert found[0]["tags"]["stack"] == "test"
    assert lab.get("model-check")["refused"] == []


def test_a_young_list_is_found_late(lists: Lists, lab: RunningLab) -> None:
    switch(lab, "describe-after-create", "second-call")
    id = lists.make()
    with refused("InvalidNetworkAclID.NotFound"):
        lists.allow(id)
    eventually(lambda: [lists.entries(id)], "InvalidNetworkAclID.NotFound")
    lists.allow(id)


def test_calls_on_lists_need_rights_on_them(lists: Lists, lab: RunningLab) -> None:
    attach(lab, ALL)
    id = lists.make()
    lists.allow(id)
    lists.give(lists.subnets[0], id)
    assert needed(lab, "ec2:CreateNetworkAcl") == ["network-acl/*", f"vpc/{lists.vpc}"]
    assert needed(lab, "ec2:CreateNetworkAclEntry") == [f"network-acl/{id}"]
    assert needed(lab, "ec2:ReplaceNetworkAclAssociation") == [
        f"network-acl/{id}",
        f"subnet/{lists.subnets[0]}",
    ]
