"""Repositories of ECR and their images: found by name, tag or digest, added, guarded by a password."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from typing import NamedTuple, cast

from moto.core.exceptions import ServiceException
from moto.ecr.exceptions import ImageAlreadyExistsException
from moto.ecr.models import Image, Repository, ecr_backends

from lab.world.places import Place

PASSWORD = "lab-registry"
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


class ImageTagAlreadyExists(ServiceException):
    """An immutable tag already names another image."""

    code = "ImageTagAlreadyExistsException"

    def __init__(self, tag: str, repository: str) -> None:
        super().__init__(
            f"The image tag '{tag}' already exists in the '{repository}' repository and cannot be "
            "overwritten because the tag is immutable."
        )


class Ticket(NamedTuple):
    """What a password says: where one pushes and pulls, and by which key it was asked for."""

    place: Place
    key: str


def token(place: Place, key: str) -> str:
    """The password that goes with the user `AWS`."""
    return base64.b64encode(" ".join((PASSWORD, *place, key)).encode()).decode()


def read_token(password: str) -> Ticket | None:
    """What a password says; None for what is none."""
    try:
        kind, account, region, key = base64.b64decode(password, validate=True).decode().split()
    except ValueError:
        return None
    return Ticket(Place(account, region), key) if kind == PASSWORD else None


def find_repository(name: str, place: Place) -> Repository | None:
    """A repository of a place, or of another region of its account.

    Repository URIs of the lab do not say where they are, so who asks does.
    """
    if place.account not in ecr_backends:
        return None
    regions = ecr_backends[place.account]
    for backend in [regions[place.region], *regions.values()]:
        if name in backend.repositories:
            return backend.repositories[name]
    return None


def find_image(repository: Repository, reference: str) -> Image | None:
    """Finds an image by tag or digest."""
    for image in repository.images:
        if reference in image.image_tags or reference == image.image_digest:
            return image
    return None


def store_image(
    repository: Repository, manifest: str, media_type: str | None, tag: str | None
) -> Image:
    """Adds an image, or a tag to an image that is there; moves a mutable tag."""
    digest = "sha256:" + hashlib.sha256(manifest.encode()).hexdigest()
    image = find_image(repository, digest)
    if image and (tag is None or tag in image.image_tags):
        raise ImageAlreadyExistsException(
            registry_id=repository.registry_id,
            image_tag=tag or "null",
            digest=digest,
            repository_name=repository.name,
        )
    holder = find_image(repository, tag) if tag else None
    if holder and tag and is_immutable(repository, tag):
        raise ImageTagAlreadyExists(tag, repository.name)
    if holder and tag:
        holder.remove_tag(tag)
    if image is None:
        # moto's types know no image without a tag, and seconds alone for the time of a push.
        name, now = cast("str", tag), cast("int", datetime.now(UTC))
        image = Image(repository.registry_id, name, manifest, repository.name, media_type, digest)
        image.image_pushed_at = now
        repository.images.append(image)
    elif tag:
        image.update_tag(tag)
    return image


def is_immutable(repository: Repository, tag: str) -> bool:
    """Whether the repository's rules forbid moving this tag."""
    mode = str(getattr(repository.image_tag_mutability, "value", repository.image_tag_mutability))
    excluded = any(
        re.fullmatch(rule["filter"].replace("*", ".*"), tag)
        for rule in repository.image_tag_mutability_exclusion_filters or []
    )
    return mode.startswith("IMMUTABLE") != excluded
