#!/usr/bin/env python3
"""Passes connections on to a port of loopback.

`forward.py ADDRESS PORT TARGET` prints `ADDRESS:PORT` and serves until it is stopped.

A container action has a network of its own, and the stand-in for Xray listens on loopback only. On the address of the
engine's bridge this lets the container reach it. Knows nothing of what is said.
"""

from __future__ import annotations

import asyncio
import sys


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy until the source ends, then end the target."""
    try:
        while piece := await source.read(65536):
            target.write(piece)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()
    except ConnectionError:
        target.close()


async def serve(address: str, port: int, target: int) -> None:
    """Listen, and join each connection with one to the target."""

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
        for end in (writer, inner_writer):
            end.close()

    async with await asyncio.start_server(join, address, port) as server:
        host, bound = server.sockets[0].getsockname()[:2]
        sys.stdout.write(f"{host}:{bound}\n")
        sys.stdout.flush()
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
