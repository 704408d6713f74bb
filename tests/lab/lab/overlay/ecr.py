"""ECR: images as the registry endpoint pushes them, digests of the real manifest, immutable tags."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.core.utils import iso_8601_datetime_without_milliseconds, utcnow
from moto.ecr.exceptions import ImageAlreadyExistsException, InvalidParameterException
from moto.ecr.models import ECRBackend, Image, Repository, ecr_backends
from moto.ecr.responses import ECRResponse

from lab.patching import patch
from lab.places import Place, of_request
from lab.world import Lab

TOKEN_HOURS = 12
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


def token(place: Place) -> str:
    """The password that goes with the user `AWS`: it says where one pushes and pulls."""
    return base64.b64encode(" ".join((PASSWORD, *place)).encode()).decode()


def place_of_token(password: str) -> Place | None:
    """The place that a password is for; None for what is none."""
    try:
        kind, account, region = base64.b64decode(password, validate=True).decode().split()
    except ValueError:
        return None
    return Place(account, region) if kind == PASSWORD else None


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
        image = Image(repository.registry_id, tag, manifest, repository.name, media_type, digest)  # type: ignore[arg-type]
        image.image_pushed_at = datetime.now(UTC)  # type: ignore[assignment]
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


def _identifiers(image: Image) -> Iterator[dict[str, str]]:
    for tag in image.image_tags or [None]:
        yield {"imageDigest": image.image_digest, **({"imageTag": tag} if tag else {})}


def install(lab: Lab) -> None:
    """Patches moto's ECR."""

    @patch(Repository)
    def __init__(original: Any, self: Repository, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.uri = f"{lab.registry}/{self.name}"

    @patch(ECRBackend)
    def create_repository(
        original: Any, self: ECRBackend, repository_name: str, *args: Any, **kwargs: Any
    ) -> Repository:
        if not 2 <= len(repository_name) <= 256:
            raise InvalidParameterException(
                "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must have 2 "
                "to 256 characters'"
            )
        made: Repository = original(self, repository_name, *args, **kwargs)
        return made

    @patch(Image)
    def get_image_size_in_bytes(self: Image) -> int:
        manifest = json.loads(self.image_manifest)
        parts = [*manifest.get("layers", []), manifest.get("config", {})]
        return sum(part.get("size", 0) for part in parts)

    @patch(ECRResponse)
    def get_authorization_token(self: ECRResponse) -> ActionResult:
        entry = {
            "authorizationToken": base64.b64encode(
                f"AWS:{token(of_request(self))}".encode()
            ).decode(),
            "expiresAt": datetime.now(UTC) + timedelta(hours=TOKEN_HOURS),
            "proxyEndpoint": lab.endpoint,
        }
        return ActionResult({"authorizationData": [entry]})

    @patch(ECRBackend)
    def put_image(
        self: ECRBackend,
        repository_name: str,
        image_manifest: str,
        image_tag: str | None,
        image_manifest_mediatype: str | None = None,
        digest: str | None = None,
    ) -> Image:
        repository = self._get_repository(repository_name)
        media_type = image_manifest_mediatype or json.loads(image_manifest).get("mediaType")
        return store_image(repository, image_manifest, media_type, image_tag)

    @patch(ECRBackend)
    def put_image_scanning_configuration(
        original: Any,
        self: ECRBackend,
        registry_id: str,
        repository_name: str,
        image_scan_config: dict[str, Any],
    ) -> Any:
        # Left out it is false, which is how the Rust SDK says false; moto takes it for no change.
        complete = {"scanOnPush": False, **image_scan_config}
        return original(self, registry_id, repository_name, complete)

    @patch(ECRBackend)
    def put_lifecycle_policy(
        original: Any,
        self: ECRBackend,
        registry_id: str,
        repository_name: str,
        lifecycle_policy_text: str,
    ) -> dict[str, Any]:
        put: dict[str, Any] = original(self, registry_id, repository_name, lifecycle_policy_text)
        repository: Any = self._get_repository(repository_name, registry_id)
        repository.lifecycle_evaluated_at = iso_8601_datetime_without_milliseconds(utcnow())
        return put

    @patch(ECRBackend)
    def get_lifecycle_policy(
        original: Any, self: ECRBackend, registry_id: str, repository_name: str
    ) -> dict[str, Any]:
        # When the policy was last run; moto says when it was last read.
        policy: dict[str, Any] = original(self, registry_id, repository_name)
        repository: Any = self._get_repository(repository_name, registry_id)
        return {**policy, "lastEvaluatedAt": repository.lifecycle_evaluated_at}

    @patch(ECRBackend)
    def batch_delete_image(
        self: ECRBackend,
        repository_name: str,
        registry_id: str | None = None,
        image_ids: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        repository = self._get_repository(repository_name, registry_id)
        gone: list[dict[str, str]] = []
        failures: list[dict[str, Any]] = []
        for wanted in image_ids or []:
            image = find_image(repository, wanted.get("imageDigest") or wanted.get("imageTag", ""))
            tag = wanted.get("imageTag")
            if image is None or (tag and tag not in image.image_tags):
                reason = "Requested image not found"
                failures.append(
                    {"imageId": wanted, "failureCode": "ImageNotFound", "failureReason": reason}
                )
            elif tag and "imageDigest" not in wanted and len(image.image_tags) > 1:
                gone.append({"imageDigest": image.image_digest, "imageTag": tag})
                image.remove_tag(tag)
            else:
                gone.extend(_identifiers(image))
                repository.images.remove(image)
        return {"imageIds": gone, "failures": failures}

    @patch(ECRResponse)
    def describe_images(self: ECRResponse) -> ActionResult:
        repository_name = self._get_param("repositoryName")
        wanted = self._get_param("imageIds")
        status = (self._get_param("filter") or {}).get("tagStatus", "ANY")
        found = self.ecr_backend.describe_images(repository_name, None, wanted)
        details = [
            {
                "registryId": image.registry_id,
                "repositoryName": repository_name,
                "imageDigest": image.image_digest,
                "imageTags": image.image_tags or None,
                "imageSizeInBytes": image.image_size_in_bytes,
                "imagePushedAt": image.image_pushed_at,
                "imageManifestMediaType": image.image_manifest_media_type,
            }
            for image in found
            if status == "ANY" or (status == "TAGGED") == bool(image.image_tags)
        ]
        return ActionResult({"imageDetails": details})
