"""The phone page's control interface: place a call, take part in it, watch it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local.carrier.call import CarrierCall
from local.carrier.exchange import DEFAULT_CALLER, Exchange
from local.carrier.twiml_rules import phone_number

TOKEN_IN_URL: Final = re.compile(r"([?&;]token=)[^&\"'<>\s\\]+")
BLOT: Final = r"\1***"
KEYS: Final = re.compile(r"[0-9*#]{1,40}")
CALLER: Final = re.compile(r"\+[1-9]\d{6,14}|anonymous|(client|sip):\S{1,80}")
MAX_WORDS_CHARS: Final = 2000

Doing = Callable[[CarrierCall, dict[str, Any]], Awaitable[dict[str, Any]]]


class RefusedError(Exception):
    """The request cannot be done; ``status`` and the message go back to the page."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def error(status: int, code: str, message: str) -> JSONResponse:
    """The one shape of an error."""
    return JSONResponse({"error": {"code": code, "message": message}}, status)


async def fields_of(request: Request) -> dict[str, Any]:
    try:
        body = await request.body()
        decoded = json.loads(body or b"{}")
    except ValueError as exc:
        raise RefusedError(400, "the body must be JSON") from exc
    if not isinstance(decoded, dict):
        raise RefusedError(400, "the body must be a JSON object")
    return decoded


def control_routes(exchange: Exchange) -> list[Route]:
    """The routes below /local/carrier that the page uses."""

    def call_of(request: Request) -> CarrierCall:
        call = exchange.calls.get(request.path_params["call_id"])
        if call is None:
            raise RefusedError(404, "there is no such call")
        return call

    async def numbers(_: Request) -> Response:
        return JSONResponse({"numbers": exchange.directory().listed(), "caller": DEFAULT_CALLER})

    async def place(request: Request) -> Response:
        fields = await fields_of(request)
        to_number, from_number = str(fields.get("to", "")), str(fields.get("from") or DEFAULT_CALLER)
        if expected := phone_number(to_number):
            raise RefusedError(400, f"to must be {expected}")
        if not CALLER.fullmatch(from_number):
            raise RefusedError(400, "from must be a number in E.164, anonymous, client:… or sip:…")
        call = await exchange.place(to_number, from_number)
        return JSONResponse({"id": call.call_sid}, 201)

    async def show(request: Request) -> Response:
        call = call_of(request)
        transcript = [{"who": who, "text": text} for who, text in call.transcript]
        return JSONResponse({"id": call.call_sid, "transcript": transcript, "violations": call.violations})

    async def events(request: Request) -> Response:
        call = call_of(request)
        last_seen = request.headers.get("last-event-id", "")
        start = int(last_seen) + 1 if last_seen.isdigit() else 0
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(stream(call, start), media_type="text/event-stream", headers=headers)

    def doing(do: Doing) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            call, fields = call_of(request), await fields_of(request)
            try:
                return JSONResponse(await do(call, fields))
            except RuntimeError as exc:
                raise RefusedError(409, str(exc)) from exc

        return handle

    calls = "/calls/{call_id}"
    return [
        Route("/numbers", guarded(numbers)),
        Route("/calls", guarded(place), methods=["POST"]),
        Route(calls, guarded(show)),
        Route(calls + "/events", guarded(events)),
        *(
            Route(f"{calls}/{name}", guarded(doing(do)), methods=["POST"])
            for name, do in (
                ("say", say),
                ("interrupt", interrupt),
                ("press", press),
                ("hangup", hang_up),
                ("drop", drop),
            )
        ),
    ]


def guarded(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Turn refusals into answers. Who may ask at all is the gateway's business."""

    async def answer(request: Request) -> Response:
        try:
            return await handle(request)
        except RefusedError as exc:
            return error(exc.status, "refused", str(exc))
        except LookupError as exc:
            return error(404, "not_found", str(exc.args[0]))

    return answer


async def stream(call: CarrierCall, start: int) -> AsyncIterator[str]:
    """The call as server-sent events; the one-time relay token is blotted out."""
    index = start
    async for happening in call.happenings(start):
        shown = TOKEN_IN_URL.sub(BLOT, json.dumps(happening.as_json(), ensure_ascii=False))
        yield f"id: {index}\ndata: {shown}\n\n"
        index += 1


async def say(call: CarrierCall, fields: dict[str, Any]) -> dict[str, Any]:
    text = str(fields.get("text", "")).strip()
    if not 0 < len(text) <= MAX_WORDS_CHARS:
        raise RefusedError(400, f"text must have 1 to {MAX_WORDS_CHARS} characters")
    return {"interrupted": await call.say(text, at_once=True)}


async def interrupt(call: CarrierCall, fields: dict[str, Any]) -> dict[str, Any]:
    """A cough: cuts the agent off and says nothing."""
    return {"interrupted": await call.say(str(fields.get("text", "")).strip(), at_once=True)}


async def press(call: CarrierCall, fields: dict[str, Any]) -> dict[str, Any]:
    digits = str(fields.get("digits", ""))
    if not KEYS.fullmatch(digits):
        raise RefusedError(400, "digits may hold 0-9 * #, at most 40 of them")
    await call.press(digits)
    return {}


async def hang_up(call: CarrierCall, fields: dict[str, Any]) -> dict[str, Any]:
    await call.hang_up(str(fields.get("unfinished", "")))
    return {}


async def drop(call: CarrierCall, fields: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001  # as its siblings
    await call.drop_link()
    return {}
