"""The registry, as ECR's answers to those who push and pull."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import quote

import pytest
from conftest import RunningLab
from image import MANIFEST, Registry


@pytest.fixture
def registry(lab: RunningLab) -> Registry:
    """A client of a registry with the repositories `web`, whose tags stay, and `other`."""
    ecr = lab.client("ecr")
    ecr.create_repository(repositoryName="web", imageTagMutability="IMMUTABLE")
    ecr.create_repository(repositoryName="other")
    return Registry(lab)


def digest_of(content: bytes) -> str:
    """Its sha256 as registries write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def code(text: bytes) -> str:
    """The code in an error's answer."""
    found: str = json.loads(text)["errors"][0]["code"]
    return found


def begin(registry: Registry, query: str = "") -> str:
    """Begins an upload to `web`; where it goes on."""
    status, headers, _ = registry.call("POST", f"/v2/web/blobs/uploads/{query}", b"")
    assert status == 202
    return headers["Location"]


def test_what_was_pushed_is_pulled_by_tag_and_by_digest(registry: Registry) -> None:
    digest = registry.push("web", "1")
    for method in ("GET", "HEAD"):
        for reference in ("1", digest):
            status, headers, text = registry.call(
                method, f"/v2/web/manifests/{reference}", headers={"Accept": MANIFEST}
            )
            assert (status, headers["Content-Type"]) == (200, MANIFEST)
            assert headers["Docker-Content-Digest"] == digest
            assert (digest_of(text) == digest) == (method == "GET")
    layer = json.loads(registry.call("GET", "/v2/web/manifests/1")[2])["layers"][0]
    status, headers, text = registry.call("GET", f"/v2/web/blobs/{layer['digest']}")
    assert (status, digest_of(text), len(text)) == (200, layer["digest"], layer["size"])
    status, headers, text = registry.call("HEAD", f"/v2/web/blobs/{layer['digest']}")
    assert (status, headers["Content-Length"], text) == (200, str(layer["size"]), b"")
    assert registry.call("GET", "/v2/web/tags/list")[2] == b'{"name": "web", "tags": ["1"]}'


def test_what_is_about_an_image_is_listed_by_its_kind(registry: Registry) -> None:
    subject = registry.push("web", "1")
    document = b'{"spdxVersion": "SPDX-2.3"}'
    kind = "application/spdx+json"
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": registry.blob("web", b"{}"),
            "size": 2,
        },
        "layers": [
            {"mediaType": kind, "digest": registry.blob("web", document), "size": len(document)}
        ],
        "subject": {"mediaType": MANIFEST, "digest": subject, "size": 1},
    }
    text = json.dumps(manifest).encode()
    status, headers, _ = registry.call(
        "PUT", f"/v2/web/manifests/{digest_of(text)}", text, {"Content-Type": MANIFEST}
    )
    assert (status, headers["OCI-Subject"]) == (201, subject)
    for query, count in (("", 1), (f"?artifactType={quote(kind)}", 1), ("?artifactType=other", 0)):
        status, headers, index = registry.call("GET", f"/v2/web/referrers/{subject}{query}")
        assert (status, headers["Content-Type"]) == (200, "application/vnd.oci.image.index.v1+json")
        found = json.loads(index)["manifests"]
        assert [one["digest"] for one in found] == [digest_of(text)] * count
        assert all(one["artifactType"] == kind for one in found)
    assert json.loads(registry.call("GET", "/v2/web/tags/list")[2])["tags"] == ["1"]


