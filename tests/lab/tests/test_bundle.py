"""The bundle of RDS's authorities in images: in a task's own copy the lab's stands beside them."""

from __future__ import annotations

import hashlib
import json
import os
import ssl
from pathlib import Path

import pytest
from conftest import RunningLab
from test_layers import hard_link, layer, symlink, unpack
from test_services import Web
from test_tasks import run

from lab.running.images.bundle import BUNDLE, trust

NAME = BUNDLE.lstrip("/")
PACKED = "packed, without a last line break"


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """Something to be added."""
    file = tmp_path / "authority.pem"
    file.write_text("the lab's\n")
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty root."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def test_a_tasks_bundle_has_the_labs_authority_and_the_image_does_not(lab: RunningLab) -> None:
    web = Web(lab)
    web.registry.push("web", "1", layers=[layer((NAME, PACKED))])
    task = run(web, web.definition()).rsplit("/", 1)[1]
    state = lab.get("")
    own = Path(state["authority"]["certificate"]).read_text()
    file = Path(state["data"], "tasks", task, "web", NAME)
    assert file.read_text() == f"{PACKED}\n{own}"
    assert ssl.create_default_context(cafile=str(file)).cert_store_stats()["x509_ca"] == 1
    image = lab.client("ecr").batch_get_image(repositoryName="web", imageIds=[{"imageTag": "1"}])[
        "images"
    ][0]
    for packed in json.loads(image["imageManifest"])["layers"]:
        _, _, blob = web.registry.call("GET", f"/v2/web/blobs/{packed['digest']}")
        assert f"sha256:{hashlib.sha256(blob).hexdigest()}" == packed["digest"]


def test_an_image_without_a_bundle_gets_none(root: Path, authority: Path) -> None:
    unpack(root, layer(("etc/ssl", None)))
    trust(root, authority)
    assert [path.name for path in root.rglob("*")] == ["etc", "ssl"]


def test_mode_and_owner_stay(root: Path, authority: Path) -> None:
    settings = {"mode": 0o440, "size": 0, "uid": os.getuid(), "gid": os.getgid()}
    unpack(root, layer((NAME, settings)))
    if os.geteuid() == 0:
        os.chown(root / NAME, 4711, 4712)
    before = (root / NAME).stat()
    trust(root, authority)
    after = (root / NAME).stat()
    assert (root / NAME).read_text() == "\nthe lab's\n"
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


@pytest.mark.parametrize("target", ["/outside/kept", "../../../../../../outside/kept"])
def test_a_link_that_leads_out_is_not_followed(root: Path, authority: Path, target: str) -> None:
    outside = root.parent / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    absolute = target if target.startswith(".") else str(outside / "kept")
    unpack(root, layer((NAME, symlink(absolute))))
    trust(root, authority)
    assert (outside / "kept").read_text() == "kept"
    assert os.readlink(root / NAME) == absolute


def test_a_link_within_the_image_is(root: Path, authority: Path) -> None:
    unpack(root, layer(("usr/rds.pem", PACKED), (NAME, symlink("/usr/rds.pem"))))
    trust(root, authority)
    assert (root / "usr/rds.pem").read_text() == f"{PACKED}\nthe lab's\n"
    assert (root / NAME).is_symlink()


def test_another_name_of_the_file_stays_as_it_was(root: Path, authority: Path) -> None:
    unpack(root, layer(("usr/rds.pem", PACKED), (NAME, hard_link("usr/rds.pem"))))
    trust(root, authority)
    assert (root / "usr/rds.pem").read_text() == PACKED
    assert (root / NAME).read_text() == f"{PACKED}\nthe lab's\n"


def test_links_in_a_circle_are_left_alone(root: Path, authority: Path) -> None:
    unpack(root, layer((NAME, symlink(BUNDLE))))
    trust(root, authority)
    assert os.readlink(root / NAME) == BUNDLE
