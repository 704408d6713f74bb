"""EC2's network ACLs: entries in AWS's form, a list for each subnet at any time, refusals."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError, InvalidNetworkAclIdError
from moto.ec2.models.network_acls import NetworkAcl, NetworkAclBackend, NetworkAclEntry
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses.network_acls import NetworkACLs

from lab.aws.common.patching import patch, put
from lab.aws.ec2.acl_entries import LAST, LAST_IPV6, read
from lab.aws.ec2.filters import Known, chosen
from lab.world.lab import Lab

MOST = 20
EVERYWHERE, EVERYWHERE_IPV6 = "0.0.0.0/0", "::/0"
FILTERS: Known = {
    "association.association-id": lambda acl: [held.id for held in acl.associations],
    "association.network-acl-id": lambda acl: [acl.id],
    "association.subnet-id": lambda acl: [held.subnet_id for held in acl.associations],
    "default": lambda acl: [acl.default],
    "entry.cidr": lambda acl: [entry.cidr_block for entry in acl.entries],
    "entry.ipv6-cidr": lambda acl: [entry.ipv6_cidr_block for entry in acl.entries],
    "entry.egress": lambda acl: [entry.egress for entry in acl.entries],
    "entry.protocol": lambda acl: [entry.protocol for entry in acl.entries],
    "entry.rule-action": lambda acl: [entry.rule_action for entry in acl.entries],
    "entry.rule-number": lambda acl: [entry.rule_number for entry in acl.entries],
    "network-acl-id": lambda acl: [acl.id],
    "owner-id": lambda acl: [acl.owner_id],
    "vpc-id": lambda acl: [acl.vpc_id],
}


def install(lab: Lab) -> None:
    """Patches moto's network ACLs."""
    _patch_lists()
    _patch_entries()
    _patch_associations()


def _entry(acl: NetworkAcl, number: int, action: str, egress: bool, cidr: str) -> NetworkAclEntry:
    is_ipv6 = ":" in cidr
    ipv4, ipv6 = ("", cidr) if is_ipv6 else (cidr, None)
    made = NetworkAclEntry(
        acl.ec2_backend, acl.id, number, "-1", action, egress, ipv4, None, None, None, None, ipv6
    )
    if is_ipv6:
        # moto has no entry without a block of IPv4, and shows none that is not there.
        told: Any = made
        told.cidr_block = None
    return made


def _shown(acl: Any) -> list[Any]:
    """The entries in their order, and those that AWS ends every list with."""
    vpc = acl.ec2_backend.vpcs.get(acl.vpc_id)
    own = sorted(acl.network_acl_entries, key=lambda entry: (not entry.egress, entry.rule_number))
    ends = [(LAST, EVERYWHERE)]
    if vpc is not None and vpc.get_cidr_block_association_set(ipv6=True):
        ends.append((LAST_IPV6, EVERYWHERE_IPV6))
    return [*own] + [
        _entry(acl, number, "deny", egress, cidr)
        for egress in (True, False)
        for number, cidr in ends
    ]


def _patch_lists() -> None:
    put(NetworkAcl, entries=property(_shown))

    @patch(NetworkAclBackend)
    def add_default_entries(self: Any, network_acl_id: str) -> None:
        acl = self.network_acls[network_acl_id]
        for egress in (True, False):
            acl.network_acl_entries.append(_entry(acl, 100, "allow", egress, EVERYWHERE))
        vpc = self.vpcs[acl.vpc_id]
        if vpc.get_cidr_block_association_set(ipv6=True):
            _allow_ipv6(acl)

    @patch(VPCBackend)
    def associate_vpc_cidr_block(original: Any, self: Any, vpc_id: str, *args: Any) -> Any:
        made = original(self, vpc_id, *args)
        if ":" in made["cidr_block"]:
            _allow_ipv6(_default(self, vpc_id))
        return made

    @patch(NetworkACLs)
    def describe_network_acls(self: Any) -> ActionResult:
        present, ids = self.ec2_backend.network_acls, self._get_param("NetworkAclIds", [])
        wanted = [self.ec2_backend.get_network_acl(id) for id in ids] or list(present.values())
        found = chosen(wanted, self._filters_from_querystring(), FILTERS)
        return ActionResult({"NetworkAcls": found})

    @patch(NetworkAclBackend)
    def delete_network_acl(original: Any, self: Any, network_acl_id: str) -> Any:
        if self.get_network_acl(network_acl_id).default:
            raise EC2ClientError(
                "InvalidParameterValue", f"cannot delete default network ACL {network_acl_id}"
            )
        deleted = original(self, network_acl_id)
        self.tags.pop(network_acl_id, None)
        return deleted


