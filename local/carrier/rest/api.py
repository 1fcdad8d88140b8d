"""Serves the resources: recognises who asks, reads what is asked, strictly, and lets faults befall the answer."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from local.carrier.books import Account, Key
from local.carrier.exchange import Exchange, Feed
from local.carrier.rest import journal
from local.carrier.rest.accounts import Accounts
from local.carrier.rest.addresses import Addresses
from local.carrier.rest.auth_tokens import AuthTokens
from local.carrier.rest.available import AvailablePhoneNumbers
from local.carrier.rest.calls import Calls
from local.carrier.rest.dialing_permissions import DialingPermissions
from local.carrier.rest.errors import ApiError, from_code, malformed, not_found, unauthenticated
from local.carrier.rest.faults import HANG_MS, PROCESSED, RestFault, RestFaults
from local.carrier.rest.journal import Journal
from local.carrier.rest.keys import Keys
from local.carrier.rest.messages import Messages
from local.carrier.rest.numbers import IncomingPhoneNumbers
from local.carrier.rest.operation import Answer, Asked, Operation
from local.carrier.rest.params import read
from local.wire import EXTENSION

FORM: Final = "application/x-www-form-urlencoded"


class RestApi:
    """All of Twilio's REST side.

    Args:
        exchange: Its calls and its books.
        feed: Gets what no client should ever send.
    """

    def __init__(self, exchange: Exchange, feed: Feed | None = None) -> None:
        self.faults = RestFaults()
        self.journal = Journal(exchange.books.secrets)
        self.books = exchange.books
        self._feed = feed
        self.operations: list[Operation] = [
            *Accounts(self.books).operations(),
            *Keys(self.books).operations(),
            *AuthTokens(self.books).operations(),
            *AvailablePhoneNumbers(self.books).operations(),
            *IncomingPhoneNumbers(self.books).operations(),
            *Addresses(self.books).operations(),
            *Calls(exchange).operations(),
            *Messages(self.books, exchange.texting).operations(),
            *DialingPermissions(self.books).operations(),
        ]

    def routes(self) -> list[Route]:
        """A route for every path; the last takes everything nobody else takes."""
        by_path: dict[str, dict[str, Operation]] = {}
        for operation in self.operations:
            by_path.setdefault(operation.path, {})[operation.method] = operation
        routes = [Route(path, _Endpoint(self, methods)) for path, methods in by_path.items()]
        return [*routes, Route("/{rest:path}", _Endpoint(self, {}))]

    # -- one request -----------------------------------------------------------------------------------------------

    async def serve(self, request: Request, methods: Mapping[str, Operation]) -> Response | None:
        """Answer a request; ``None`` when its connection is to be broken off."""
        scope = request.scope
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        user, password = _basic(request.headers.get("authorization", ""))
        entry = self.journal.enter(request.method, path, query, user)
        content_type, form = request.headers.get("content-type", ""), await _form(request)
        self.journal.enter_form(entry, content_type, form)
        entry.resource = next((each.resource for each in methods.values()), None)
        fault = self._fault(entry, request.path_params)
        if fault is not None and fault.fault not in PROCESSED:
            return await self._harm(fault, entry, request, None)
        sent = _Sent(path, request.method, request.path_params, query, form)
        answer = await self._process(sent, methods, (user, password), entry)
        if fault is not None:
            return await self._harm(fault, entry, request, answer)
        return answer

    def _fault(self, entry: journal.Request, at: Mapping[str, str]) -> RestFault | None:
        key = self.books.keys.get(entry.user)
        sids = frozenset({entry.user, key.account_sid if key else "", at.get("AccountSid", "")})
        fault = self.faults.strike(entry.resource, entry.method, sids)
        entry.fault = fault.fault if fault else None
        return fault

    async def _process(
        self, sent: _Sent, methods: Mapping[str, Operation], credentials: tuple[str, str], entry: journal.Request
    ) -> Response:
        try:
            operation = _operation(sent, methods)
            answer = await operation.serve(self._asked(sent, operation, credentials))
        except ApiError as exc:
            entry.status, entry.code = exc.status, exc.code
            if exc.violation and self._feed is not None:
                what = f"{sent.method} {sent.path}: {exc}"
                self._feed.record("violation", source="carrier rest", what=what, code=exc.code)
            return _error(exc)
        if sent.method != "GET":
            self.books.save()
        entry.status, entry.processed = answer.status, True
        return _response(answer)

    def _asked(self, sent: _Sent, operation: Operation, credentials: tuple[str, str]) -> Asked:
        who, key = self._authenticate(*credentials)
        account = self._account(sent, who, key)
        if key is not None and not operation.keys:
            raise unauthenticated()
        for each in (who, account):
            if not self.books.is_active(each) and (each is who or not operation.while_suspended):
                raise ApiError(403, 20005, "Account not active")
        values = _values(sent, operation)
        return Asked(sent.path, sent.at, sent.query, values, who, key, account)

    def _authenticate(self, user: str, password: str) -> tuple[Account, Key | None]:
        key = self.books.keys.get(user)
        if key is not None and secrets.compare_digest(key.secret.encode(), password.encode()):
            return self.books.accounts[key.account_sid], key
        account = self.books.accounts.get(user)
        if account is None or account.status == "closed" or not account.accepts(password):
            raise unauthenticated()
        return account, None

    def _account(self, sent: _Sent, who: Account, key: Key | None) -> Account:
        """The account of the path: one's own or, with its parent's token, a subaccount."""
        sid = sent.at.get("AccountSid", who.sid)
        account = self.books.accounts.get(sid)
        if account is None or who.sid not in (account.sid, account.owner_sid):
            raise not_found(sent.path)
        if account is not who and key is not None:
            raise unauthenticated()
        return account

    # -- faults ----------------------------------------------------------------------------------------------------

    async def _harm(
        self, fault: RestFault, entry: journal.Request, request: Request, answer: Response | None
    ) -> Response | None:
        """Do what the fault says; ``answer`` is what would have been answered, if the request was processed."""
        kind = fault.fault
        if kind == "slow":
            await _wait(request, fault.ms)
            return answer
        if kind.startswith(("timeout", "reset")):
            entry.status = entry.code = None
            if kind.startswith("timeout"):
                await _wait(request, fault.ms or HANG_MS)
            return None
        error = from_code(429, fault.code, fault.message) if kind == "limit" else None
        error = error or from_code(fault.status, fault.code, fault.message)
        entry.status, entry.code = error.status, error.code
        return _error(error)


@dataclass(frozen=True)
class _Sent:
    """A request as it came, before anybody has made sense of it; ``form`` is ``None`` when the body is none."""

    path: str
    method: str
    at: Mapping[str, str]
    query: journal.Pairs
    form: journal.Pairs | None


class _Endpoint:
    """One path, as ASGI, since a connection may be broken off without an answer."""

    def __init__(self, api: RestApi, methods: Mapping[str, Operation]) -> None:
        self._api, self._methods = api, methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._api.serve(request, self._methods)
        if response is not None:
            await response(scope, receive, send)
            return
        protocol = (scope.get("extensions") or {}).get(EXTENSION)
        if protocol is None:
            raise ConnectionResetError("the carrier breaks this connection off")
        protocol.break_off()
        while (await receive())["type"] != "http.disconnect":
            pass


def _operation(sent: _Sent, methods: Mapping[str, Operation]) -> Operation:
    if not methods:
        raise not_found(sent.path, violation=True)
    operation = methods.get(sent.method)
    if operation is None:
        raise ApiError(405, 20004, f"Method not allowed: {sent.method} on {sent.path}", violation=True)
    if sent.method == "POST" and sent.form is None:
        raise ApiError(415, 20422, f"Content type must be {FORM}", violation=True)
    return operation


def _values(sent: _Sent, operation: Operation) -> dict[str, Any]:
    """The parameters: a POST's stand in its form, all others' in the query."""
    if sent.method == "POST":
        if sent.query:
            raise malformed(f"unknown parameter {sent.query[0][0]} in the query of a POST")
        return read(sent.form or [], operation.form, operation.required)
    if sent.form != []:
        raise malformed(f"a {sent.method} has no body")
    return read(sent.query, operation.query, operation.required)


def _basic(header: str) -> tuple[str, str]:
    kind, _, encoded = header.partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (user, password) if kind.lower() == "basic" else ("", "")


async def _form(request: Request) -> journal.Pairs | None:
    """The form's fields; ``None`` when the body is something else."""
    body = await request.body()
    if not body:
        return []
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM:
        return None
    return parse_qsl(body.decode(errors="replace"), keep_blank_values=True)


def _error(error: ApiError) -> Response:
    headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if error.status == 401 else {}
    return JSONResponse(error.body(), error.status, {**headers, **_request_id()})


def _response(answer: Answer) -> Response:
    if answer.body is None:
        return Response(status_code=answer.status, headers=_request_id())
    return JSONResponse(answer.body, answer.status, _request_id())


def _request_id() -> dict[str, Any]:
    return {"Twilio-Request-Id": "RQ" + secrets.token_hex(16)}


async def _wait(request: Request, ms: int) -> None:
    """Let time pass, unless the client goes away first."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(gone(), ms / 1000)
