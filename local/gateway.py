"""The one public port: HTTP API, WebSocket API, `@connections`, Lambda's Invoke API, carrier, console and feeds.

The paths a call uses are dispatched here by hand; everything else is an ordinary Starlette application.

/api/...                         routes of the template's HTTP API, those behind a token included
/fallback/...                    the template's REST API, which answers without any function
/relay                           the WebSocket API; /relay/@connections/{id} is its management API
/2015-03-31/functions/...        Lambda's Invoke API
/local/carrier/...               the carrier
/local/events, /local/traffic    the traffic feed: live (server-sent events, `?after=`, `?call_sid=`), and as JSON
/local/gateway/faults            GET, PUT, DELETE: what the gateway is told to do wrong (`local.faults`)
/local/gateway/connections       open connections and their calls
/local/workers                   processes of every function; PUT, DELETE /local/workers/{function}/faults
/local/model/...                 the scripted model's control endpoint
/healthz, /                      readiness; the console
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from local.connections import ConnectionsApi
from local.faults import Faults
from local.guard import Guard
from local.http_api import HttpAnswer, HttpApi, message
from local.invoke_api import InvokeApi
from local.mock_api import MockGateway
from local.pages import GatewayOptions, Pages
from local.relay_api import RelayGateway
from local.resources import Template
from local.shapes import HttpRequest
from local.traffic import Traffic
from local.workers import Workers

__all__ = ["Gateway", "GatewayOptions"]

RELAY_PATH: Final = "/relay"
_CONNECTIONS: Final = f"{RELAY_PATH}/@connections/"
_FUNCTIONS: Final = "/2015-03-31/functions/"
_API: Final = "/api/"
FALLBACK_PATH: Final = "/fallback"


class Gateway:
    """The ASGI application behind the public port."""

    def __init__(
        self,
        template: Template,
        workers: Workers,
        traffic: Traffic,
        faults: Faults,
        options: GatewayOptions,
        carrier: ASGIApp | None = None,
    ) -> None:
        self._guard = Guard(options.public_host, (_API, RELAY_PATH, f"{FALLBACK_PATH}/", "/healthz"), _CONNECTIONS)
        self._traffic = traffic
        self._http_api = HttpApi(template.http_routes, workers, traffic, options.check, options.changed)
        self._fallback = MockGateway(template.fallback, FALLBACK_PATH) if template.fallback is not None else None
        self._invoke_api = InvokeApi(workers, traffic, faults)
        self.relay: RelayGateway | None = None
        self._connections: ConnectionsApi | None = None
        if template.relay is not None:
            self.relay = RelayGateway(
                template.relay, workers, traffic, faults, region=options.region, limits=options.limits
            )
            self._connections = ConnectionsApi(self.relay, traffic, faults)
        self._pages = Pages(traffic, faults, workers, self.relay, options, carrier)
        self.ready = self._pages.ready

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._pages.app(scope, receive, send)
            return
        path: str = scope["path"]
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if why := self._guard.refusal(path, headers):
            await _refuse(scope, receive, send, why)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif path.startswith(_CONNECTIONS):
            await self._serve_connections(scope, receive, send, headers)
        elif path.startswith(_FUNCTIONS):
            await self._serve_invoke(scope, receive, send, headers)
        elif path.startswith(_API):
            await self._serve(self._http_api.handle, scope, receive, send)
        elif path.startswith(f"{FALLBACK_PATH}/"):
            await self._serve(self._fall_back, scope, receive, send)
        else:
            await self._pages.app(scope, receive, send)

    async def stop(self) -> None:
        """End connections, feeds and what runs in the background."""
        await self._pages.stop()
        await self._invoke_api.stop()
        if self.relay is not None:
            await self.relay.stop()

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.relay is not None and scope["path"].rstrip("/") == RELAY_PATH:
            await self.relay.serve(scope, receive, send)
        else:
            await self._pages.app(scope, receive, send)

    async def _serve_connections(self, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str]) -> None:
        connection_id = scope["path"].removeprefix(_CONNECTIONS)
        body = await _body(receive)
        if self._connections is None:
            await _answer(send, 404, {}, b"")
            return
        answer = await self._connections.handle(
            scope["method"], connection_id, headers.get("authorization", ""), body, scope.get("extensions") or {}
        )
        if answer is not None:
            await _answer(send, *answer)

    async def _serve_invoke(self, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str]) -> None:
        name, _, action = unquote(scope["raw_path"].decode().removeprefix(_FUNCTIONS)).rpartition("/")
        payload = await _body(receive)
        if action != "invocations" or scope["method"] != "POST":
            await _answer(send, 404, {"x-amzn-errortype": "UnknownOperationException"}, b"{}")
            return
        qualifier = parse_qs(scope["query_string"].decode()).get("Qualifier", [None])[0]
        kind = headers.get("x-amz-invocation-type", "RequestResponse")
        await _answer(send, *await self._invoke_api.handle(name, qualifier, kind, payload))

    async def _fall_back(self, request: HttpRequest) -> HttpAnswer:
        if self._fallback is None:
            return message(404, "Not Found")
        at = {"method": request.method, "path": request.path, "query": request.query}
        self._traffic.record("webhook", fields={}, **at)
        answer = self._fallback.handle(request)
        text, content_type = answer.body.decode(), dict(answer.headers)["content-type"]
        self._traffic.record("twiml", status=answer.status, body=text, content_type=content_type, **at)
        return answer

    async def _serve(
        self, handle: Callable[[HttpRequest], Awaitable[HttpAnswer]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        client = scope.get("client") or ("127.0.0.1", 0)
        request = HttpRequest(
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1").partition("?")[0],
            query=scope["query_string"].decode("latin-1"),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            body=await _body(receive),
            source_ip=client[0],
        )
        answer = await handle(request)
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})


async def _refuse(scope: Scope, receive: Receive, send: Send, why: str) -> None:
    body = json.dumps({"error": {"code": "refused", "message": why}}).encode()
    if scope["type"] == "websocket":
        await receive()
        start = {"type": "websocket.http.response.start", "status": 403}
        await send({**start, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "websocket.http.response.body", "body": body})
    else:
        await _answer(send, 403, {"content-type": "application/json"}, body)


async def _answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive, limit: int = 12 * 1024 * 1024) -> bytes:
    """Read a request's body; what lies beyond the limit is read and dropped."""
    body = b""
    while True:
        message: dict[str, Any] = dict(await receive())
        if message["type"] == "http.disconnect":
            return body
        if len(body) <= limit:
            body += message.get("body", b"")
        if not message.get("more_body"):
            return body
