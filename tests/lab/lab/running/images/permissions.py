"""Which actions of ECR a request to the registry needs, of whoever got its token.

ECR user guide, "IAM permissions for pushing an image" and "Private registry authentication".
"""

from __future__ import annotations

from collections.abc import Iterable

from moto.ecr.models import ecr_backends

from lab.aws.common.callers import caller_of, facts, refused
from lab.http.errors import Reply
from lab.policies.needs import Need, Tags
from lab.running.images.repositories import Ticket, find_repository
from lab.world.lab import Lab
from lab.world.places import of_arn

BEGIN, PART, END = "InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"
# By kind and method; for blobs those that are there, for uploads the steps.
ACTIONS = {
    ("blobs", "HEAD"): ("BatchCheckLayerAvailability",),
    ("blobs", "GET"): ("GetDownloadUrlForLayer",),
    ("uploads", "POST"): (BEGIN,),
    ("uploads", "PATCH"): (PART,),
    ("uploads", "PUT"): (PART, END),
    ("manifests", "HEAD"): ("BatchGetImage",),
    ("manifests", "GET"): ("BatchGetImage",),
    ("manifests", "PUT"): ("PutImage",),
    ("referrers", "GET"): ("BatchGetImage",),
    ("tags", "GET"): ("ListImages",),
}


def actions(method: str, kind: str, rest: str, query: str) -> tuple[str, ...]:
    """The actions of a request; that which uploads a blob at once needs all of an upload's."""
    if kind == "blobs" and rest.startswith("uploads"):
        kind = "uploads"
    if (kind, method) == ("uploads", "POST") and "digest=" in query:
        return (BEGIN, PART, END)
    return ACTIONS.get((kind, method), ())


def refusal(lab: Lab, ticket: Ticket, name: str, needed: Iterable[str]) -> Reply | None:
    """What the registry says to a request that the policies of its token's owner do not allow."""
    caller = caller_of(ticket.key, ticket.place)
    if not lab.policies.binds(caller):
        return None
    repository = find_repository(name, ticket.place)
    arn = repository.arn if repository else ticket.place.arn("ecr", f"repository/{name}")

    def tags() -> Tags:
        account, region = of_arn(arn)
        found: Tags = ecr_backends[account][region].tagger.get_tag_dict_for_resource(arn)
        return found

    about = facts(caller, ticket.place)
    needs = [Need(f"ecr:{action}", arn, about, {}, tags) for action in needed]
    return refused(lab, caller, needs, "registry")
