"""Quotas of an account in a region: what AWS gives everybody, and what was applied over it.

Codes, names and defaults are Service Quotas' own (ListAWSDefaultServiceQuotas, as
gruntwork-io/terraform-aws-utilities has it in docs/quotas.md); of Fargate's, new accounts have 6.
"""

from __future__ import annotations

from dataclasses import dataclass

from lab.world.places import Place

# The number of vCPUs that run at once, by capacity provider.
VCPUS = {"FARGATE": ("fargate", "L-3032A538"), "FARGATE_SPOT": ("fargate", "L-36FBB829")}
SERVICES = {
    "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)",
    "elasticloadbalancing": "Elastic Load Balancing (ELB)",
    "fargate": "AWS Fargate",
    "rds": "Amazon Relational Database Service (Amazon RDS)",
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
}


@dataclass(frozen=True)
class Quota:
    """One quota that everybody has, unless another value was applied."""

    service: str
    code: str
    name: str
    value: float


QUOTAS = (
    Quota("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5),
    Quota("elasticloadbalancing", "L-53DA6B97", "Application Load Balancers per Region", 50),
    Quota("elasticloadbalancing", "L-7E6692B2", "Targets per Application Load Balancer", 1000),
    Quota("elasticloadbalancing", "L-7EED9B64", "Rules per Application Load Balancer", 100),
    Quota("elasticloadbalancing", "L-9365A611", "Certificates per Application Load Balancer", 25),
    Quota("fargate", "L-3032A538", "Fargate On-Demand vCPU resource count", 6),
    Quota("fargate", "L-36FBB829", "Fargate Spot vCPU resource count", 6),
    Quota("rds", "L-7B6409FD", "DB instances", 40),
    Quota("vpc", "L-0EA8095F", "Inbound or outbound rules per security group", 60),
    Quota("vpc", "L-1B52E74A", "Gateway VPC endpoints per Region", 20),
    Quota("vpc", "L-93826ACB", "Routes per route table", 50),
    Quota("vpc", "L-F678F1CE", "VPCs per Region", 5),
    Quota("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", 5),
)


class Quotas:
    """The values that were applied."""

    def __init__(self) -> None:
        self._applied: dict[tuple[Place, str, str], float] = {}

    def clear(self) -> None:
        """Takes all of them back."""
        self._applied.clear()

    def apply(self, place: Place, service: str, code: str, value: float | None) -> None:
        """Applies a value, or takes it back; ValueError where the lab knows no such quota."""
        if not any((quota.service, quota.code) == (service, code) for quota in QUOTAS):
            raise ValueError(f"the lab knows no quota {code} of {service}")
        if value is None:
            self._applied.pop((place, service, code), None)
        else:
            self._applied[place, service, code] = value

    def applied(self, place: Place, service: str, code: str) -> float | None:
        """The value that was applied to a quota; None where its default counts."""
        return self._applied.get((place, service, code))
