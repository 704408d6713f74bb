"""Layers of an image, laid over each other beneath a root that none of them leaves.

Names in an archive are resolved as a process locked into the root would resolve them: through
the image's own links, absolute ones too, and never further up than the root. Python's data
filter has the last look at each file before it is written.
"""

from __future__ import annotations

import os
import posixpath
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
MOST_LINKS = 40
# Permissions and the sticky bit of shared folders; no program gets more rights than its caller.
KEPT_MODE = 0o1777

Filter = Callable[[tarfile.TarInfo, str], tarfile.TarInfo]
# Python before 3.11.4 lacks it. It refuses what resolving has made impossible already.
data_filter: Filter = getattr(tarfile, "data_filter", lambda member, _: member)


def beneath(root: Path, name: str) -> Path:
    """Where a name leads for a process whose root this is; the end of it may not exist yet."""
    done: list[str] = []
    left = name.split("/")[::-1]
    links = 0
    while left:
        part = left.pop()
        if part == "..":
            done = done[:-1]
        elif part not in ("", "."):
            place = root.joinpath(*done, part)
            if not place.is_symlink():
                done.append(part)
                continue
            links += 1
            if links > MOST_LINKS:
                raise OSError(f"too many levels of symbolic links in {name}")
            target = os.readlink(place)
            done = [] if target.startswith("/") else done
            left += target.split("/")[::-1]
    return root.joinpath(*done)


def entry(root: Path, name: str) -> Path:
    """The place of a name itself: beneath the root, and the link where the name is a link."""
    folder, last = posixpath.split(posixpath.normpath("/" + name))
    return beneath(root, folder) / last if last else root


def unpack_layer(archive: tarfile.TarFile, root: Path) -> None:
    """Lays one layer over what is there: its files replace, its whiteouts remove."""
    archive.extraction_filter = _keep  # An attribute: Python before 3.11.4 knows no argument.
    placed: set[Path] = set()
    for member in archive:
        place = entry(root, member.name)
        if place == root or member.isdev():
            continue
        if place.name == OPAQUE:
            for child in place.parent.iterdir() if place.parent.is_dir() else []:
                if child not in placed:
                    _remove(child)
        elif place.name.startswith(WHITEOUT):
            _remove(_hidden(place))
        else:
            _place(archive, member, root, place)
            placed.add(place)


def _place(archive: tarfile.TarFile, member: tarfile.TarInfo, root: Path, place: Path) -> None:
    """Puts one member where it belongs, in place of whatever is there; folders merge."""
    if place.is_symlink() or not (member.isdir() and place.is_dir()):
        _remove(place)
    place.parent.mkdir(parents=True, exist_ok=True)
    if member.issym():
        place.symlink_to(member.linkname)
        if os.geteuid() == 0:
            os.chown(place, member.uid, member.gid, follow_symlinks=False)
    elif member.islnk():
        os.link(entry(root, member.linkname), place, follow_symlinks=False)
    else:
        member.name = str(place.relative_to(root))
        archive.extract(member, root, numeric_owner=True)


def _keep(member: tarfile.TarInfo, destination: str) -> tarfile.TarInfo:
    """Owner and permissions are the image's, which the data filter would change."""
    data_filter(member, destination)
    member.mode &= KEPT_MODE
    return member


def _hidden(whiteout: Path) -> Path:
    """What a whiteout is for: a neighbour of its own, by name."""
    name = whiteout.name.removeprefix(WHITEOUT)
    if name in ("", ".", ".."):
        raise OSError(f"{whiteout.name} is not a whiteout of anything")
    return whiteout.with_name(name)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
