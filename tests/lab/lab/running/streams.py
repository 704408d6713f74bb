"""What one connection says, copied to another as it comes."""

from __future__ import annotations

import asyncio

PIECE = 64 * 1024
Side = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def copy_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copies until the other side closes."""
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()


async def carry(
    client: Side, place: tuple[str, int], first: bytes = b"", source: str | None = None
) -> None:
    """Connects to a place, from an address of this machine's if one is named, and copies both ways.

    What was read of the client already goes first.
    """
    server = await asyncio.open_connection(*place, local_addr=source and (source, 0))
    server[1].write(first)
    await copy_both_ways(client, server)
    server[1].close()


async def copy_both_ways(one: Side, other: Side) -> None:
    """Copies what each side says to the other until one of them closes."""
    ways = [copy_all(one[0], other[1]), copy_all(other[0], one[1])]
    running = [asyncio.ensure_future(way) for way in ways]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    for way in running:
        way.cancel()
