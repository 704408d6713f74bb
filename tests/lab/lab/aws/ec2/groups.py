"""EC2's security groups: whole-call rule changes, tags and descriptions on every rule, refusals."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models.security_groups import (
    SecurityGroup,
    SecurityGroupBackend,
    SecurityGroupRule,
)
from moto.ec2.responses.security_groups import SecurityGroups

from lab.aws.common.patching import patch, put
from lab.world.lab import Lab

if TYPE_CHECKING:
    from moto.ec2.models import EC2Backend

NAME = re.compile(r"^[a-zA-Z0-9 ._\-:/()#,@\[\]+=&;{}!$*]{1,255}$")
DESCRIBED = (
    "strings less than 256 characters from the following set: a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
)


def install(lab: Lab) -> None:
    """Patches moto's security groups."""

    @patch(SecurityGroupRule, "__init__")
    def make_rule(original: Any, self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.ip_range = dict(self.ip_range)
        self.source_group = dict(self.source_group)

    @patch(SecurityGroupRule)
    def __eq__(self: Any, other: Any) -> bool:
        return isinstance(other, SecurityGroupRule) and _key(self) == _key(other)

    put(SecurityGroupRule, __hash__=lambda self: hash(self.id))

    def description(self: Any) -> str | None:
        text = self.ip_range.get("Description") or self.source_group.get("Description")
        return text or getattr(self, "prefix_list_description", None)

    def referenced(self: Any) -> dict[str, str] | None:
        if not self.source_group:
            return None
        return {key: self.source_group[key] for key in ("GroupId", "UserId")}

    put(SecurityGroupRule, description=property(description))
    put(SecurityGroupRule, referenced_group_info=property(referenced))

    @patch(SecurityGroups)
    def authorize_security_group_ingress(self: Any) -> ActionResult:
        return _authorize(self, egress=False)

    @patch(SecurityGroups)
    def authorize_security_group_egress(self: Any) -> ActionResult:
        return _authorize(self, egress=True)

    @patch(SecurityGroups)
    def update_security_group_rule_descriptions_ingress(original: Any, self: Any) -> ActionResult:
        return _describe(original, self)

    @patch(SecurityGroups)
    def update_security_group_rule_descriptions_egress(original: Any, self: Any) -> ActionResult:
        return _describe(original, self)

    @patch(SecurityGroupBackend)
    def create_security_group(
        original: Any, self: Any, name: str, description: str, *args: Any, **kwargs: Any
    ) -> Any:
        vpc = kwargs.get("vpc_id")
        if vpc is None:
            raise EC2ClientError("VPCIdNotSpecified", "No default VPC for this user")
        if not kwargs.get("is_default"):
            self.get_vpc(vpc)
            if not NAME.match(name) or name.startswith("sg-") or name.lower() == "default":
                raise EC2ClientError(
                    "InvalidParameterValue",
                    f"Invalid value '{name}' for groupName. Character sets beyond ASCII, names "
                    "starting with 'sg-' and the name 'default' are not supported.",
                )
            if not NAME.match(description or ""):
                raise EC2ClientError(
                    "InvalidParameterValue",
                    f"Invalid security group description. Valid descriptions are {DESCRIBED}",
                )
        group = original(self, name, description, *args, **kwargs)
        for rule in group.egress_rules:
            rule.group_id = group.id
            rule.ip_protocol = "-1"
        return group

    @patch(SecurityGroupBackend)
    def describe_security_groups(
        original: Any, self: Any, group_ids: Any = None, groupnames: Any = None, filters: Any = None
    ) -> Any:
        for id in group_ids or []:
            if self.get_security_group_from_id(id) is None:
                raise _not_found(id)
        return original(self, group_ids, groupnames, filters)

    @patch(SecurityGroupBackend)
    def delete_security_group(
        original: Any, self: Any, name: str | None = None, group_id: str | None = None
    ) -> None:
        group = self.get_security_group_from_id(group_id) if group_id else None
        if group_id and group is None:
            raise _not_found(group_id)
        if group is not None and group.vpc_id in self.vpcs and not _vpc_goes(group):
            if group.is_default:
                raise EC2ClientError(
                    "CannotDelete",
                    f'the specified group: "{group_id}" name: "default" cannot be deleted by a user',
                )
            if blocker(self, group):
                raise DependencyViolationError(f"resource {group_id} has a dependent object")
        original(self, name=name, group_id=group_id)
        if group is not None:
            for rule in [*group.ingress_rules, *group.egress_rules]:
                self.tags.pop(rule.id, None)
            self.tags.pop(group.id, None)

    @patch(SecurityGroupBackend)
    def modify_security_group_rules(
        self: Any, group_id: str, rules: dict[str, dict[str, Any]]
    ) -> None:
        group = self.get_security_group_from_id(group_id)
        if group is None:
            raise _not_found(group_id)
        for rule_id in rules:
            if group.get_rule(rule_id) is None:
                raise EC2ClientError(
                    "InvalidSecurityGroupRuleId.NotFound",
                    f"The security group rule ID '{rule_id}' does not exist",
                )
        for new in rules.values():
            _check_description(new)
        for rule_id, new in rules.items():
            _modify(self, group.get_rule(rule_id), new)


def blocker(ec2: EC2Backend, group: SecurityGroup) -> str | None:
    """What still holds a security group: an interface, or a rule of another group."""
    for interface in ec2.enis.values():
        if any(member.id == group.id for member in interface.group_set):
            return str(interface.id)
    for groups in ec2.groups.values():
        for other in groups.values():
            for rule in [*other.ingress_rules, *other.egress_rules]:
                if other.id != group.id and rule.source_group.get("GroupId") == group.id:
                    return str(rule.id)
    return None


def _vpc_goes(group: SecurityGroup) -> bool:
    """Whether this is DeleteVpc removing the default group: nothing else is left in the VPC."""
    ec2 = group.ec2_backend
    tables = [t for t in ec2.route_tables.values() if t.vpc_id == group.vpc_id]
    return group.is_default and not tables


def _not_found(id: str) -> EC2ClientError:
    return EC2ClientError("InvalidGroup.NotFound", f"The security group '{id}' does not exist")


def _key(rule: SecurityGroupRule) -> tuple[Any, ...]:
    return (
        rule.ip_protocol,
        None if rule.ip_protocol == "-1" else (rule.from_port, rule.to_port),
        _network(rule.ip_range.get("CidrIp")),
        _network(rule.ip_range.get("CidrIpv6")),
        rule.source_group.get("GroupId"),
        rule.prefix_list_id,
    )


def _network(cidr: str | None) -> str | None:
    return str(ipaddress.ip_network(cidr, strict=False)) if cidr else None


def _authorize(response: Any, egress: bool) -> ActionResult:
    """Adds all rules of one call or none."""
    response.error_on_dryrun()
    ec2 = response.ec2_backend
    side = "egress" if egress else "ingress"
    requests = list(response._process_rules_from_querystring())
    group = ec2.get_security_group_by_name_or_id(requests[0]["group_name_or_id"], None)
    before = list(getattr(group, f"{side}_rules")) if group else []
    added: list[Any] = []
    try:
        for request in requests:
            for item in request["ip_ranges"]:
                _check_cidr(item)
            for item in [
                *request["ip_ranges"],
                *(request.get("source_groups") or []),
                *(request.get("prefix_list_ids") or []),
            ]:
                _check_description(item)
            rules, _ = getattr(ec2, f"authorize_security_group_{side}")(**request)
            texts = {
                item.get("PrefixListId"): item.get("Description")
                for item in request.get("prefix_list_ids") or []
            }
            for rule in rules:
                if rule.prefix_list_id in texts:
                    rule.prefix_list_description = texts[rule.prefix_list_id]
            added += rules
    except Exception:
        if group:
            setattr(group, f"{side}_rules", before)
        for rule in added:
            ec2.tags.pop(rule.id, None)
        raise
    return ActionResult({"Return": True, "SecurityGroupRules": added})


def _describe(original: Any, response: Any) -> ActionResult:
    """Describes rules named by their identifiers; moto knows only those spelled out."""
    texts = response._get_param("SecurityGroupRuleDescriptions", [])
    if not texts:
        original(response)
        return ActionResult({"Return": True})
    group_id = response._get_param("GroupId")
    group = response.ec2_backend.get_security_group_from_id(group_id)
    if group is None:
        raise _not_found(group_id)
    for text in texts:
        _check_description(text)
    found = [(group.get_rule(text["SecurityGroupRuleId"]), text) for text in texts]
    for rule, text in found:
        if rule is None:
            raise EC2ClientError(
                "InvalidSecurityGroupRuleId.NotFound",
                f"The security group rule ID '{text['SecurityGroupRuleId']}' does not exist",
            )
    for rule, text in found:
        described = {"Description": text["Description"]} if text.get("Description") else {}
        for place in ("ip_range", "source_group"):
            kept = {k: v for k, v in getattr(rule, place).items() if k != "Description"}
            setattr(rule, place, {**kept, **described} if kept else {})
        rule.prefix_list_description = described.get("Description")
    return ActionResult({"Return": True})


def _check_description(item: Any) -> None:
    text = item.get("Description") if isinstance(item, dict) else None
    if text and not NAME.match(text):
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Invalid rule description. Valid descriptions are {DESCRIBED}",
        )


