"""Load balancers that listen: HTTP/1.1 on loopback, by the listener's rules, to healthy targets.

A load balancer gets a loopback address of its own, which is its DNS name, and its listeners
are bound there. Where low ports may not be bound, its DNS name is `127.0.0.1:PORT` with a
free port, which serves its first HTTP listener.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

from lab.proxy import Exchange
from lab.targets import Targets

if TYPE_CHECKING:
    from moto.elbv2.models import FakeListener, FakeLoadBalancer

    from lab.world import Lab


class Balancers:
    """All listening sockets, served by one event loop in one thread."""

    def __init__(self, lab: Lab, targets: Targets) -> None:
        self._lab = lab
        self.targets = targets
        self._loop = asyncio.new_event_loop()
        self._open: dict[str, tuple[tuple[str, int], asyncio.Server | None]] = {}
        self._addresses: dict[str, str] = {}
        self._reserved: dict[str, socket.socket] = {}
        self._low_ports: bool | None = None
        lab.resets.append(self._reset)
        lab.parts["balancers"] = self
        threading.Thread(target=self._loop.run_forever, name="balancers", daemon=True).start()

    def describe(self) -> dict[str, Any]:
        """For `GET /_lab`."""
        return {"low-ports": self.low_ports, "listening": [list(k) for k, _ in self._open.values()]}

    @property
    def low_ports(self) -> bool:
        """Whether port 80 can be bound on the lab's own loopback addresses."""
        if self._low_ports is None:
            address = self._lab.addresses.take()
            try:
                with socket.socket() as probe:
                    probe.bind((address, 80))
                self._low_ports = True
            except OSError:
                self._low_ports = False
            self._lab.addresses.give_back(address)
        return self._low_ports

    def name(self, arn: str) -> str:
        """The DNS name of a new load balancer."""
        if self.low_ports:
            self._addresses[arn] = self._lab.addresses.take()
            return self._addresses[arn]
        reserved = socket.socket()
        reserved.bind(("127.0.0.1", 0))
        self._reserved[arn] = reserved
        return f"127.0.0.1:{reserved.getsockname()[1]}"

    def sync(self) -> None:
        """Opens and closes sockets so that they are those of the active load balancers."""
        wanted = {
            listener.arn: place
            for balancer in self._balancers()
            if balancer.state == "active"
            for listener in balancer.listeners.values()
            if (place := self._place(balancer, listener))
        }
        for arn in [arn for arn in self._open if wanted.get(arn) != self._open[arn][0]]:
            self._close(arn)
        for arn, place in wanted.items():
            if arn not in self._open:
                self._listen(arn, place)
        present = {balancer.arn for balancer in self._balancers()}
        for arn in [arn for arn in self._addresses if arn not in present]:
            self._lab.addresses.give_back(self._addresses.pop(arn))
        for arn in [arn for arn in self._reserved if arn not in present]:
            self._reserved.pop(arn).close()

    def listener(self, arn: str) -> FakeListener | None:
        """The listener behind a socket."""
        for balancer in self._balancers():
            if arn in balancer.listeners:
                return balancer.listeners[arn]
        return None

    def loopback(self, target: str) -> str:
        """Where a target really is."""
        address: str = self._lab.parts["tasks"].loopback(target)
        return address

    @staticmethod
    def _balancers() -> list[FakeLoadBalancer]:
        from moto.elbv2.models import elbv2_backends

        return [
            balancer
            for account in list(elbv2_backends.values())
            for backend in list(account.values())
            for balancer in list(backend.load_balancers.values())
        ]

    def _place(self, balancer: FakeLoadBalancer, listener: FakeListener) -> tuple[str, int] | None:
        if listener.protocol != "HTTP":
            return None
        if balancer.arn in self._addresses:
            return self._addresses[balancer.arn], int(listener.port)
        first = next(o for o in balancer.listeners.values() if o.protocol == "HTTP")
        if first is not listener or ":" not in balancer.dns_name:
            return None
        host, port = balancer.dns_name.split(":")
        return host, int(port)

    def _listen(self, arn: str, place: tuple[str, int]) -> None:
        for reserved in self._reserved.values():
            if reserved.fileno() >= 0 and reserved.getsockname() == place:
                reserved.close()
                break

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await Exchange(self, arn, reader, writer).serve()

        async def start() -> asyncio.Server:
            return await asyncio.start_server(serve, *place, backlog=512, reuse_address=True)

        try:
            server = asyncio.run_coroutine_threadsafe(start(), self._loop).result(5)
        except OSError as error:
            print(f"lab: cannot listen on {place[0]}:{place[1]}: {error.strerror}", flush=True)
            server = None
        self._open[arn] = (place, server)

    def _close(self, arn: str) -> None:
        _, server = self._open.pop(arn)
        if server is not None:
            self._loop.call_soon_threadsafe(server.close)

    def _reset(self) -> None:
        for arn in list(self._open):
            self._close(arn)
        for reserved in self._reserved.values():
            reserved.close()
        for address in self._addresses.values():
            self._lab.addresses.give_back(address)
        self._reserved.clear()
        self._addresses.clear()
