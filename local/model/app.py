"""The server: Bedrock's two operations, and the control beside them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local.model import faults
from local.model.behaviour import BehaviourBook, BehaviourError
from local.model.endpoint import ConverseEndpoint
from local.model.pacing import Pace
from local.model.pieces import Brain
from local.model.request_log import RequestLog
from local.model.scripted import ScriptedBrain


def build_app(brain: Brain | None = None, pace: Pace | None = None) -> Starlette:
    """The application.

    Args:
        brain: What answers; the scripted dialogue unless told.
        pace: Timings while no behaviour sets others.
    """
    thinker = brain or ScriptedBrain()
    book, log = BehaviourBook(pace), RequestLog()
    control = _Control(book, log)
    operations = [
        Route(f"/model/{{model_id:path}}/{name}", ConverseEndpoint(name, thinker, book, log), methods=["POST"])
        for name in ("converse-stream", "converse")
    ]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await thinker.close()

    return Starlette(
        lifespan=lifespan,
        routes=[
            *operations,
            Route("/healthz", control.health),
            Route("/_control/requests", control.requests, methods=["GET", "DELETE"]),
            Route("/_control/requests/{request_id}", control.request_body),
            Route("/_control/behaviour", control.behaviour, methods=["GET", "PUT"]),
            Route("/_control/faults", control.faults),
        ],
    )


class _Control:
    """What tests and the console use to look and to meddle."""

    def __init__(self, book: BehaviourBook, log: RequestLog) -> None:
        self._book = book
        self._log = log

    async def health(self, _: Request) -> JSONResponse:
        return JSONResponse({"ok": True})

    async def requests(self, http: Request) -> JSONResponse:
        if http.method == "DELETE":
            self._log.clear()
        return JSONResponse(self._log.to_json())

    async def request_body(self, http: Request) -> JSONResponse:
        raw = self._log.find_body(http.path_params["request_id"])
        if raw is None:
            return _problem(404, "no such request, or its body is no longer kept")
        return JSONResponse(json.loads(raw))

    async def behaviour(self, http: Request) -> JSONResponse:
        if http.method == "PUT":
            try:
                self._book.put(json.loads(await http.body()))
            except (BehaviourError, ValueError) as error:
                return _problem(400, str(error))
        return JSONResponse(self._book.to_json())

    async def faults(self, _: Request) -> JSONResponse:
        return JSONResponse(faults.ALL)


def _problem(status: int, message: str) -> JSONResponse:
    doc: dict[str, Any] = {"ok": False, "error": message, "errors": [message], "status": status}
    return JSONResponse(doc, status_code=status)
