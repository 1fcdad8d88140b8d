"""One WebSocket to the application, from Twilio's end: the signed handshake, frames in and out, ways to break."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from local.carrier.manners import HandshakeForm
from local.carrier.signing import sign_handshake

SIGNATURE_HEADERS: Final = ("X-Twilio-Signature", "x-amzn-bedrock-agentcore-runtime-custom-twilio-signature")


class HandshakeError(Exception):
    """The application's WebSocket could not be opened (64102)."""


class Link:
    """An open connection. Sending into a closed one does nothing: Twilio would not know either."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    @staticmethod
    async def open(url: str, auth_token: str, *, form: HandshakeForm = "plain", within_s: float = 10.0) -> Link:
        """Connect as Twilio does.

        Raises:
            HandshakeError: If the application refuses or does not answer.
        """
        signature = sign_handshake(auth_token, url, form)
        try:
            socket = await connect(
                url,
                additional_headers=dict.fromkeys(SIGNATURE_HEADERS, signature),
                user_agent_header="Jetty/11",
                open_timeout=within_s,
                close_timeout=2,
                ping_interval=None,
                compression=None,
                max_size=None,
                proxy=None,
            )
        except (OSError, InvalidHandshake, TimeoutError, ValueError) as exc:
            raise HandshakeError(f"64102: cannot connect to the WebSocket: {type(exc).__name__} {exc}") from exc
        return Link(socket)

    async def send(self, frame: dict[str, Any] | str | bytes) -> bool:
        """Send a frame, or raw bytes by tests that misbehave. False when the connection is gone."""
        raw = json.dumps(frame, ensure_ascii=False) if isinstance(frame, dict) else frame
        try:
            await self._socket.send(raw)
        except ConnectionClosed:
            return False
        return True

    async def frames(self) -> AsyncIterator[str | bytes]:
        """What the application sends, until the connection closes for whatever reason."""
        try:
            async for raw in self._socket:
                yield raw
        except ConnectionClosed:
            return

    async def close(self, code: int = 1000, reason: str = "Closing websocket session") -> None:
        await self._socket.close(code, reason)

    def drop(self) -> None:
        """Break the connection without a word, as a lost network does."""
        self._socket.transport.abort()

    @property
    def closed_as(self) -> tuple[int | None, str]:
        """The close code and reason the application gave, once closed."""
        return self._socket.close_code, self._socket.close_reason or ""

    async def wait_closed(self) -> None:
        await asyncio.wait_for(self._socket.wait_closed(), 5)
