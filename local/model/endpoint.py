"""The two operations on the wire: ``converse`` and ``converse-stream``."""

from __future__ import annotations

import time
import uuid
from contextlib import aclosing
from typing import Final

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from local.model.behaviour import BehaviourBook, Plan
from local.model.converse import EventWriter, build_response
from local.model.errors import BedrockError, invalid
from local.model.eventstream import CONTENT_TYPE
from local.model.exchange import ClientGone, Exchange
from local.model.pieces import Brain, Finish, ToolStart
from local.model.request import ConverseRequest, parse_request
from local.model.request_log import Record, RequestLog, State
from local.model.stream_faults import ConnectionCut, forever, framed, refusal

MAX_BODY_BYTES: Final = 20 * 1024 * 1024
MAX_UTTERANCE_KEPT: Final = 200


class ConverseEndpoint:
    """An ASGI application for one of the operations; the model id comes as a path parameter."""

    def __init__(self, operation: str, brain: Brain, book: BehaviourBook, log: RequestLog) -> None:
        """Serve ``operation``: ``converse`` or ``converse-stream``."""
        self._operation = operation
        self._brain = brain
        self._book = book
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and note in the log how it ended."""
        since = time.monotonic()
        http = Request(scope, receive)
        record = self._log.open(str(uuid.uuid4()), http.path_params["model_id"], self._operation)
        exchange = Exchange(receive, send, record, since)
        state: State = "failed"
        try:
            await self._answer(http, exchange)
            state = "finished"
        except ConnectionCut:
            record.error = "connection cut"  # returning without the last body makes the server drop the connection
        except ClientGone:
            state = "cancelled"
        except BedrockError as error:
            record.error = error.name
            state = "failed" if exchange.started or error.name != "ValidationException" else "refused"
            await exchange.tell(error)
        finally:
            self._log.close(record, state, since)

    async def _answer(self, http: Request, exchange: Exchange) -> None:
        request = await self._read(http, exchange.record)
        plan = self._book.take(request)
        exchange.record.fault = plan.fault
        if plan.fault == "hang":
            await exchange.unless_gone(forever())
        error = refusal(plan)
        if error:
            raise error
        answer = self._stream if self._operation == "converse-stream" else self._whole
        await exchange.unless_gone(answer(request, plan, exchange))

    async def _read(self, http: Request, record: Record) -> ConverseRequest:
        authorization = http.headers.get("authorization", "")
        if "/bedrock/aws4_request" not in authorization and not authorization.startswith("Bearer "):
            raise BedrockError("MissingAuthenticationTokenException")
        raw = await http.body()
        if len(raw) > MAX_BODY_BYTES:
            raise invalid("Input is too long for requested model.")
        self._log.keep_body(record.request_id, raw)
        request = parse_request(record.request_id, record.model_id, raw)
        record.utterance = request.last_utterance[:MAX_UTTERANCE_KEPT]
        return request

    async def _stream(self, request: ConverseRequest, plan: Plan, exchange: Exchange) -> None:
        writer = EventWriter()
        if not (plan.pace.late_headers or self._brain.may_refuse):
            await exchange.start(200, CONTENT_TYPE)
        thought = exchange.noted(self._brain.think(request, plan), writer)
        async with aclosing(thought) as pieces, aclosing(framed(pieces, plan, writer)) as chunks:
            async for chunk in chunks:
                exchange.record.tokens = writer.tokens
                await exchange.write(chunk)
        await exchange.end()

    async def _whole(self, request: ConverseRequest, plan: Plan, exchange: Exchange) -> None:
        if plan.fault in {"stall", "stall_after"}:
            await forever()
        if plan.fault == "die_after":
            raise ConnectionCut
        if plan.fault == "exception_after":
            raise BedrockError(plan.exception or "ModelErrorException")
        async with aclosing(exchange.noted(self._brain.think(request, plan), EventWriter())) as noted:
            pieces = [piece async for piece in noted]
        exchange.record.tokens = sum(not isinstance(piece, Finish | ToolStart) for piece in pieces)
        await exchange.json(200, build_response(pieces, exchange.elapsed_ms()))
