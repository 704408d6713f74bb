"""The certificates of RDS's authorities in an image, to which the lab's own is added.

A task trusts its databases by that file. The lab's are signed by the lab, in AWS's place.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from lab.running.images.layers import beneath

BUNDLE = "/etc/ssl/certs/rds-global-bundle.pem"


def trust(root: Path, authority: Path) -> None:
    """Adds an authority to the bundle of an unpacked image, if it has one.

    The file is written anew, so that no other name of it in the image changes with it.
    """
    place = within(root)
    if not place.is_file():
        return
    own, text = place.stat(), place.read_bytes()
    place.unlink()
    place.write_bytes(text + b"\n" + authority.read_bytes())
    place.chmod(stat.S_IMODE(own.st_mode))
    if os.geteuid() == 0:
        os.chown(place, own.st_uid, own.st_gid)


def within(root: Path) -> Path:
    """Where the bundle lies for who is not locked into the root."""
    try:
        return beneath(root, BUNDLE)
    except OSError:
        # A circle of links, which leads to no file.
        return root / BUNDLE.lstrip("/")
