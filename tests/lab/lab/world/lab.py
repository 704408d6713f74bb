"""The lab itself: its options, its one lock, and the parts that run beside moto."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lab.http.buckets import Buckets
from lab.http.calls import Calls
from lab.http.faults import Faults
from lab.http.hostile import faults
from lab.policies.attached import Policies
from lab.world.addresses import Addresses
from lab.world.clock import Clock
from lab.world.places import Regions
from lab.world.processes import Processes
from lab.world.quotas import Quotas
from lab.world.strict import PARTS, Strict
from lab.world.times import Timers

Part = TypeVar("Part")


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    port: int = 0
    scale: float = 0
    profile: str = "instant"
    strict: frozenset[str] = frozenset()
    ready_file: Path | None = None
    data: Path | None = None
    hollow: bool = False
    without: frozenset[str] = frozenset()
    hostile: int | None = None


class Lab:
    """Everything the overlay and the HTTP side share.

    `lock` is held while a call changes state; slow work (starting a process, pulling an
    image) happens outside it.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lock = threading.RLock()
        self.port = 0
        self._own_data = options.data is None
        if options.data is None:
            self.data = Path(tempfile.mkdtemp(prefix="deployer-lab-"))
        else:
            self.data = options.data.absolute()
            self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o755)
        self.processes = Processes(self.data, remove_data=self._own_data)
        self.clock = Clock()
        self.timers = Timers(self.lock, options.scale, self.guard)
        self.calls = Calls()
        self.faults = Faults()
        self.buckets = Buckets()
        self.policies = Policies()
        self.strict = Strict(options.strict, self.timers)
        self.addresses = Addresses()
        self.regions = Regions()
        self.quotas = Quotas()
        self.session_seconds: float | None = None
        self.resets: list[Callable[[], None]] = []
        self.parts: dict[str, object] = {}
        self.windows: dict[str, Callable[[], list[str]]] = {}
        self.generation = 0
        self._be_hostile_from_the_start()

    @property
    def endpoint(self) -> str:
        """Where the AWS API and the registry answer."""
        return f"http://127.0.0.1:{self.port}"

    def endpoint_for(self, uri: str) -> str:
        """The same for whoever asked this: in TLS if that came in it."""
        if uri.startswith("https:"):
            return self.endpoint.replace("http:", "https:", 1)
        return self.endpoint

    @property
    def registry(self) -> str:
        """The host part of every repository URI."""
        return f"127.0.0.1:{self.port}"

    def part(self, kind: type[Part]) -> Part:
        """The part of a kind that runs beside moto; KeyError before it is there."""
        for part in self.parts.values():
            if isinstance(part, kind):
                return part
        raise KeyError(kind.__name__)

    def guard(self, what: str, action: Callable[[], None]) -> bool:
        """Runs background work; a bug in it is printed and never stops the lab."""
        try:
            action()
            return True
        except Exception:  # noqa: BLE001 - the lab must survive its own mistakes
            print(f"lab: {what} failed\n{traceback.format_exc()}", file=sys.stderr, flush=True)
            return False

    def be_hostile(self, seed: int) -> None:
        """Switches all that AWS does to a client on, and lets calls fail as a seed draws it."""
        self.strict.switch(dict.fromkeys(PARTS, True))
        for rule in faults(seed):
            self.faults.add(rule)

    def _be_hostile_from_the_start(self) -> None:
        if self.options.hostile is not None:
            self.be_hostile(self.options.hostile)

    def reset(self) -> None:
        """Forgets all state and stops all that runs for it."""
        from moto.core.base_backend import BackendDict
        from moto.core.model_instances import reset_model_data

        self.generation += 1
        self.timers.forget()
        self.clock.reset()
        for reset in self.resets:
            reset()
        with self.lock:
            BackendDict.reset()
            reset_model_data()
        self.faults.clear()
        self.buckets.clear()
        self.policies.clear()
        self.strict.reset()
        self.regions.enabled.clear()
        self.quotas.clear()
        self.session_seconds = None
        self.calls.forget()
        self._be_hostile_from_the_start()

    def stop(self) -> None:
        """Ends every child and removes the data directory."""
        for reset in self.resets:
            self.guard("stopping", reset)
        self.processes.stop()
        if self._own_data:
            shutil.rmtree(self.data, ignore_errors=True)