def _default(ec2: Any, vpc: str) -> Any:
    return next(acl for acl in ec2.network_acls.values() if acl.default and acl.vpc_id == vpc)


def _allow_ipv6(acl: Any) -> None:
    """What AWS adds to the default list of a VPC that gets a range of IPv6."""
    for egress in (True, False):
        if not any(e.rule_number == 101 and e.egress == egress for e in acl.network_acl_entries):
            acl.network_acl_entries.append(_entry(acl, 101, "allow", egress, EVERYWHERE_IPV6))


def _patch_entries() -> None:
    @patch(NetworkACLs)
    def create_network_acl_entry(self: Any) -> EmptyResult:
        return _write(self, replace=False)

    @patch(NetworkACLs)
    def replace_network_acl_entry(self: Any) -> EmptyResult:
        return _write(self, replace=True)

    @patch(NetworkAclBackend)
    def delete_network_acl_entry(
        self: Any, network_acl_id: str, rule_number: int, egress: bool
    ) -> Any:
        acl = self.get_network_acl(network_acl_id)
        return acl.network_acl_entries.pop(_place(acl, int(rule_number), egress))


def _write(response: Any, *, replace: bool) -> EmptyResult:
    response.error_on_dryrun()
    ec2 = response.ec2_backend
    acl = ec2.get_network_acl(response._get_param("NetworkAclId"))
    entry = read(response, acl)
    if replace:
        acl.network_acl_entries[_place(acl, entry.rule_number, entry.egress)] = entry
        return EmptyResult()
    side = [held for held in acl.network_acl_entries if held.egress == entry.egress]
    if any(held.rule_number == entry.rule_number for held in side):
        raise EC2ClientError(
            "NetworkAclEntryAlreadyExists",
            f"The network acl entry identified by {entry.rule_number} already exists.",
        )
    if len(side) >= MOST:
        raise EC2ClientError(
            "NetworkAclEntryLimitExceeded",
            "The maximum number of network acl entries has been reached.",
        )
    acl.network_acl_entries.append(entry)
    return EmptyResult()


def _place(acl: Any, number: int, egress: bool) -> int:
    for place, entry in enumerate(acl.network_acl_entries):
        if (entry.rule_number, bool(entry.egress)) == (number, bool(egress)):
            return place
    side = "egress" if egress else "ingress"
    raise EC2ClientError("InvalidNetworkAclEntry.NotFound", f"no {side} entry with number {number}")


def _patch_associations() -> None:
    @patch(NetworkAclBackend)
    def replace_network_acl_association(
        original: Any, self: Any, association_id: str, network_acl_id: str
    ) -> Any:
        if network_acl_id not in self.network_acls:
            raise InvalidNetworkAclIdError(network_acl_id)
        holders = [a for a in self.network_acls.values() if association_id in a._associations]
        if not holders:
            raise EC2ClientError(
                "InvalidAssociationID.NotFound",
                f"The association ID '{association_id}' does not exist",
            )
        if holders[0].vpc_id != self.network_acls[network_acl_id].vpc_id:
            raise EC2ClientError(
                "InvalidParameterValue",
                f"network acl {network_acl_id} and the subnet belong to different networks",
            )
        return original(self, association_id, network_acl_id)

    @patch(SubnetBackend)
    def delete_subnet(original: Any, self: Any, subnet_id: str) -> Any:
        subnet = original(self, subnet_id)
        for acl in self.network_acls.values():
            for held in [held for held in acl.associations if held.subnet_id == subnet_id]:
                del acl._associations[held.id]
        return subnet
