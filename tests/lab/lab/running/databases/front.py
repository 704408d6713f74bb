"""A front that speaks TLS for a PostgreSQL that was built without it.

PostgreSQL documentation, "Message Flow", "SSL Session Encryption": a client that wants to encrypt
asks first, and begins with TLS once it is told `S`; one that asks for GSSAPI is told `N`, and may
go on as it likes. All other clients begin in clear text. The server is left to say who comes in:
it tells the front's encrypted clients by their address, which is its own.
"""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING

from lab.running.reach.gates import Beginning

if TYPE_CHECKING:
    import ssl

    from lab.running.reach.sockets import Place
    from lab.running.streams import Side

REQUEST = struct.Struct("!ii")
WANTS_TLS = REQUEST.pack(REQUEST.size, 80877103)
WANTS_GSS = REQUEST.pack(REQUEST.size, 80877104)
# PostgreSQL's own `authentication_timeout`.
PATIENCE_SECONDS = 60


class Front:
    """What stands before one server."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    async def begin(self, client: Side, inside: Place) -> Beginning:
        """Hears how a client begins, and encrypts if it asks for that."""
        reader, writer = client
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (first := await reader.readexactly(REQUEST.size)) == WANTS_GSS:
                writer.write(b"N")
            if first != WANTS_TLS:
                return Beginning(first)
            writer.write(b"S")
            await writer.start_tls(self._context)
            return Beginning(source=inside[0])
