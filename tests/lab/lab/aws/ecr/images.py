"""ECR: images as the registry endpoint pushes them, digests of the real manifest, immutable tags."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import iso_8601_datetime_without_milliseconds, utcnow
from moto.ecr.exceptions import InvalidParameterException
from moto.ecr.models import ECRBackend, Image, Repository
from moto.ecr.responses import ECRResponse

from lab.aws.common.patching import patch
from lab.http.calls import signed_by
from lab.running.images.repositories import find_image, store_image, token
from lab.world.lab import Lab
from lab.world.places import of_request

TOKEN_HOURS = 12


def _identifiers(image: Image) -> Iterator[dict[str, str]]:
    tags: list[str | None] = [*image.image_tags] or [None]
    for tag in tags:
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
        password = token(of_request(self), signed_by(self.headers.get("Authorization", "")))
        entry = {
            "authorizationToken": base64.b64encode(f"AWS:{password}".encode()).decode(),
            "expiresAt": datetime.now(UTC) + timedelta(hours=TOKEN_HOURS),
            "proxyEndpoint": lab.endpoint_for(self.uri),
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
