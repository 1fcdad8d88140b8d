"""The `@connections` API of the local WebSocket API: post to, look at and close a connection."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from local.faults import Faults, PostFault
from local.relay_api import Connection, RelayGateway
from local.traffic import Traffic
from local.wire import EXTENSION, MAX_MESSAGE_BYTES, GatewayHttpProtocol

_ERRORS: Final = {
    "gone": (410, "GoneException", ""),
    "limit": (429, "LimitExceededException", "Too many requests"),
    "too_large": (413, "PayloadTooLargeException", "Message too long"),
    "forbidden": (403, "ForbiddenException", "Forbidden"),
    "error": (500, "InternalServerErrorException", "Internal server error"),
    "unsigned": (403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
    "method": (405, "MethodNotAllowedException", "Method not allowed"),
}
_DEFAULT_HANG_MS: Final = 30_000

Answer = tuple[int, Mapping[str, str], bytes]


class ConnectionsApi:
    """What functions call to reach the caller."""

    def __init__(self, relay: RelayGateway, traffic: Traffic, faults: Faults) -> None:
        self._relay = relay
        self._traffic = traffic
        self._faults = faults

    async def handle(
        self, method: str, connection_id: str, authorization: str, body: bytes, extensions: Mapping[str, Any]
    ) -> Answer | None:
        """Answer one request; None when the connection to the requester was broken off."""
        if not authorization.startswith("AWS4-HMAC-SHA256 "):
            return _error("unsigned")
        connection = self._relay.connections.get(connection_id)
        if method == "POST":
            return await self._post(connection, connection_id, body, extensions)
        if connection is None or connection.state != "open":
            return _error("gone")
        if method == "GET":
            return _describe(connection)
        if method == "DELETE":
            await connection.close(1000, "")
            return 204, {}, b""
        return _error("method")

    async def _post(
        self, connection: Connection | None, connection_id: str, body: bytes, extensions: Mapping[str, Any]
    ) -> Answer | None:
        call_sid = connection.call_sid if connection else None
        if len(body) > MAX_MESSAGE_BYTES:
            return self._refused(call_sid, connection_id, "too_large")
        if connection is None or connection.state != "open":
            if connection is not None and connection.state == "connecting":
                what = "a post before $connect was answered"
                self._traffic.record("violation", what=what, call_sid=call_sid, connection_id=connection_id)
            return self._refused(call_sid, connection_id, "gone")
        fault = self._faults.post_fault(call_sid)
        if fault is not None:
            return await self._harm(fault, connection, body, extensions)
        if connection.protocol.buffered_bytes > self._relay.limits.buffer_bytes:
            return self._refused(call_sid, connection_id, "limit")
        return await self._deliver(connection, body)

    async def _harm(
        self, fault: PostFault, connection: Connection, body: bytes, extensions: Mapping[str, Any]
    ) -> Answer | None:
        if fault.fault in _ERRORS:
            return self._refused(connection.call_sid, connection.id, fault.fault)
        if fault.fault == "slow":
            await asyncio.sleep(fault.ms / 1000)
        answer: Answer = (200, {}, b"") if fault.fault == "reset" else await self._deliver(connection, body)
        if fault.fault == "timeout_delivered":
            await asyncio.sleep((fault.ms or _DEFAULT_HANG_MS) / 1000)
        if not fault.fault.startswith("reset"):
            return answer
        protocol: GatewayHttpProtocol | None = extensions.get(EXTENSION)
        if protocol is not None:
            protocol.break_off()
        return None

    async def _deliver(self, connection: Connection, body: bytes) -> Answer:
        text = body.decode(errors="replace")
        if not await connection.send_text(text):
            return self._refused(connection.call_sid, connection.id, "gone")
        self._traffic.record("frame_out", call_sid=connection.call_sid, connection_id=connection.id, body=text)
        return 200, {}, b""

    def _refused(self, call_sid: str | None, connection_id: str, kind: str) -> Answer:
        status = _ERRORS[kind][0]
        self._traffic.record("post_refused", call_sid=call_sid, connection_id=connection_id, status=status)
        return _error(kind)


def _error(kind: str) -> Answer:
    """An error the way botocore's rest-json parser reads it: the code in a header, the message in the body."""
    status, code, text = _ERRORS[kind]
    body = json.dumps({"message": text}).encode()
    return status, {"x-amzn-errortype": code, "content-type": "application/json"}, body


def _describe(connection: Connection) -> Answer:
    handshake = connection.handshake
    document = {
        "connectedAt": _iso(handshake.connected_ms),
        "lastActiveAt": _iso(connection.last_active_ms),
        "identity": {"sourceIp": handshake.source_ip, "userAgent": dict(handshake.headers).get("User-Agent", "")},
    }
    return 200, {"content-type": "application/json"}, json.dumps(document).encode()


def _iso(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat()
