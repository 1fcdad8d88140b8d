"""The HTTP API: routes of the template, payload format 2.0 both ways."""

import asyncio
import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from local.authorizer import Refused, TokenCheck
from local.resources import HttpRoute, Integration
from local.shapes import HttpRequest, build_http_event
from local.traffic import Traffic
from local.workers import Outcome, Throttled, Workers

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
_HOP_HEADERS: Final = frozenset({"connection", "content-length", "transfer-encoding", "keep-alive"})
_MOST_SHOWN: Final = 16_384


@dataclass(frozen=True)
class HttpAnswer:
    """What goes back to the client."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class HttpApi:
    """Routes requests to functions as API Gateway's HTTP API does.

    Args:
        routes: The template's.
        workers: Run the functions.
        traffic: Told of every request and answer.
        check: Checks tokens, where a route asks for one.
        changed: Called when an administrator has changed something.
    """

    def __init__(
        self,
        routes: tuple[HttpRoute, ...],
        workers: Workers,
        traffic: Traffic,
        check: TokenCheck | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._routes = sorted((_CompiledRoute(route) for route in routes), key=lambda each: each.rank)
        self._workers = workers
        self._traffic = traffic
        self._check = check or TokenCheck({})
        self._changed = changed
        # A function behind a token serves administrators, on its open paths too.
        self._administration = {route.integration.function.name for route in routes if route.authorizer}

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        """Answer one request; never raises."""
        if len(request.body) > MAX_BODY_BYTES:
            return message(413, "Request Entity Too Large")
        for route in self._routes:
            parameters = route.match(request)
            if parameters is not None:
                if route.route.integration.function.name in self._administration:
                    return await self._administer(route, request, parameters)
                return await self._call_webhook(route, request, parameters)
        return message(404, "Not Found")

    async def _administer(
        self, route: "_CompiledRoute", request: HttpRequest, parameters: Mapping[str, str]
    ) -> HttpAnswer:
        sent = _json_of(request.body)
        self._traffic.mask_fields(sent)
        at = {"method": request.method, "path": request.path, "query": request.query}
        self._traffic.record("api", body=sent, **at)
        try:
            authorizer = self._admit(route.route, request)
        except Refused as refused:
            answer = HttpAnswer(refused.status, refused.headers, refused.body)
        else:
            event = build_http_event(request, route.key, parameters, authorizer)
            answer = await self._invoke(route.route.integration, event, None)
        self._traffic.record("api_answer", status=answer.status, body=_json_of(answer.body), **at)
        if request.method != "GET" and answer.status < 300:
            self._changed()
        return answer

    def _admit(self, route: HttpRoute, request: HttpRequest) -> dict[str, Any] | None:
        if route.authorizer is None:
            return None
        sent = [value for name, value in request.headers if name.lower() == "authorization"]
        return self._check.admit(route.authorizer, route.scopes, ",".join(sent))

    async def _call_webhook(
        self, route: "_CompiledRoute", request: HttpRequest, parameters: Mapping[str, str]
    ) -> HttpAnswer:
        event = build_http_event(request, route.key, parameters)
        fields = _twilio_fields(request)
        call_sid = fields.get("CallSid")
        at = {"method": request.method, "path": request.path, "query": request.query, "call_sid": call_sid}
        self._traffic.record("webhook", fields=fields, **at)
        answer = await self._invoke(route.route.integration, event, call_sid)
        text = answer.body.decode(errors="replace")
        content_type = dict(answer.headers).get("content-type", "")
        self._traffic.record("twiml", status=answer.status, body=text, content_type=content_type, **at)
        if answer.status >= 500:
            self._traffic.record("violation", what=f"HTTP {answer.status} to a webhook", **at)
        return answer

    async def _invoke(self, integration: Integration, event: Mapping[str, Any], call_sid: str | None) -> HttpAnswer:
        try:
            payload = json.dumps(event).encode()
            async with asyncio.timeout(integration.timeout_s):
                outcome = await self._workers.invoke(integration.function, payload)
        except (TimeoutError, Throttled):
            return message(503, "Service Unavailable")
        self._record_invoke(integration.function.name, outcome, call_sid)
        return read_answer(outcome)

    def _record_invoke(self, name: str, outcome: Outcome, call_sid: str | None) -> None:
        self._traffic.record(
            "invoke",
            function=name,
            trigger="http",
            request_id=outcome.request_id,
            duration_ms=round(outcome.duration_ms, 2),
            failed=outcome.failed,
            call_sid=call_sid,
        )


class _CompiledRoute:
    """A route's path as a pattern; exact routes come before parameters, parameters before greedy ones."""

    def __init__(self, route: HttpRoute) -> None:
        self.route = route
        self.is_default = route.path == "$default"
        self.key = "$default" if self.is_default else f"{route.method} {route.path}"
        segments = route.path.strip("/").split("/")
        self.rank = (
            self.is_default,
            [(segment.endswith("+}"), segment.startswith("{"), segment) for segment in segments],
            route.method == "ANY",
        )
        pattern = "".join(
            f"(?P<{part[1:-2]}>.+)" if part.endswith("+}") else f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("{")
            else re.escape(part)
            for part in re.split(r"(\{[^}]+\})", route.path)
        )  # fmt: skip
        self._pattern = re.compile(".*" if self.is_default else pattern)

    def match(self, request: HttpRequest) -> dict[str, str] | None:
        """The path parameters, or None if the route is another's."""
        if self.route.method not in {"ANY", request.method}:
            return None
        found = self._pattern.fullmatch(request.path)
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


