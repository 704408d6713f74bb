"""The way of a request: the listener it came to, the target it goes to, a connection there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lab.running.balancers.certificates import unverified
from lab.running.balancers.traffic import Traffic

if TYPE_CHECKING:
    from moto.elbv2.models import FakeListener, FakeLoadBalancer

    from lab.running.balancers.targets import Target, Targets

CONNECT_SECONDS = 5


class Way:
    """What a connection of any listener asks."""

    def __init__(self, targets: Targets) -> None:
        self.targets = targets
        self.traffic = Traffic()

    def listener(self, arn: str) -> FakeListener | None:
        """The listener behind a socket."""
        for balancer in all_balancers():
            if arn in balancer.listeners:
                return balancer.listeners[arn]
        return None

    async def connect(self, target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Opens a connection to a target, where it really is and as its group speaks."""
        # On AWS the packets are dropped, and the load balancer gives up after ten seconds.
        if not self.targets.is_reached(target):
            raise TimeoutError
        host = self.targets.host(target)
        context = unverified() if self.targets.is_encrypted(target.group) else None
        opening = asyncio.open_connection(host, target.port, ssl=context)
        return await asyncio.wait_for(opening, CONNECT_SECONDS)


def all_balancers() -> list[FakeLoadBalancer]:
    """The load balancers of every place."""
    from moto.elbv2.models import elbv2_backends

    return [
        balancer
        for account in list(elbv2_backends.values())
        for backend in list(account.values())
        for balancer in list(backend.load_balancers.values())
    ]
