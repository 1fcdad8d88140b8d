"""uvicorn's protocols with what a gateway must know besides: header case, frame sizes, the socket's buffer."""

from asyncio import BaseTransport
from typing import Any, Final, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

MAX_FRAME_BYTES: Final = 32 * 1024
MAX_MESSAGE_BYTES: Final = 128 * 1024
EXTENSION: Final = "ringfold"


class RelayProtocol(WebSocketsSansIOProtocol):
    """A WebSocket as API Gateway keeps it: a frame above 32 KB ends it with 1009."""

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=2 * MAX_MESSAGE_BYTES)  # sends never wait; posts are refused first

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        scope = getattr(self, "scope", None)
        if scope is not None:
            extensions = cast(dict[str, Any], scope["extensions"])
            extensions[EXTENSION] = self
            scope["headers"] = [(name.lower(), value) for name, value in scope["headers"]]

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # uvicorn would call a refusal an unfinished handshake

    @property
    def sent_headers(self) -> list[tuple[str, str]]:
        """The handshake's headers in the sender's case; ASGI's are in lower case."""
        return list(self.request.headers.raw_items())

    @property
    def buffered_bytes(self) -> int:
        """What the other side has not taken yet."""
        return int(self.transport.get_write_buffer_size())

    def handle_text(self, event: Frame) -> None:
        if not self._too_big(event):
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        if not self._too_big(event):
            super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        if not self._too_big(event):
            super().handle_cont(event)

    def _too_big(self, frame: Frame) -> bool:
        if self.close_sent:
            return True
        if len(frame.data) <= MAX_FRAME_BYTES:
            return False
        self.conn.send_close(1009, "frame above 32 KB")
        self.handle_parser_exception()
        return True


class GatewayHttpProtocol(HttpToolsProtocol):
    """HTTP that hands a handshake on in the sender's words, and that the application can break off."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._sent_headers: list[tuple[bytes, bytes]] = []
        scope = cast(dict[str, Any], self.scope)
        scope["extensions"] = {**(scope.get("extensions") or {}), EXTENSION: self}

    def on_header(self, name: bytes, value: bytes) -> None:
        self._sent_headers.append((name, value))
        super().on_header(name, value)

    def handle_websocket_upgrade(self) -> None:
        self.scope["headers"] = self._sent_headers  # uvicorn writes the handshake anew from these
        super().handle_websocket_upgrade()

    def break_off(self) -> None:
        """Reset the connection without an answer."""
        self.transport.abort()
