"""Makes a small image and pushes it, as the deployer does: whole blobs, then the manifest."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import urllib.error
import urllib.request
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conftest import RunningLab

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"


@cache
def program() -> bytes:
    """The test program, compiled statically."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("a C compiler is not on this machine")
    source = Path(__file__).with_name("app.c")
    target = Path(f"/tmp/lab-test-app-{hashlib.sha256(source.read_bytes()).hexdigest()[:12]}")
    if not target.exists():
        subprocess.run(
            [compiler, "-static", "-O1", "-s", "-o", str(target), str(source)], check=True
        )
    return target.read_bytes()


def content(archive: tarfile.TarFile) -> bytes:
    """The bytes of an archive that was opened to be read."""
    # Typed for what tarfile itself needs of it, which always asks for a size.
    file: Any = archive.fileobj
    file.seek(0)
    read: bytes = file.read()
    return read


class Registry:
    """A client of the lab's registry."""

    def __init__(self, lab: RunningLab) -> None:
        data = lab.client("ecr").get_authorization_token()["authorizationData"][0]
        self.endpoint = data["proxyEndpoint"]
        self._token = data["authorizationToken"]
        assert base64.b64decode(self._token).decode().startswith("AWS:")

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """One request; errors are returned, not raised."""
        url = path if path.startswith("http") else f"{self.endpoint}{path}"
        wanted = {"Authorization": f"Basic {self._token}", **(headers or {})}
        request = urllib.request.Request(url, body, wanted, method=method)
        try:
            with urllib.request.urlopen(request) as reply:
                return reply.status, dict(reply.headers), reply.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), error.read()

    def blob(self, name: str, content: bytes) -> str:
        """Pushes a blob and returns its digest."""
        digest = "sha256:" + hashlib.sha256(content).hexdigest()
        status, headers, _ = self.call("POST", f"/v2/{name}/blobs/uploads/", b"")
        assert status == 202
        status, _, text = self.call("PUT", f"{headers['Location']}?digest={digest}", content)
        assert status == 201, text
        return digest

    def push(
        self,
        name: str,
        tag: str,
        settings: dict[str, Any] | None = None,
        layers: Sequence[tarfile.TarFile] = (),
    ) -> str:
        """Pushes an image of the test program, under more layers, and returns its digest."""
        status, headers, text = self.manifest(name, tag, settings or {}, layers)
        assert status == 201, text
        return str(headers["Docker-Content-Digest"])

    def manifest(
        self,
        name: str,
        tag: str,
        settings: dict[str, Any],
        layers: Sequence[tarfile.TarFile] = (),
    ) -> Any:
        """Pushes the blobs and offers the manifest."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            entry = tarfile.TarInfo("app")
            entry.size, entry.mode = len(program()), 0o755
            archive.addfile(entry, io.BytesIO(program()))
        archives = [packed.getvalue(), *(content(layer) for layer in layers)]
        packs = [gzip.compress(archive, mtime=0) for archive in archives]
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/app"], "User": "65532", **settings},
            "rootfs": {
                "type": "layers",
                "diff_ids": ["sha256:" + hashlib.sha256(one).hexdigest() for one in archives],
            },
        }
        text = json.dumps(config).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": self.blob(name, text), "size": len(text)},
            "layers": [
                {"mediaType": LAYER, "digest": self.blob(name, pack), "size": len(pack)}
                for pack in packs
            ],
        }
        return self.call(
            "PUT",
            f"/v2/{name}/manifests/{tag}",
            json.dumps(manifest).encode(),
            {"Content-Type": MANIFEST},
        )
