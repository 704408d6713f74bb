"""Images out of the lab's own registry: found by tag or digest, unpacked into a folder."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.running.images.layers import beneath, unpack_layer
from lab.running.images.registry import Registry
from lab.running.images.repositories import find_image, find_repository

if TYPE_CHECKING:
    from lab.world.lab import Lab
    from lab.world.places import Place

DEVICES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9)}


class CannotPull(Exception):
    """The image is not there; the text is what ECS says after `CannotPullContainerError: `."""


@dataclass
class Image:
    """What a container is started from."""

    reference: str
    digest: str
    layers: list[Path]
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def command(self) -> tuple[list[str], list[str]]:
        """Entry point and arguments as the image has them."""
        return list(self.config.get("Entrypoint") or []), list(self.config.get("Cmd") or [])

    @property
    def environment(self) -> dict[str, str]:
        """Variables the image sets."""
        return dict(pair.partition("=")[::2] for pair in self.config.get("Env") or [])

    @property
    def user(self) -> tuple[int, int]:
        """Numeric user and group; names are not looked up, nobody stands in for them and for root."""
        user, _, group = str(self.config.get("User") or "").partition(":")
        uid = int(user) if user.isdigit() and int(user) else 65534
        return uid, int(group) if group.isdigit() else uid

    @property
    def folder(self) -> str:
        """The working directory."""
        return str(self.config.get("WorkingDir") or "/")


def resolve(lab: Lab, reference: str, place: Place, fixed: str | None = None) -> Image:
    """Finds an image for a task of a place, by its reference or the `fixed` digest there.

    CannotPull when ECS could not.
    """
    registry = lab.part(Registry)
    host, _, path = reference.partition("/")
    name, _, digest = path.partition("@")
    tag = "latest"
    if not digest and ":" in name:
        name, _, tag = name.rpartition(":")
    with lab.lock:
        repository = find_repository(name, place) if host == lab.registry else None
        image = find_image(repository, digest or fixed or tag) if repository else None
    if image is None:
        raise CannotPull(
            "pull image manifest has been retried 1 time(s): failed to resolve ref "
            f"{reference}: {reference}: not found"
        )
    manifest = json.loads(image.image_manifest)
    try:
        config = json.loads(registry.blob(manifest["config"]["digest"]).read_text())
        layers = [registry.blob(layer["digest"]) for layer in manifest["layers"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotPull(f"failed to pull {reference}: {error}") from error
    return Image(reference, image.image_digest, layers, config.get("config") or {})


def unpack(image: Image, root: Path) -> None:
    """Unpacks all layers, lower ones first, and adds what Fargate puts into every container."""
    root.mkdir(parents=True)
    try:
        for layer in image.layers:
            with tarfile.open(layer) as archive:
                unpack_layer(archive, root)
        _add_network_files(root)
        if os.geteuid() == 0:
            _add_devices(root)
    except (OSError, tarfile.TarError) as error:
        raise CannotPull(f"failed to extract {image.reference}: {error}") from error


def _add_network_files(root: Path) -> None:
    folder = beneath(root, "etc")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("resolv.conf", "hosts"):
        place = folder / name
        if place.is_symlink():
            place.unlink()
        if not place.exists() and Path("/etc", name).exists():
            shutil.copy(Path("/etc", name), place)


def _add_devices(root: Path) -> None:
    folder = beneath(root, "dev")
    folder.mkdir(parents=True, exist_ok=True)
    for name, (major, minor) in DEVICES.items():
        _make_device(folder / name, os.makedev(major, minor))


def _make_device(path: Path, device: int) -> None:
    if not os.path.lexists(path):
        try:
            os.mknod(path, stat.S_IFCHR | 0o666, device)
            path.chmod(0o666)
        except OSError:
            path.touch()
