"""Layers that try to leave their root, and those of real images, which only look as if they did."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from conftest import RunningLab, until
from image import content
from test_services import Web

from lab.running.images import pull
from lab.running.images.layers import unpack_layer

Member = tuple[str, Any]


def layer(*members: Member) -> tarfile.TarFile:
    """An archive: a name with a text is a file, with None a folder, with settings anything."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.uid, entry.gid, entry.mode = os.getuid(), os.getgid(), 0o755
            if content is None:
                entry.type = tarfile.DIRTYPE
            elif isinstance(content, str):
                entry.size = len(content)
            else:
                for key, value in content.items():
                    setattr(entry, key, value)
            text = io.BytesIO(content.encode()) if isinstance(content, str) else None
            archive.addfile(entry, text)
    packed.seek(0)
    return tarfile.open(fileobj=packed)


def symlink(target: str) -> dict[str, Any]:
    """The settings of a symbolic link."""
    return {"type": tarfile.SYMTYPE, "linkname": target}


def hard_link(target: str) -> dict[str, Any]:
    """The settings of a hard link."""
    return {"type": tarfile.LNKTYPE, "linkname": target}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the root with a file in it, which nothing may touch."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "kept").write_text("kept")
    return folder


@pytest.fixture
def root(tmp_path: Path, outside: Path) -> Path:
    """An empty root."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def unpack(root: Path, *layers: tarfile.TarFile) -> None:
    """Lays them over each other."""
    for one in layers:
        unpack_layer(one, root)


ABOVE = "../../../../../../../../../.."


@pytest.mark.parametrize("way", ["absolute", "relative"])
def test_a_file_through_a_link_of_an_earlier_layer_stays_inside(
    root: Path, outside: Path, way: str
) -> None:
    target = str(outside) if way == "absolute" else f"..{os.sep}outside"
    unpack(root, layer(("way", symlink(target))), layer(("way/in", "x"), ("way/kept", "x")))
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (outside / "kept").read_text() == "kept"
    inside = str(outside) if way == "absolute" else "/outside"
    assert (root / inside.lstrip("/") / "in").read_text() == "x"


def test_links_through_links_and_in_one_layer_stay_inside(root: Path, outside: Path) -> None:
    unpack(
        root,
        layer(
            ("a", symlink("b/c")),
            ("b", symlink(ABOVE)),
            ("c", symlink(f"{ABOVE}{outside}")),
            ("a/in", "x"),
            ("b/in", "x"),
            (f"c/{'in'}", "x"),
            ("c/deep/er/in", "x"),
        ),
    )
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert sorted(path.name for path in root.parent.iterdir()) == ["outside", "root"]


def test_names_that_climb_stay_inside(root: Path, outside: Path) -> None:
    unpack(
        root, layer((f"{ABOVE}{outside}/in", "x"), ("a/../../b", "x"), ("/c", "x"), ("..", None))
    )
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (root / "b").read_text() == (root / "c").read_text() == "x"


@pytest.mark.parametrize(
    "name", ["way/.wh.kept", "way/.wh..wh..opq", ".wh...", "way/.wh...", ".wh..", ".wh."]
)
def test_whiteouts_delete_nothing_outside(root: Path, outside: Path, name: str) -> None:
    try:
        unpack(root, layer(("way", symlink(str(outside)))), layer((name, "")))
    except OSError as error:
        assert "not a whiteout" in str(error)
    assert (outside / "kept").read_text() == "kept"
    assert (root / "way").is_symlink()


def test_a_hard_link_reaches_nothing_outside(root: Path, outside: Path) -> None:
    kept = outside / "kept"
    for target in (str(kept), f"{ABOVE}{kept}", "way/kept"):
        with pytest.raises(FileNotFoundError):
            unpack(root, layer(("way", symlink(str(outside))), ("in", hard_link(target))))
    assert kept.stat().st_nlink == 1


def test_devices_are_left_out_and_no_program_gets_more_rights(root: Path) -> None:
    members = {
        name: {"type": kind, "devmajor": 1, "devminor": 3}
        for name, kind in (
            ("disk", tarfile.BLKTYPE),
            ("tty", tarfile.CHRTYPE),
            ("pipe", tarfile.FIFOTYPE),
        )
    }
    unpack(root, layer(*members.items(), ("su", {"mode": 0o6755}), ("tmp", None)))
    assert sorted(path.name for path in root.iterdir()) == ["su", "tmp"]
    assert (root / "su").stat().st_mode & 0o7777 == 0o755


def test_the_data_filter_has_the_last_look(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(
        "lab.running.images.layers.data_filter", lambda member, _: seen.append(member.name)
    )
    unpack(root, layer(("lib", symlink("usr/lib")), ("usr/lib", None)), layer(("lib/a", "x")))
    assert seen == ["usr/lib", "usr/lib/a"]


def test_a_real_images_links_lead_where_they_lead_in_a_container(root: Path) -> None:
    unpack(
        root,
        layer(
            ("./", None),
            ("./usr/bin", None),
            ("./usr/lib", None),
            ("./bin", symlink("usr/bin")),
            ("./lib", symlink("/usr/lib")),
            ("./usr/bin/busybox", "program"),
            ("./usr/bin/sh", hard_link("./usr/bin/busybox")),
            ("./etc/mtab", symlink("/proc/mounts")),
            ("./tmp", {"type": tarfile.DIRTYPE, "mode": 0o1777}),
            ("./var/run", symlink("../../../run")),
        ),
        layer(
            ("bin/app", "new"),
            ("lib/app.so", "new"),
            ("var/run/app.pid", "1"),
            ("bin/sh2", symlink("sh")),
        ),
    )
    assert (root / "bin").is_symlink()
    assert (root / "usr/bin/app").read_text() == (root / "usr/lib/app.so").read_text() == "new"
    assert (root / "usr/bin/sh").samefile(root / "usr/bin/busybox")
    assert os.readlink(root / "etc/mtab") == "/proc/mounts"
    assert (root / "run/app.pid").exists()
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777


def test_layers_replace_remove_and_hide(root: Path) -> None:
    unpack(
        root,
        layer(
            ("a", "1"), ("b", "1"), ("d/x", "1"), ("d/y", "1"), ("e/x", "1"), ("link", symlink("a"))
        ),
        layer((".wh.a", ""), ("b", "2"), ("d/new", "2"), ("d/.wh..wh..opq", ""), ("e/.wh.x", "")),
        layer(("link", "3"), (".wh.gone", "")),
    )
    assert sorted(str(path.relative_to(root)) for path in root.rglob("*")) == [
        "b",
        "d",
        "d/new",
        "e",
        "link",
    ]
    assert (root / "b").read_text() == "2"
    assert (root / "link").read_text() == "3"


def test_what_fargate_adds_stays_inside(root: Path, outside: Path, tmp_path: Path) -> None:
    place, linked = tmp_path / "image", tmp_path / "linked"
    (outside / "hosts").write_text("kept")
    folders = layer(("etc", symlink(str(outside))), ("dev", symlink(str(outside))))
    files = layer(("etc/hosts", symlink(str(outside / "hosts"))))
    for archive, target in ((folders, place), (files, linked)):
        packed = tmp_path / f"{target.name}.tar"
        packed.write_bytes(content(archive))
        pull.unpack(pull.Image("web", "", [packed]), target)
    assert sorted(path.name for path in outside.iterdir()) == ["hosts", "kept"]
    assert (outside / "hosts").read_text() == "kept"
    assert not (linked / "etc/hosts").is_symlink()


def test_a_layer_that_cannot_be_unpacked_stops_its_task(lab: RunningLab) -> None:
    web = Web(lab)
    web.registry.push("web", "1", layers=[layer((".wh...", ""))])
    web.create(web.definition())
    reason = until(web.stopped, "a stopped task")[0]["stoppedReason"]
    assert reason.startswith("CannotPullContainerError: failed to extract")


def test_a_container_and_a_blob_are_no_paths(lab: RunningLab) -> None:
    web = Web(lab)
    with pytest.raises(web.ecs.exceptions.ClientException):
        web.definition(name="../../x")
    web.registry.push("web", "1")
    ecr = lab.client("ecr")
    manifest = ecr.batch_get_image(repositoryName="web", imageIds=[{"imageTag": "1"}])["images"][0][
        "imageManifest"
    ].replace('"layers": [{', '"layers": [{"digest": "sha256:../../../../etc/passwd"}, {')
    assert "passwd" in manifest
    ecr.put_image(repositoryName="web", imageManifest=manifest, imageTag="2")
    web.create(web.definition(tag="2"))
    reason = until(web.stopped, "a stopped task")[0]["stoppedReason"]
    assert "passwd is not a digest" in reason
