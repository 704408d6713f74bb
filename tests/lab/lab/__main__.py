"""Starts the lab: `python -m lab --port 0 --scale 0 --profile instant`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import warnings
from pathlib import Path

from lab.aws.common.light import lighten
from lab.world.lab import Lab, Options
from lab.world.strict import PARTS, parts_of


def main() -> None:
    """Serves until it is told to stop."""
    options = arguments()
    settings()
    lighten()
    lab = Lab(options)

    from lab.aws import overlay
    from lab.aws.api import Aws
    from lab.control import Control
    from lab.http.server import Server
    from lab.running.authority import Authority
    from lab.running.images.registry import Registry
    from lab.running.sessions.roster import Sessions

    try:
        secure = Authority(lab).secure
        parts = (Aws(lab), Registry(lab), Control(lab), Sessions(lab))
        server = Server(options.port, *parts, secure)
    except OSError as error:
        lab.stop()
        sys.exit(f"lab: cannot listen on 127.0.0.1:{options.port}: {error.strerror}")
    lab.port = server.port
    lab.addresses.settle(lab.port)
    overlay.install(lab)

    def finish(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, finish)
    announce(lab)
    try:
        server.serve_forever(poll_interval=0.05)
    finally:
        lab.stop()
        os._exit(0)


def arguments() -> Options:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="lab", description="A local AWS on loopback.")
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free one")
    parser.add_argument("--scale", type=float, default=0.0, help="of AWS's durations; 0 is at once")
    parser.add_argument("--profile", choices=("instant", "strict"), default="instant")
    parser.add_argument(
        "--strict",
        metavar="PARTS",
        help=f"parts of the strict profile, between commas, or all or none: {', '.join(PARTS)}",
    )
    parser.add_argument(
        "--hollow", action="store_true", help="nothing runs: tasks and servers are states alone"
    )
    parser.add_argument(
        "--without",
        metavar="ATTRIBUTE",
        action="append",
        default=[],
        help="an attribute of load balancers or target groups that the partition does not have",
    )
    parser.add_argument(
        "--hostile", type=int, metavar="SEED", help="strict, and calls fail as the seed draws it"
    )
    parser.add_argument("--ready-file", type=Path, help="gets the address once the lab listens")
    parser.add_argument("--data", type=Path, help="kept; by default a folder removed at the end")
    given = vars(parser.parse_args())
    given["without"] = frozenset(given["without"])
    parts = given.pop("strict") or {"strict": "all", "instant": "none"}[given["profile"]]
    try:
        return Options(**given, strict=parts_of(parts))
    except ValueError as error:
        parser.error(str(error))


def settings() -> None:
    """Tells moto and boto where they are; the machine's own AWS settings do not count."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    os.environ["MOTO_DISABLE_GLOBAL_CORS"] = "true"
    warnings.filterwarnings("ignore", module="moto")


def announce(lab: Lab) -> None:
    """Says where the lab is, to people and to scripts."""
    target = lab.options.ready_file
    if target is not None:
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        draft.write_text(f"{lab.endpoint}\n")
        draft.replace(target)
    print(f"lab ready {lab.endpoint}", flush=True)


if __name__ == "__main__":
    main()
