"""The registry behind ECR's token: OCI distribution v2 at `/v2/`, on the lab's own port.

Blobs lie on disk once, whatever repository they were pushed to; which repository has which
blob is in moto's ECR state. Chunked uploads are answered as ECR answers them: 201 instead
of 202, and every chunk after the first is lost.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import parse_qs, urlsplit

from moto.core.exceptions import ServiceException
from moto.ecr.models import Repository

from lab.http.calls import Call
from lab.http.errors import Reply, error_reply
from lab.http.faults import Verdict
from lab.running.images.permissions import actions, refusal
from lab.running.images.repositories import (
    MANIFEST_TYPES,
    Ticket,
    find_image,
    find_repository,
    is_immutable,
    read_token,
    store_image,
)
from lab.world.lab import Lab
from lab.world.places import ACCOUNT, Place

if TYPE_CHECKING:
    from lab.http.server import Handler

ROUTE = re.compile(
    r"^/v2/(?P<name>[a-z0-9][a-z0-9._/-]*)/"
    r"(?P<kind>blobs|manifests|referrers|tags)/(?P<rest>uploads/?|uploads/[^/]+|list|[^/]+)$"
)
DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")
INDEX = "application/vnd.oci.image.index.v1+json"
PIECE = 1 << 20


class Registry:
    """Serves pushes and pulls, and hands blobs to the tasks."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._blobs = lab.data / "registry" / "blobs"
        self._uploads = lab.data / "registry" / "uploads"
        self._make_folders()
        lab.resets.append(self._reset)
        lab.parts["registry"] = self

    def describe(self) -> dict[str, Any]:
        """For `GET /_lab`."""
        return {"endpoint": self._lab.registry}

    def blob(self, digest: str) -> Path:
        """Where a blob lies; ValueError for what is no digest, as an image put by the API may name."""
        if not DIGEST.match(digest):
            raise ValueError(f"{digest} is not a digest")
        return self._blobs / digest.removeprefix("sha256:")

    def answer(self, request: Handler) -> tuple[Reply, Verdict]:
        """Answers one request; says what is still to happen after its reply."""
        source = _Body(request)
        ticket = _ticket(request.headers.get("Authorization", ""))
        place, key = ticket or Ticket(Place(ACCOUNT, ""), "")
        operation = _operation(request.command, request.path)
        call = Call("registry", operation, *place, "registry", b"", key)

        def effect() -> Reply:
            kind = request.headers.get("Content-Type", "")
            return self._answer(request.command, request.path, ticket, kind, source)

        reply, verdict = self._lab.faults.befall(call, request.client, effect, self._lab.calls)
        source.drain()
        return reply, verdict

    def _answer(
        self, method: str, url: str, ticket: Ticket | None, kind: str, body: _Body
    ) -> Reply:
        if ticket is None:
            challenge = f'Basic realm="{self._lab.endpoint}/",service="ecr.amazonaws.com"'
            return _error(401, "UNAUTHORIZED", "Not Authorized", [("WWW-Authenticate", challenge)])
        parts = urlsplit(url)
        if parts.path.rstrip("/") == "/v2":
            return 200, [("Docker-Distribution-Api-Version", "registry/2.0")], b"{}"
        route = ROUTE.match(parts.path)
        if route is None:
            return _error(404, "PAGE_NOT_FOUND", "page not found")
        with self._lab.lock:
            repository = find_repository(route["name"], ticket.place)
            needed = actions(method, route["kind"], route["rest"], parts.query)
            if refused := refusal(self._lab, ticket, route["name"], needed):
                return refused
        if repository is None:
            return _error(
                404,
                "NAME_UNKNOWN",
                f"The repository with name '{route['name']}' does not exist in the registry "
                f"with id '{ticket.place.account}'",
            )
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if route["kind"] == "blobs" and route["rest"].startswith("uploads"):
            return self._upload(method, repository, route["rest"], query, body)
        if route["kind"] == "blobs":
            return self._read_blob(method, repository, route["rest"])
        if route["kind"] == "tags":
            with self._lab.lock:
                tags = sorted(tag for image in repository.images for tag in image.image_tags)
            return _json(200, {"name": repository.name, "tags": tags})
        if route["kind"] == "referrers":
            return self._list_referrers(repository, route["rest"], query.get("artifactType", ""))
        if method == "PUT":
            return self._write_manifest(repository, route["rest"], kind, body.read_all())
        return self._read_manifest(repository, route["rest"])

    def _read_blob(self, method: str, repository: Repository, digest: str) -> Reply:
        if method not in ("GET", "HEAD"):
            return _error(405, "UNSUPPORTED", "The operation is unsupported.")
        if digest not in repository.layers:
            return _error(404, "BLOB_UNKNOWN", "blob unknown to registry")
        headers = [("Docker-Content-Digest", digest), ("Content-Type", "application/octet-stream")]
        return 200, headers, self.blob(digest).read_bytes()

    def _upload(
        self, method: str, repository: Repository, rest: str, query: dict[str, str], body: _Body
    ) -> Reply:
        if method == "POST":
            upload = str(uuid.uuid4())
            (self._uploads / upload).touch()
            if "digest" in query:
                return self._finish(repository, upload, query["digest"], body)
            return 202, self._upload_headers(repository, upload, 0), b""
        upload = rest.removeprefix("uploads").strip("/")
        path = self._uploads / Path(upload).name
        if not upload or not path.exists():
            return _error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        if method == "PATCH":
            if path.stat().st_size == 0:
                body.copy_to(path)
            return 201, self._upload_headers(repository, upload, path.stat().st_size), b""
        if method == "PUT" and "digest" in query:
            return self._finish(repository, upload, query["digest"], body)
        if method == "DELETE":
            path.unlink()
            return 204, [], b""
        return _error(405, "UNSUPPORTED", "The operation is unsupported.")

    def _upload_headers(
        self, repository: Repository, upload: str, size: int
    ) -> list[tuple[str, str]]:
        return [
            ("Location", f"{self._lab.endpoint}/v2/{repository.name}/blobs/uploads/{upload}"),
            ("Docker-Upload-UUID", upload),
            ("Range", f"0-{max(size - 1, 0)}"),
        ]

    def _finish(self, repository: Repository, upload: str, digest: str, body: _Body) -> Reply:
        path = self._uploads / Path(upload).name
        body.copy_to(path)
        with path.open("rb") as file:
            actual = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        if not DIGEST.match(digest) or actual != digest:
            path.unlink()
            return _error(
                400, "DIGEST_INVALID", f"provided digest {digest} did not match content {actual}"
            )
        size = path.stat().st_size
        path.replace(self.blob(digest))
        with self._lab.lock:
            repository.layers[digest] = size
        location = f"{self._lab.endpoint}/v2/{repository.name}/blobs/{digest}"
        return 201, [("Location", location), ("Docker-Content-Digest", digest)], b""

    def _read_manifest(self, repository: Repository, reference: str) -> Reply:
        with self._lab.lock:
            image = find_image(repository, reference)
        if image is None:
            message = f"Requested image not found: {repository.name}:{reference}"
            return _error(404, "MANIFEST_UNKNOWN", message)
        headers = [
            ("Docker-Content-Digest", image.image_digest),
            ("Content-Type", image.image_manifest_media_type or MANIFEST_TYPES[0]),
        ]
        return 200, headers, image.image_manifest.encode()

    def _list_referrers(self, repository: Repository, subject: str, kind: str) -> Reply:
        """What is about an image, as OCI's distribution specification lists it."""
        with self._lab.lock:
            images = list(repository.images)
        found = []
        for image in images:
            manifest = json.loads(image.image_manifest)
            artifact = manifest.get("artifactType", "")
            if manifest.get("subject", {}).get("digest") == subject and kind in ("", artifact):
                found.append(
                    {
                        "mediaType": image.image_manifest_media_type,
                        "digest": image.image_digest,
                        "size": len(image.image_manifest.encode()),
                        "artifactType": artifact,
                    }
                )
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": found}
        filters = [("OCI-Filters-Applied", "artifactType")] if kind else []
        return 200, [("Content-Type", INDEX), *filters], json.dumps(index).encode()

    def _write_manifest(
        self, repository: Repository, reference: str, media_type: str, manifest: bytes
    ) -> Reply:
        digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
        tag = None if DIGEST.match(reference) else reference
        if tag is None and reference != digest:
            return _error(400, "DIGEST_INVALID", "provided digest did not match uploaded content")
        try:
            parsed = json.loads(manifest)
            wanted = [parsed["config"]["digest"], *(part["digest"] for part in parsed["layers"])]
        except (ValueError, KeyError, TypeError):
            return _error(400, "MANIFEST_INVALID", "manifest invalid")
        missing = [part for part in wanted if part not in repository.layers]
        if missing:
            message = (
                f"Layers with digests '[{', '.join(missing)}]' required for pushed image not found"
            )
            return _error(400, "MANIFEST_BLOB_UNKNOWN", message)
        try:
            with self._lab.lock:
                store_image(repository, manifest.decode(), media_type or None, tag)
        except ServiceException as error:
            # The same image again is refused as well where its tag may not move.
            if error.code == "ImageTagAlreadyExistsException" or (
                tag and is_immutable(repository, tag)
            ):
                return _error(400, "TAG_INVALID", error.message)
        location = f"{self._lab.endpoint}/v2/{repository.name}/manifests/{digest}"
        headers = [("Location", location), ("Docker-Content-Digest", digest)]
        if subject := parsed.get("subject"):
            headers.append(("OCI-Subject", subject["digest"]))
        return 201, headers, b""

    def _make_folders(self) -> None:
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._uploads.mkdir(parents=True, exist_ok=True)

    def _reset(self) -> None:
        shutil.rmtree(self._blobs.parent, ignore_errors=True)
        self._make_folders()


