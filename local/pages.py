"""The gateway's own pages: health, the traffic feed, faults, workers, the model's control, carrier and console."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from local.authorizer import TokenCheck
from local.faults import FaultError, Faults
from local.relay_api import RelayGateway, RelayLimits
from local.template import FunctionRef
from local.traffic import Traffic, as_sse
from local.workers import UnknownFunction, WorkerFaults, Workers

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
        check: Checks administrators' tokens.
        changed: Called when an administrator has changed something.
        token: Gives the console a token of the platform's administrator; None when there are none.
    """

    public_host: str | None = None
    region: str = "us-east-1"
    model_url: str | None = None
    console: Path | None = None
    versions: Mapping[str, str] | None = None
    limits: RelayLimits = field(default_factory=RelayLimits)
    check: TokenCheck | None = None
    changed: Callable[[], None] = lambda: None
    token: Callable[[], str | None] = lambda: None


class Pages:
    """Everything for the developer.

    Args:
        traffic: The feed.
        faults: What the gateway is told to do wrong.
        workers: The functions' processes.
        relay: The WebSocket API, if the template has one.
        options: Console folder, model, versions.
        carrier: The application below `/local/carrier`, if there is one.
    """

    def __init__(
        self,
        traffic: Traffic,
        faults: Faults,
        workers: Workers,
        relay: RelayGateway | None,
        options: GatewayOptions,
        carrier: ASGIApp | None,
    ) -> None:
        self.ready = asyncio.Event()
        self._traffic = traffic
        self._faults = faults
        self._workers = workers
        self._relay = relay
        self._options = options
        self._client = httpx.AsyncClient(timeout=10.0, trust_env=False)
        self.app = Starlette(routes=self._routes(carrier))

    async def stop(self) -> None:
        """End the feeds."""
        self._traffic.close()
        await self._client.aclose()

    def _routes(self, carrier: ASGIApp | None) -> list[BaseRoute]:
        routes: list[BaseRoute] = [
            Route("/healthz", self._health),
            Route("/local/events", self._events),
            Route("/local/traffic", self._page_of_traffic),
            Route("/local/administrator", self._administrator),
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

    async def _administrator(self, _request: Request) -> Response:
        """What the console reads the API with; the guard lets nobody but this machine's own pages come here."""
        return JSONResponse({"token": self._options.token()}, headers={"cache-control": "no-store"})

    async def _health(self, _request: Request) -> Response:
        document = {"status": "ok" if self.ready.is_set() else "starting", "versions": self._options.versions or {}}
        return JSONResponse(document, status_code=200 if self.ready.is_set() else 503)

    async def _events(self, request: Request) -> Response:
        after = _whole(request.query_params.get("after") or request.headers.get("last-event-id"))
        call_sid = request.query_params.get("call_sid")

        async def stream() -> AsyncIterator[str]:
            records = self._traffic.watch(after)
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

    async def _page_of_traffic(self, request: Request) -> Response:
        query = request.query_params
        records = self._traffic.records(_whole(query.get("after")), query.get("call_sid"), query.get("kind"))
        return Response(json.dumps({"records": records}, default=str), media_type="application/json")

    async def _gateway_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._faults.update({name: ([] if name == "posts" else {}) for name in self._faults.describe()})
        elif request.method == "PUT":
            try:
                self._faults.update(await request.json())
            except (FaultError, ValueError, TypeError) as exc:
                return JSONResponse({"error": {"code": "bad_fault", "message": str(exc)}}, status_code=400)
        return JSONResponse(self._faults.describe())

    async def _list_connections(self, _request: Request) -> Response:
        found = self._relay.connections.values() if self._relay is not None else []
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


def _whole(text: str | None) -> int:
    with contextlib.suppress(ValueError):
        return int(text or 0)
    return 0
