"""A model of exact pace on Bedrock's wire, which writes down when it was asked and when its first token left."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field

from local.model.eventstream import encode_event

MARK = re.compile(rb"mark-[0-9a-f]+")
WORDS = tuple(
    """Your flight to Seattle is delayed by two hours and now leaves at a quarter to four from gate twelve, so there is
    plenty of time for lunch before boarding starts. Your seat is still fourteen on the aisle, your bag goes all the
    way through, and the lounge is open until six. Would you like me to look for an earlier one today?""".split()  # noqa: SIM905
)


@dataclass
class Asked:
    """One request: when it arrived, and when its first token left (``perf_counter`` seconds).

    ``mark`` is the last ``mark-…`` word in it, by which a peer knows its own.
    """

    at: float
    mark: str = ""
    first_at: float = 0.0


@dataclass
class BenchModel:
    """The model server.

    Attributes:
        first_ms: From the request to the first token.
        token_ms: From one token to the next.
        tokens: How many.
    """

    first_ms: float = 50
    token_ms: float = 10
    tokens: int = 60
    asked: list[Asked] = field(default_factory=list)
    cancelled: int = 0
    server: asyncio.Server | None = None
    port: int = 0

    async def start(self) -> None:
        """Listen on loopback."""
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more, and end what is open."""
        if self.server is not None:
            self.server.close()
            if hasattr(self.server, "close_clients"):  # Python 3.13
                self.server.close_clients()
            await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lengths = [
                    line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
                ]
                body = await reader.readexactly(int(lengths[0]) if lengths else 0)
                if head.startswith(b"HEAD"):
                    writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
                    continue
                await self._stream(writer, body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _stream(self, writer: asyncio.StreamWriter, body: bytes) -> None:
        marks = MARK.findall(body)
        asked = Asked(time.perf_counter(), marks[-1].decode() if marks else "")
        self.asked.append(asked)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        begin = asyncio.get_running_loop().time() + self.first_ms / 1000
        _chunk(writer, encode_event("messageStart", {"role": "assistant"}))
        for i in range(self.tokens):
            await asyncio.sleep(begin + i * self.token_ms / 1000 - asyncio.get_running_loop().time())
            word = WORDS[i % len(WORDS)]
            token = word if i == 0 else " " + word
            if i == 0:
                asked.first_at = time.perf_counter()
            try:
                _chunk(writer, encode_event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": token}}))
                if self.token_ms:
                    await writer.drain()
            except ConnectionError:
                self.cancelled += 1
                raise
        _chunk(writer, encode_event("contentBlockStop", {"contentBlockIndex": 0}))
        _chunk(writer, encode_event("messageStop", {"stopReason": "end_turn"}))
        usage = {"inputTokens": 500, "outputTokens": self.tokens, "totalTokens": 500 + self.tokens}
        _chunk(writer, encode_event("metadata", {"usage": usage, "metrics": {"latencyMs": 1}}))
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