def read_answer(outcome: Outcome) -> HttpAnswer:
    """Turn a function's answer into HTTP as payload format 2.0 says; a malformed one is a 500."""
    if outcome.failed:
        return message(500, "Internal Server Error")
    document = outcome.json()
    if not isinstance(document, dict) or "statusCode" not in document:
        return HttpAnswer(200, (("content-type", "application/json"),), json.dumps(document).encode())
    status, body = document["statusCode"], document.get("body")
    if isinstance(status, str) and status.isdigit():
        status = int(status)
    if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
        return message(500, "Internal Server Error")
    try:
        return HttpAnswer(status, _headers(document), _body(body, bool(document.get("isBase64Encoded"))))
    except (TypeError, ValueError):
        return message(500, "Internal Server Error")


def _headers(document: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    given = document.get("headers") or {}
    headers = [(str(name).lower(), str(value)) for name, value in given.items() if name.lower() not in _HOP_HEADERS]
    if "content-type" not in dict(headers):
        headers.append(("content-type", "text/plain;charset=UTF-8"))
    return (*headers, *(("set-cookie", str(cookie)) for cookie in document.get("cookies") or []))


def _body(body: Any, encoded: bool) -> bytes:
    if body is None:
        return b""
    if not isinstance(body, str):
        raise TypeError("the body must be a string")
    return base64.b64decode(body, validate=True) if encoded else body.encode()


def message(status: int, text: str) -> HttpAnswer:
    """API Gateway's own answers."""
    return HttpAnswer(status, (("content-type", "application/json"),), json.dumps({"message": text}).encode())


def _json_of(body: bytes) -> Any:
    """A JSON body, for the traffic feed; what is none, or long, is not shown: it could not be masked by its fields."""
    if not body:
        return None
    try:
        return json.loads(body) if len(body) <= _MOST_SHOWN else f"{len(body)} bytes"
    except (ValueError, RecursionError):
        return f"{len(body)} bytes"


def _twilio_fields(request: HttpRequest) -> dict[str, str]:
    """The parameters of a webhook, for the traffic feed."""
    text = request.query
    content_type = next((value for name, value in request.headers if name.lower() == "content-type"), "")
    if content_type.startswith("application/x-www-form-urlencoded"):
        text = f"{text}&{request.body[:65_536].decode(errors='replace')}"
    try:
        return dict(parse_qsl(text, keep_blank_values=True))
    except ValueError:
        return {}