def test_what_is_not_there_is_told_in_the_registrys_codes(registry: Registry) -> None:
    assert code(registry.call("GET", "/v2/web/manifests/1")[2]) == "MANIFEST_UNKNOWN"
    status, _, text = registry.call("GET", f"/v2/web/blobs/{digest_of(b'')}")
    assert (status, code(text)) == (404, "BLOB_UNKNOWN")
    status, _, text = registry.call("POST", "/v2/nowhere/blobs/uploads/", b"")
    assert (status, code(text)) == (404, "NAME_UNKNOWN")
    status, _, text = registry.call("PUT", "/v2/web/blobs/uploads/none?digest=x", b"")
    assert (status, code(text)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_tag_that_may_not_move_does_not(registry: Registry) -> None:
    digest = registry.push("web", "1")
    for settings in ({}, {"User": "7"}):
        status, _, text = registry.manifest("web", "1", settings)
        assert (status, code(text)) == (400, "TAG_INVALID"), "not even to where it is"
    assert registry.push("other", "1") == registry.push("other", "1") == digest
    assert registry.push("other", "1", {"User": "7"}) != digest


def test_a_blob_is_uploaded_whole_by_one_request_or_by_two(registry: Registry) -> None:
    for content, query in ((b"by one", f"?digest={digest_of(b'by one')}"), (b"by two", "")):
        digest = digest_of(content)
        if query:
            assert registry.call("POST", f"/v2/web/blobs/uploads/{query}", content)[0] == 201
        else:
            registry.blob("web", content)
        assert registry.call("GET", f"/v2/web/blobs/{digest}")[2] == content
        assert registry.call("HEAD", f"/v2/other/blobs/{digest}")[0] == 404
    where = begin(registry)
    status, _, text = registry.call("PUT", f"{where}?digest={digest_of(b'this')}", b"that")
    assert (status, code(text)) == (400, "DIGEST_INVALID")


def test_of_a_chunked_upload_only_the_first_chunk_is_kept(registry: Registry) -> None:
    where = begin(registry)
    for chunk in (b"first", b"second"):
        assert registry.call("PATCH", where, chunk)[0] == 201
    status, _, text = registry.call("PUT", f"{where}?digest={digest_of(b'firstsecond')}", b"")
    assert (status, code(text)) == (400, "DIGEST_INVALID")
    where = begin(registry)
    for chunk in (b"first", b"second"):
        registry.call("PATCH", where, chunk)
    assert registry.call("PUT", f"{where}?digest={digest_of(b'first')}", b"")[0] == 201


def test_a_blob_of_another_repository_is_not_mounted(registry: Registry) -> None:
    digest = registry.blob("other", b"shared")
    begin(registry, f"?mount={digest}&from=other")
    assert registry.call("HEAD", f"/v2/web/blobs/{digest}")[0] == 404


def test_a_manifest_of_missing_blobs_is_refused(registry: Registry) -> None:
    part = {"mediaType": "x", "size": 1, "digest": digest_of(b"never pushed")}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": part, "layers": []}
    status, _, text = registry.call(
        "PUT", "/v2/web/manifests/1", json.dumps(manifest).encode(), {"Content-Type": MANIFEST}
    )
    assert (status, code(text)) == (400, "MANIFEST_BLOB_UNKNOWN")


@pytest.mark.parametrize("header", ["Basic bm90OnJpZ2h0", "Bearer x", ""])
def test_only_ecrs_token_opens_it(registry: Registry, header: str) -> None:
    status, headers, text = registry.call("GET", "/v2/", headers={"Authorization": header})
    assert (status, code(text)) == (401, "UNAUTHORIZED")
    assert headers["WWW-Authenticate"].startswith("Basic realm=")
    assert registry.call("GET", "/v2/")[0] == 200


def test_bad_luck_strikes_pushes_too_and_they_are_counted(
    lab: RunningLab, registry: Registry
) -> None:
    rules = [
        {"kind": "throttle", "match": "registry:PutBlob", "times": 1},
        {"kind": "deny", "match": "registry:GetManifest"},
        {"kind": "fail", "match": "registry:PutManifest", "when": "after", "times": 1},
    ]
    lab.post("faults", rules)
    content = b"x"
    address = f"{begin(registry)}?digest={digest_of(content)}"
    status, _, text = registry.call("PUT", address, content)
    assert (status, code(text)) == (429, "TOOMANYREQUESTS")
    assert registry.call("PUT", address, content)[0] == 201
    status, _, text = registry.call("GET", "/v2/web/manifests/1")
    assert (status, code(text)) == (403, "DENIED")
    assert registry.manifest("web", "1", {})[0] == 500
    images = lab.client("ecr").describe_images(repositoryName="web")["imageDetails"]
    assert [image["imageTags"] for image in images] == [["1"]]
    calls = lab.get("calls")["operations"]
    assert calls["registry:PostUpload"] >= 1
    assert calls["registry:PutBlob"] >= 2
    assert lab.get("model-check")["refused"] == []
