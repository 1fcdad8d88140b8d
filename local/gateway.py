"""The one public port: HTTP API, WebSocket API, `@connections`, Lambda's Invoke API, carrier, console and feeds.

The paths a call uses are dispatched here by hand; everything else is an ordinary Starlette application.

/api/...                         routes of the template's HTTP API
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

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from local.connections import ConnectionsApi
from local.faults import FaultError, Faults
from local.guard import Guard
from local.http_api import HttpApi
from local.invoke_api import InvokeApi
from local.relay_api import RelayGateway, RelayLimits
from local.shapes import HttpRequest
from local.template import FunctionRef, Template
from local.traffic import Traffic, as_sse
from local.workers import UnknownFunction, WorkerFaults, Workers

RELAY_PATH: Final = "/relay"
_CONNECTIONS: Final = f"{RELAY_PATH}/@connections/"
_FUNCTIONS: Final = "/2015-03-31/functions/"
_API: Final = "/api/"
_KEEP_ALIVE_S: Final = 15.0


@dataclass(frozen=True)
class GatewayOptions:
    """What the gateway is told beside the template.

    Attributes:
        public_host: A tunnel's host, or None.
        region: The AWS region the functions believe in.
        model_url: The scripted model's control endpoint, or None when there is none.
        console: Folder of the page's files.
        versions: Told by `/healthz`.
        limits: API Gateway's limits; tests shorten them.
    """

    public_host: str | None = None
    region: str = "us-east-1"
    model_url: str | None = None
    console: Path | None = None
    versions: Mapping[str, str] | None = None
    limits: RelayLimits = field(default_factory=RelayLimits)


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
        self.traffic = traffic
        self.faults = faults
        self.ready = asyncio.Event()
        self._workers = workers
        self._options = options
        self._guard = Guard(options.public_host, (_API, RELAY_PATH, "/healthz"))
        self._http_api = HttpApi(template.http_routes, workers, traffic)
        self._invoke_api = InvokeApi(workers, traffic, faults)
        self.relay: RelayGateway | None = None
        self._connections: ConnectionsApi | None = None
        if template.relay is not None:
            self.relay = RelayGateway(
                template.relay, workers, traffic, faults, region=options.region, limits=options.limits
            )
            self._connections = ConnectionsApi(self.relay, traffic, faults)
        self._client = httpx.AsyncClient(timeout=10.0, trust_env=False)
        self._pages = Starlette(routes=self._routes(carrier))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._pages(scope, receive, send)
            return
        path: str = scope["path"]
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if (why := self._guard.refusal(path, headers)) or self._hidden(path, headers):
            await _refuse(scope, receive, send, why or "only Twilio's paths are served through a tunnel")
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif path.startswith(_CONNECTIONS):
            await self._serve_connections(scope, receive, send, headers)
        elif path.startswith(_FUNCTIONS):
            await self._serve_invoke(scope, receive, send, headers)
        elif path.startswith(_API):
            await self._serve_http_api(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

    async def stop(self) -> None:
        """End connections, feeds and what runs in the background."""
        self.traffic.close()
        await self._invoke_api.stop()
        if self.relay is not None:
            await self.relay.stop()
        await self._client.aclose()

    # --- the paths of a call -----------------------------------------------------------------------------------

    def _hidden(self, path: str, headers: Mapping[str, str]) -> bool:
        """`@connections` lies below the relay's path but is not for the world."""
        return path.startswith(_CONNECTIONS) and self._guard.refusal("/", headers) is not None

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.relay is not None and scope["path"].rstrip("/") == RELAY_PATH:
            await self.relay.serve(scope, receive, send)
        else:
            await self._pages(scope, receive, send)

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

    async def _serve_http_api(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client") or ("127.0.0.1", 0)
        request = HttpRequest(
            method=scope["method"],
            path=scope["raw_path"].decode("latin-1").partition("?")[0],
            query=scope["query_string"].decode("latin-1"),
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            body=await _body(receive),
            source_ip=client[0],
        )
        answer = await self._http_api.handle(request)
        raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in answer.headers]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})

    # --- everything for the developer --------------------------------------------------------------------------

    def _routes(self, carrier: ASGIApp | None) -> list[BaseRoute]:
        routes: list[BaseRoute] = [
            Route("/healthz", self._health),
            Route("/local/events", self._events),
            Route("/local/traffic", self._traffic_page),
            Route("/local/gateway/faults", self._gateway_faults, methods=["GET", "PUT", "DELETE"]),
            Route("/local/gateway/connections", self._list_connections),
            Route("/local/workers", self._list_workers),
            Route("/local/workers/{name}/faults", self._worker_faults, methods=["PUT", "DELETE"]),
            Route("/local/model/{rest:path}", self._model, methods=["GET", "PUT", "POST", "DELETE"]),
        ]
        if carrier is not None:
            routes.append(Mount("/local/carrier", app=carrier))
        console = self._options.console
        if console is not None and console.is_dir():
            if (console / "index.html").exists():
                routes.append(Route("/", lambda _request: FileResponse(console / "index.html")))
            routes.append(Mount("/", app=StaticFiles(directory=console, html=True)))
        return routes

    async def _health(self, _request: Request) -> Response:
        document = {"status": "ok" if self.ready.is_set() else "starting", "versions": self._options.versions or {}}
        return JSONResponse(document, status_code=200 if self.ready.is_set() else 503)

    async def _events(self, request: Request) -> Response:
        after = _whole(request.query_params.get("after") or request.headers.get("last-event-id"))
        call_sid = request.query_params.get("call_sid")

        async def stream() -> AsyncIterator[str]:
            records = self.traffic.watch(after)
            pending = asyncio.ensure_future(anext(records))
            try:
                while True:
                    done, _ = await asyncio.wait({pending}, timeout=_KEEP_ALIVE_S)
                    if not done:
                        yield ": still here\n\n"
                        continue
                    record = pending.result()
                    pending = asyncio.ensure_future(anext(records))
                    if call_sid is None or record.get("call_sid") == call_sid:
                        yield as_sse(record)
            except StopAsyncIteration:
                return
            finally:
                pending.cancel()

        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)

    async def _traffic_page(self, request: Request) -> Response:
        query = request.query_params
        records = self.traffic.records(_whole(query.get("after")), query.get("call_sid"), query.get("kind"))
        return Response(json.dumps({"records": records}, default=str), media_type="application/json")

    async def _gateway_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.update({name: ([] if name == "posts" else {}) for name in self.faults.describe()})
        elif request.method == "PUT":
            try:
                self.faults.update(await request.json())
            except (FaultError, ValueError, TypeError) as exc:
                return JSONResponse({"error": {"code": "bad_fault", "message": str(exc)}}, status_code=400)
        return JSONResponse(self.faults.describe())

    async def _list_connections(self, _request: Request) -> Response:
        found = self.relay.connections.values() if self.relay is not None else []
        rows = [{"connection_id": each.id, "call_sid": each.call_sid, "state": each.state} for each in found]
        return JSONResponse({"connections": rows})

    async def _list_workers(self, _request: Request) -> Response:
        return JSONResponse({"pools": [pool.describe() for pool in self._workers.pools.values()]})

    async def _worker_faults(self, request: Request) -> Response:
        try:
            pool = self._workers.pool(FunctionRef(request.path_params["name"]))
            document = {} if request.method == "DELETE" else await request.json()
            pool.faults = replace(WorkerFaults(), **document)
        except UnknownFunction as exc:
            return JSONResponse({"error": {"code": "not_found", "message": f"no function {exc}"}}, status_code=404)
        except (TypeError, ValueError) as exc:
            return JSONResponse({"error": {"code": "bad_fault", "message": str(exc)}}, status_code=400)
        return JSONResponse(asdict(pool.faults))

    async def _model(self, request: Request) -> Response:
        """Pass on to the scripted model's control endpoint."""
        if self._options.model_url is None:
            text = "the scripted model is not part of this run"
            return JSONResponse({"error": {"code": "no_model", "message": text}}, status_code=404)
        url = f"{self._options.model_url}/_control/{request.path_params['rest']}"
        try:
            answer = await self._client.request(
                request.method, url, content=await request.body(), params=dict(request.query_params)
            )
        except httpx.HTTPError as exc:
            return JSONResponse({"error": {"code": "model_down", "message": str(exc)}}, status_code=502)
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("content-type"))


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


def _whole(text: str | None) -> int:
    with contextlib.suppress(ValueError):
        return int(text or 0)
    return 0
