"""The WebSocket API: a handshake through authorizer and `$connect`, then every frame an invocation of its own.

What AWS does not promise is an option here (`local.faults`): frames in parallel, one at a time, or shuffled, delayed
and doubled. Nothing a handler answers reaches the client (no route responses); but when a handler fails, the client
gets API Gateway's error frame, as at AWS, and the traffic feed says so in red.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

from local.faults import Faults
from local.shapes import (
    Handshake,
    build_authorizer_event,
    build_connect_event,
    build_disconnect_event,
    build_message_event,
    new_id,
    now_ms,
)
from local.template import Integration, RelayApi
from local.traffic import Traffic
from local.wire import EXTENSION, RelayProtocol
from local.workers import Outcome, Throttled, UnknownFunction, Workers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PROXY_KEYS: Final = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
_AUTHORIZER_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True)
class RelayLimits:
    """API Gateway's limits, none of which can be raised."""

    idle_s: float = 600.0
    lifetime_s: float = 7200.0
    buffer_bytes: int = 128 * 1024


@dataclass
class Connection:
    """One open WebSocket."""

    handshake: Handshake
    protocol: RelayProtocol
    send: Send
    state: str = "connecting"
    authorizer: dict[str, Any] | None = None
    last_active: float = field(default_factory=time.monotonic)
    last_active_ms: int = field(default_factory=now_ms)
    last_stamp_ms: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    close_reason: tuple[int, str] | None = None

    @property
    def id(self) -> str:
        """The connection's id."""
        return self.handshake.connection_id

    @property
    def call_sid(self) -> str | None:
        """The call it belongs to, once the authorizer has said so."""
        value = (self.authorizer or {}).get("call_sid")
        return str(value) if value else None

    def touch(self) -> None:
        """Note that something passed."""
        self.last_active, self.last_active_ms = time.monotonic(), now_ms()

    async def close(self, code: int, reason: str) -> None:
        """Close from our side."""
        if self.state != "open":
            return
        self.state, self.close_reason = "closing", (code, reason)
        with contextlib.suppress(OSError):  # The other side was quicker.
            await self.send({"type": "websocket.close", "code": code, "reason": reason})

    async def send_text(self, text: str) -> bool:
        """Send a text frame; false if the connection is gone."""
        if self.state != "open":
            return False
        try:
            await self.send({"type": "websocket.send", "text": text})
        except OSError:  # uvicorn's ClientDisconnected
            return False
        self.touch()
        return True


