"""Load balancers that listen: HTTP on loopback, by the listener's rules, and connections and datagrams
as they come, to healthy targets.

A load balancer gets a loopback address of its own, which is its DNS name, and its listeners
are bound there. Where low ports may not be bound, its DNS name is `127.0.0.1:PORT` with a
free port, which serves its first listener.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from lab.running.balancers.certificates import Encryption
from lab.running.balancers.flows import Datagrams, connect
from lab.running.balancers.http1 import Exchange
from lab.running.balancers.http2 import Http2
from lab.running.balancers.way import Way, all_balancers

if TYPE_CHECKING:
    import ssl

    from moto.elbv2.models import FakeListener, FakeLoadBalancer

    from lab.running.balancers.targets import Targets
    from lab.world.lab import Lab

SERVED = ("HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP")
ENCRYPTED = ("HTTPS", "TLS")


class Opening(NamedTuple):
    """Where a listener listens, and what it speaks."""

    host: str
    port: int
    protocol: str

    @property
    def has_datagrams(self) -> bool:
        """Whether datagrams are taken."""
        return "UDP" in self.protocol

    @property
    def has_connections(self) -> bool:
        """Whether connections are."""
        return self.protocol != "UDP"


Server = asyncio.Server | asyncio.BaseTransport


class Balancers:
    """All listening sockets, served by one event loop in one thread."""

    def __init__(self, lab: Lab, targets: Targets) -> None:
        self._lab = lab
        self._way = Way(targets)
        self._encryption = Encryption(lab)
        self._loop = asyncio.new_event_loop()
        self._open: dict[str, tuple[Opening, list[Server]]] = {}
        self._addresses: dict[str, str] = {}
        self._reserved: dict[str, socket.socket] = {}
        self._low_ports: bool | None = None
        self.traffic = self._way.traffic
        lab.resets.append(self._reset)
        lab.resets.append(lambda: self.traffic.take().clear())
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
            for balancer in all_balancers()
            if balancer.state == "active"
            for listener in balancer.listeners.values()
            if (place := self._place(balancer, listener))
        }
        for arn in [arn for arn in self._open if wanted.get(arn) != self._open[arn][0]]:
            self._close(arn)
        for arn, place in wanted.items():
            if arn not in self._open:
                self._listen(arn, place)
        present = {balancer.arn for balancer in all_balancers()}
        for arn in [arn for arn in self._addresses if arn not in present]:
            self._lab.addresses.give_back(self._addresses.pop(arn))
        for arn in [arn for arn in self._reserved if arn not in present]:
            self._reserved.pop(arn).close()

    def _place(self, balancer: FakeLoadBalancer, listener: FakeListener) -> Opening | None:
        if listener.protocol not in SERVED:
            return None
        if balancer.arn in self._addresses:
            return Opening(self._addresses[balancer.arn], int(listener.port), listener.protocol)
        first = next(o for o in balancer.listeners.values() if o.protocol in SERVED)
        if first is not listener or ":" not in balancer.dns_name:
            return None
        host, port = balancer.dns_name.split(":")
        return Opening(host, int(port), listener.protocol)

    def _context(self, arn: str) -> ssl.SSLContext:
        def certificates() -> list[str]:
            current = self._way.listener(arn)
            return [str(name) for name in current.certificates] if current else []

        return self._encryption.context(certificates)

    def _listen(self, arn: str, place: Opening) -> None:
        for reserved in self._reserved.values():
            if reserved.fileno() >= 0 and reserved.getsockname() == place[:2]:
                reserved.close()
                break

        context = self._context(arn) if place.protocol in ENCRYPTED else None
        is_http = place.protocol in ("HTTP", "HTTPS")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if not is_http:
                return await connect(self._way, arn, reader, writer)
            spoken = writer.get_extra_info("ssl_object")
            kind = Http2 if spoken and spoken.selected_alpn_protocol() == "h2" else Exchange
            await kind(self._way, arn, reader, writer).serve()

        async def start() -> list[Server]:
            servers: list[Server] = []
            if place.has_connections:
                server = await asyncio.start_server(
                    serve, place.host, place.port, backlog=512, reuse_address=True, ssl=context
                )
                servers.append(server)
            if place.has_datagrams:
                transport, _ = await self._loop.create_datagram_endpoint(
                    lambda: Datagrams(self._way, arn, self._loop), (place.host, place.port)
                )
                servers.append(transport)
            return servers

        try:
            servers = asyncio.run_coroutine_threadsafe(start(), self._loop).result(5)
        except OSError as error:
            print(f"lab: cannot listen on {place.host}:{place.port}: {error.strerror}", flush=True)
            servers = []
        self._open[arn] = (place, servers)

    def _close(self, arn: str) -> None:
        _, servers = self._open.pop(arn)
        for server in servers:
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
