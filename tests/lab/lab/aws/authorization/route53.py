"""Route 53. Its ARNs name neither region nor account, and changes of records can be narrowed by
conditions of their own."""

from __future__ import annotations

from lab.aws.authorization.table import Asked, Facts, On, Service, found
from lab.running.names.spelling import normal

CHANGE = "ChangeBatch.Changes"
KEYS = "route53:changeresourcerecordsets"


def _on(kind: str, path: str) -> On:
    def resources(asked: Asked) -> list[str]:
        """An ARN for each, whose prefix of its path SDKs take off and others do not."""
        names = [str(value).rsplit("/", 1)[-1] for value in asked.all(path)]
        return [f"arn:{asked.place.partition}:route53:::{kind}/{name}" for name in names]

    return found(resources)


def _tagged(asked: Asked) -> list[str]:
    names = [str(id) for path in ("ResourceId", "ResourceIds") for id in asked.all(path)]
    kind = asked.text("ResourceType")
    return [f"arn:{asked.place.partition}:route53:::{kind}/{name}" for name in names]


def _facts(asked: Asked) -> Facts:
    """What is changed of which records; names without the dot at their end, as policies write them."""
    if asked.operation != "ChangeResourceRecordSets":
        return {}
    names = [normal(str(name)) for name in asked.all(f"{CHANGE}.ResourceRecordSet.Name")]
    seen = {
        "normalizedrecordnames": [name.removesuffix(".") for name in names],
        "recordtypes": asked.all(f"{CHANGE}.ResourceRecordSet.Type"),
        "actions": asked.all(f"{CHANGE}.Action"),
    }
    return {f"{KEYS}{key}": tuple(dict.fromkeys(values)) for key, values in seen.items()}


ZONES = ("DeleteHostedZone", "GetHostedZone", "UpdateHostedZoneComment")
RECORDS = (
    "AssociateVPCWithHostedZone",
    "ChangeResourceRecordSets",
    "DisassociateVPCFromHostedZone",
    "ListResourceRecordSets",
)
TAGS = ("ChangeTagsForResource", "ListTagsForResource", "ListTagsForResources")

SERVICE = Service(
    {
        **dict.fromkeys(ZONES, (_on("hostedzone", "Id"),)),
        **dict.fromkeys(RECORDS, (_on("hostedzone", "HostedZoneId"),)),
        **dict.fromkeys(TAGS, (found(_tagged),)),
        "GetChange": [_on("change", "Id")],
    },
    facts=_facts,
)
