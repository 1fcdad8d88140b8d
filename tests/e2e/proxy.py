"""A proxy before an AWS service: it counts what passes, and refuses or delays it when told."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Passed:
    """One request: when it came (``perf_counter``), and its operation."""

    at: float
    operation: str


@dataclass
class Proxy:
    """Forwards HTTP/1.1 requests to one upstream.

    Attributes:
        refuse: Operations that are answered 500 for now.
        slow_s: How long every answer is held back.
    """

    upstream: str
    passed: list[Passed] = field(default_factory=list)
    refuse: frozenset[str] = frozenset()
    slow_s: float = 0.0
    port: int = 0
    server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on loopback."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self.server = server

    async def stop(self) -> None:
        """Listen no more, and end what is open."""
        if self.server is not None:
            self.server.close()
            _close_clients(self.server)
            await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = urlsplit(self.upstream)
        up_reader, up_writer = await asyncio.open_connection(host.hostname, host.port)
        try:
            while True:
                head, body = await _message(reader)
                operation = _header(head, b"x-amz-target").rpartition(".")[2]
                self.passed.append(Passed(time.perf_counter(), operation))
                if operation in self.refuse:
                    answer = b'{"__type":"InternalServerError","message":"refused"}'
                    writer.write(b"HTTP/1.1 500 No\r\ncontent-length: %d\r\n\r\n%s" % (len(answer), answer))
                else:
                    up_writer.write(head + body)
                    back_head, back_body = await _message(up_reader)
                    await asyncio.sleep(self.slow_s)
                    writer.write(back_head + back_body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            up_writer.close()


def _close_clients(server: asyncio.Server) -> None:
    """Python 3.13 can do it by itself; before, the peers' own ends close them."""
    if hasattr(server, "close_clients"):
        server.close_clients()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readuntil(b"\r\n\r\n")
    return head, await reader.readexactly(int(_header(head, b"content-length") or "0"))


def _header(head: bytes, name: bytes) -> str:
    for line in head.split(b"\r\n"):
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip().decode()
    return ""