class Refusal(Exception):
    """The handshake is answered with an HTTP status instead."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class RelayGateway:
    """Serves the template's WebSocket API."""

    def __init__(
        self,
        api: RelayApi,
        workers: Workers,
        traffic: Traffic,
        faults: Faults,
        *,
        region: str = "us-east-1",
        limits: RelayLimits | None = None,
    ) -> None:
        self.connections: dict[str, Connection] = {}
        self._api = api
        self._workers = workers
        self._traffic = traffic
        self._faults = faults
        self._region = region
        self.limits = limits or RelayLimits()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one WebSocket from handshake to `$disconnect`."""
        await receive()
        connection = self._open(scope, send)
        self.connections[connection.id] = connection
        try:
            try:
                await self._admit(connection)
            except Refusal as refusal:
                await self._refuse(connection, refusal)
                return
            await send({"type": "websocket.accept"})
            connection.state = "open"
            expiry = self._spawn(self._expire(connection))
            try:
                code, reason = await self._read(connection, receive)
            finally:
                expiry.cancel()
        finally:
            self.connections.pop(connection.id, None)
            connection.state = "closed"
        self._traffic.record("disconnect", call_sid=connection.call_sid, connection_id=connection.id, code=code)
        self._spawn(self._say_disconnected(connection, code, reason))

    async def stop(self) -> None:
        """Close what is open and end what runs."""
        for connection in list(self.connections.values()):
            await connection.close(1001, "Going away")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- the handshake -----------------------------------------------------------------------------------------

    def _open(self, scope: Message, send: Send) -> Connection:
        protocol: RelayProtocol = scope["extensions"][EXTENSION]
        headers = protocol.sent_headers
        host = next((value for name, value in headers if name.lower() == "host"), "")
        client = scope.get("client") or ("127.0.0.1", 0)
        query = scope["query_string"].decode("latin-1")
        handshake = Handshake(new_id(), now_ms(), host, self._api.stage, headers, query, client[0])
        return Connection(handshake, protocol, send)

    async def _admit(self, connection: Connection) -> None:
        authorizer = self._api.authorizer
        if authorizer is not None:
            self._check_identity(connection, authorizer.identity_sources)
            event = build_authorizer_event(connection.handshake, self._region)
            integration = Integration(authorizer.function, _AUTHORIZER_TIMEOUT_S)
            connection.authorizer = _read_policy(await self._ask(integration, event, connection, "authorizer"))
        route = self._api.routes.get("$connect")
        if route is not None:
            event = build_connect_event(connection.handshake, connection.authorizer)
            outcome = await self._ask(route, event, connection, "$connect", failure=502)
            status = _status(outcome)
            if status is None:
                raise Refusal(502, "Bad Gateway")
            if not 200 <= status < 300:
                raise Refusal(status, "refused by $connect")
        self._record_connect(connection, 101)

    def _check_identity(self, connection: Connection, sources: tuple[str, ...]) -> None:
        headers = {name.lower() for name, value in connection.handshake.headers if value}
        queries = {name for name, value in connection.handshake.queries if value}
        for source in sources:
            _, _, rest = source.partition("route.request.")
            kind, _, name = rest.partition(".")
            present = name.lower() in headers if kind == "header" else name in queries
            if kind in {"header", "querystring"} and not present:
                raise Refusal(401, "Unauthorized")

    async def _ask(
        self, integration: Integration, event: dict[str, Any], connection: Connection, trigger: str, failure: int = 500
    ) -> Outcome:
        try:
            outcome = await self._invoke(integration, event, connection, trigger)
        except (TimeoutError, Throttled, UnknownFunction) as exc:
            raise Refusal(failure, f"{trigger} did not answer") from exc
        if outcome.failed:
            raise Refusal(failure, f"{trigger} failed")
        return outcome

    async def _refuse(self, connection: Connection, refusal: Refusal) -> None:
        self._record_connect(connection, refusal.status, str(refusal))
        body = json.dumps({"message": _phrase(refusal.status), "connectionId": connection.id}).encode()
        headers = [(b"content-type", b"application/json"), (b"x-amzn-requestid", new_id().encode())]
        await connection.send({"type": "websocket.http.response.start", "status": refusal.status, "headers": headers})
        await connection.send({"type": "websocket.http.response.body", "body": body})

    def _record_connect(self, connection: Connection, status: int, why: str = "") -> None:
        fields: dict[str, Any] = {"why": why} if why else {}
        query = connection.handshake.query
        self._traffic.record(
            "connect",
            call_sid=connection.call_sid,
            connection_id=connection.id,
            status=status,
            query=f"?{query}" if query else "",
            **fields,
        )

    # --- frames ------------------------------------------------------------------------------------------------

    async def _read(self, connection: Connection, receive: Receive) -> tuple[int, str]:
        """Pass frames on until the socket closes; returns its code and reason."""
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code, reason = connection.close_reason or (message.get("code") or 1005, message.get("reason") or "")
                return code, reason
            text = message.get("text")
            if text is None:
                await connection.close(1003, "binary frames are not supported")
            elif connection.state == "open":
                self._frame(connection, text)

    def _frame(self, connection: Connection, body: str) -> None:
        connection.touch()
        now = now_ms()
        stamp_ms = self._faults.frames.stamp(now, connection.last_stamp_ms)
        connection.last_stamp_ms = now
        route_key, route = self._route(body)
        common = {"call_sid": connection.call_sid, "connection_id": connection.id}
        self._traffic.record("frame_in", body=body, **common)
        if route is None:
            self._spawn(self._send_error(connection, "Forbidden", new_id()))
            return
        # A frame delivered twice is the same event twice, its message id included.
        event = build_message_event(connection.handshake, connection.authorizer, route_key, body, stamp_ms)
        for delay_s in self._faults.frames.delays_s():
            self._spawn(self._deliver(connection, route, event, delay_s))

    def _route(self, body: str) -> tuple[str, Integration | None]:
        """Choose the route by `$request.body.<key>`; anything else goes to `$default`."""
        routes = self._api.routes
        try:
            document = json.loads(body)
            key = document.get(self._api.selection.rpartition(".")[2]) if isinstance(document, dict) else None
        except (ValueError, RecursionError):
            key = None
        if isinstance(key, str) and key in routes and not key.startswith("$"):
            return key, routes[key]
        return "$default", routes.get("$default")

    async def _deliver(self, connection: Connection, route: Integration, event: dict[str, Any], delay_s: float) -> None:
        if delay_s:
            await asyncio.sleep(delay_s)
        if self._faults.frames.mode == "serial":
            async with connection.turn:
                await self._run(connection, route, event)
        else:
            await self._run(connection, route, event)

    async def _run(self, connection: Connection, route: Integration, event: dict[str, Any]) -> None:
        why = ""
        try:
            outcome = await self._invoke(route, event, connection, event["requestContext"]["routeKey"])
        except TimeoutError:
            why = f"no answer within {route.timeout_s:.0f} s"
        except (Throttled, UnknownFunction) as exc:
            why = f"{type(exc).__name__} {exc}"
        else:
            status = _status(outcome)
            if status is None:
                why = "the handler failed" if outcome.failed else f"malformed answer {outcome.payload[:200]!r}"
            elif status != 200:
                self._violation(connection, f"the handler answered statusCode {status} to a frame")
        if why:
            self._violation(connection, f"API Gateway's error frame to Twilio: {why}")
            await self._send_error(connection, "Internal server error", event["requestContext"]["requestId"])

    async def _send_error(self, connection: Connection, text: str, request_id: str) -> None:
        frame = {"message": text, "connectionId": connection.id, "requestId": request_id}
        body = json.dumps(frame)
        if await connection.send_text(body):
            self._traffic.record("frame_out", call_sid=connection.call_sid, connection_id=connection.id, body=body)

    def _violation(self, connection: Connection, what: str) -> None:
        self._traffic.record("violation", call_sid=connection.call_sid, connection_id=connection.id, what=what)

    # --- the end -----------------------------------------------------------------------------------------------

    async def _expire(self, connection: Connection) -> None:
        """Close the connection when it was idle too long or lived too long."""
        end = time.monotonic() + self.limits.lifetime_s
        while connection.state == "open":
            idle_end = connection.last_active + self.limits.idle_s
            left = min(end, idle_end) - time.monotonic()
            if left <= 0:
                await connection.close(1001, "Going away")
                return
            await asyncio.sleep(left)

    async def _say_disconnected(self, connection: Connection, code: int, reason: str) -> None:
        route = self._api.routes.get("$disconnect")
        if route is None:
            return
        faults = self._faults.disconnects
        for _ in range(faults.times):
            await asyncio.sleep(faults.delay_ms / 1000)
            event = build_disconnect_event(connection.handshake, connection.authorizer, code, reason)
            try:
                await self._invoke(route, event, connection, "$disconnect")
            except (TimeoutError, Throttled, UnknownFunction) as exc:
                self._violation(connection, f"$disconnect was not handled: {type(exc).__name__}")

    async def _invoke(
        self, integration: Integration, event: dict[str, Any], connection: Connection, trigger: str
    ) -> Outcome:
        async with asyncio.timeout(integration.timeout_s):
            outcome = await self._workers.invoke(integration.function, json.dumps(event).encode())
        self._traffic.record(
            "invoke",
            function=integration.function.name,
            trigger=trigger,
            request_id=outcome.request_id,
            duration_ms=round(outcome.duration_ms, 2),
            failed=outcome.failed,
            call_sid=connection.call_sid,
        )
        return outcome

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _status(outcome: Outcome) -> int | None:
    """A proxy answer's status, or None when API Gateway would call it malformed."""
    if outcome.failed:
        return None
    document = outcome.json()
    if not isinstance(document, dict) or not set(document) <= _PROXY_KEYS:
        return None
    status = document.get("statusCode")
    if isinstance(status, str) and status.isdigit():
        status = int(status)
    return status if isinstance(status, int) and not isinstance(status, bool) else None


def _read_policy(outcome: Outcome) -> dict[str, Any]:
    """The context of an authorizer that allows; its values become strings, as at AWS.

    Raises:
        Refusal: 403 if it denies, 500 if its answer is no policy.
    """
    document = outcome.json()
    try:
        statements = document["policyDocument"]["Statement"]
        effects = [each["Effect"] for each in ([statements] if isinstance(statements, dict) else statements)]
        context = document.get("context") or {}
        principal = str(document["principalId"])
    except (AttributeError, KeyError, TypeError) as exc:
        raise Refusal(500, "the authorizer's answer is no policy") from exc
    if any(isinstance(value, dict | list) for value in context.values()):
        raise Refusal(500, "the authorizer's context holds something that is no string, number or boolean")
    if "Deny" in effects or "Allow" not in effects:
        raise Refusal(403, "denied by the authorizer")
    plain = {name: _as_text(value) for name, value in context.items()}
    return {"principalId": principal, "integrationLatency": round(outcome.duration_ms), **plain}


def _as_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _phrase(status: int) -> str:
    return {401: "Unauthorized", 403: "Forbidden", 500: "Internal server error"}.get(status, "Refused")