def _check_cidr(item: dict[str, str]) -> None:
    cidr = item.get("CidrIp") or item.get("CidrIpv6") or ""
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        raise EC2ClientError("InvalidParameterValue", f"CIDR block {cidr} is malformed") from None
    for field in ("CidrIp", "CidrIpv6"):
        if field in item:
            item[field] = str(network)


def _modify(ec2: EC2Backend, rule: Any, new: dict[str, Any]) -> None:
    rule.ip_protocol = {"6": "tcp", "17": "udp", "1": "icmp", "all": "-1"}.get(
        new["IpProtocol"], new["IpProtocol"]
    )
    everything = rule.ip_protocol == "-1"
    rule.from_port = None if everything else new.get("FromPort")
    rule.to_port = None if everything else new.get("ToPort")
    description = new.get("Description")
    kept = {"Description": description} if description else {}
    rule.ip_range, rule.source_group, rule.prefix_list_id = {}, {}, None
    if "CidrIpv4" in new:
        rule.ip_range = {"CidrIp": _network(new["CidrIpv4"]), **kept}
    elif "CidrIpv6" in new:
        rule.ip_range = {"CidrIpv6": _network(new["CidrIpv6"]), **kept}
    elif "ReferencedGroupId" in new:
        source = {"GroupId": new["ReferencedGroupId"]}
        rule.source_group = {**ec2._add_source_group([source], None)[0], **kept}
    else:
        rule.prefix_list_id = new.get("PrefixListId")
        rule.prefix_list_description = description