def _ticket(header: str) -> Ticket | None:
    """What a request's password says; None without one."""
    scheme, _, value = header.partition(" ")
    try:
        user, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return read_token(password) if (scheme.lower(), user) == ("basic", "AWS") else None


def _operation(method: str, url: str) -> str:
    """What a request asks for, as it stands in counters and faults: `PutManifest`."""
    route = ROUTE.match(urlsplit(url).path)
    verb = "Get" if method in ("GET", "HEAD") else method.capitalize()
    thing = "Version" if route is None else route["kind"].removesuffix("s").capitalize()
    if route and route["rest"].startswith("uploads"):
        thing = "Upload" if method == "POST" else "Blob"
    return verb + thing


class _Body:
    """A request's body, read once and in pieces."""

    def __init__(self, request: Handler) -> None:
        self._request = request
        self._chunked = "chunked" in request.headers.get("Transfer-Encoding", "")
        self._left = int(request.headers.get("Content-Length") or 0)

    def _piece(self) -> bytes:
        if self._chunked:
            self._chunked = False
            return self._request.read_body()
        piece: bytes = self._request.rfile.read(min(PIECE, self._left)) if self._left else b""
        self._left = self._left - len(piece) if piece else 0
        return piece

    def copy_to(self, path: Path) -> None:
        """Appends what is left of the body to a file."""
        with path.open("ab") as file:
            self._copy(file)

    def _copy(self, file: BinaryIO) -> None:
        while piece := self._piece():
            file.write(piece)

    def read_all(self) -> bytes:
        """Reads what is left of the body."""
        return b"".join(iter(self._piece, b""))

    def drain(self) -> None:
        """Skips what nobody read, so that the connection can serve the next request."""
        while self._piece():
            pass


def _json(status: int, value: Any) -> Reply:
    return status, [("Content-Type", "application/json")], json.dumps(value).encode()


def _error(
    status: int, code: str, message: str, headers: list[tuple[str, str]] | None = None
) -> Reply:
    reply_status, reply_headers, body = error_reply("registry", code, message, status)
    return reply_status, reply_headers + (headers or []), body
