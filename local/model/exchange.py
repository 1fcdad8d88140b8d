"""One HTTP exchange: writes the answer, watches the client, keeps the record."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from typing import Any

from starlette.types import Receive, Send

from local.model.converse import EventWriter
from local.model.errors import BedrockError
from local.model.eventstream import CONTENT_TYPE, encode_exception
from local.model.pieces import Finish, Piece, Text
from local.model.request_log import KEPT_TEXT, Record


class ClientGone(Exception):
    """The client closed the connection before the answer was complete."""


class Exchange:
    """The way back to the client of one request."""

    def __init__(self, receive: Receive, send: Send, record: Record, since: float) -> None:
        """Answer a request that arrived at ``since`` on the monotonic clock."""
        self.record = record
        self.started = False
        self._complete = False
        self._receive = receive
        self._send = send
        self._since = since

    def elapsed_ms(self) -> int:
        """Milliseconds since the request arrived."""
        return round((time.monotonic() - self._since) * 1000)

    async def unless_gone(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work, but stop it as soon as the client is gone.

        Raises:
            ClientGone: If the client left before the answer was complete.
        """
        task = asyncio.ensure_future(work)
        watch = asyncio.ensure_future(self._until_gone())
        try:
            await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() and not self._complete:
                raise ClientGone
            await task
        finally:
            task.cancel()
            watch.cancel()
            await asyncio.gather(task, watch, return_exceptions=True)

    async def noted(self, pieces: AsyncGenerator[Piece], writer: EventWriter) -> AsyncGenerator[Piece]:
        """Pass the pieces on, and keep of them what the record tells."""
        async with aclosing(pieces):
            async for piece in pieces:
                self._note(piece, writer)
                yield piece

    def _note(self, piece: Piece, writer: EventWriter) -> None:
        if self.record.first_token_ms is None:
            self.record.first_token_ms = self.elapsed_ms()
        if isinstance(piece, Text):
            self.record.text = (self.record.text + piece.text)[:KEPT_TEXT]
        elif isinstance(piece, Finish):
            self.record.stop_reason = piece.stop_reason
            writer.latency_ms = self.elapsed_ms()

    async def start(self, status: int, content_type: str, headers: Mapping[str, str] | None = None) -> None:
        """Send the status line and the headers, which is possible once."""
        self.started = True
        fields = {
            "content-type": content_type,
            "x-amzn-requestid": self.record.request_id,
            **(headers or {}),
        }
        raw = [(name.encode(), value.encode()) for name, value in fields.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})

    async def write(self, chunk: bytes) -> None:
        """Send bytes of a stream, after its headers if they are not out yet."""
        if not self.started:
            await self.start(200, CONTENT_TYPE)
        self.record.sent_bytes += len(chunk)
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def end(self) -> None:
        """Complete the stream."""
        if not self.started:
            await self.start(200, CONTENT_TYPE)
        self._complete = True
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def json(self, status: int, doc: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        """Answer with one JSON object."""
        body = json.dumps(doc).encode()
        self.record.sent_bytes += len(body)
        await self.start(status, "application/json", {"content-length": str(len(body)), **(headers or {})})
        self._complete = True
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def tell(self, error: BedrockError) -> None:
        """Tell an error: as an answer of its own while nothing was sent, else as the stream's last message."""
        if self.started:
            await self.write(encode_exception(error.event_name, error.body()))
            await self.end()
        else:
            await self.json(error.status, error.body(), {"x-amzn-errortype": error.name})

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
