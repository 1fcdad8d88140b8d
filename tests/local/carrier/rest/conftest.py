"""A carrier behind real HTTP, Twilio's SDK pointed at it, and a judge of every answer that passes between them."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.rest import Client

from local.carrier.app import build_carrier
from local.carrier.books import Books
from local.carrier.call import CallEnd
from local.processes import free_port
from local.supervisor import make_server
from local.traffic import Traffic
from tests.local.carrier.fake_app import BRISK
from tests.twilio_client import RebasedHttpClient, client_of
from tests.twilio_spec import SPEC_FILE, load_spec

SID, TOKEN = "AC" + "a" * 32, "token-of-the-account"
OTHER_SID, OTHER_TOKEN = "AC" + "b" * 32, "token-of-another"
RUN: dict[str, Any] = {
    "accounts": [
        {"id": "acc_1", "account_sid": SID, "auth_token": TOKEN},
        {"id": "acc_2", "account_sid": OTHER_SID, "auth_token": OTHER_TOKEN},
    ],
    "numbers": [
        {"id": "num_1", "phone_number": "+15125550100", "account_id": "acc_1", "routing_mode": "fixed"},
        {"id": "num_2", "phone_number": "+15125550120", "account_id": "acc_2", "routing_mode": "fixed"},
    ],
}
API = f"/2010-04-01/Accounts/{SID}"
MOUNT = "/local/carrier"


WAIT = "<Response><Pause length='3600'/></Response>"


@dataclass(frozen=True)
class Hook:
    """A webhook the carrier has made."""

    method: str
    url: str
    params: dict[str, str]
    signature: str


class Stage:
    """What the one server of all these tests serves at the moment: a carrier, and what its webhooks are answered.

    Attributes:
        hooks: The webhooks that came.
        answers: TwiML by path; what has none is told to wait. A number is answered as a status.
    """

    def __init__(self) -> None:
        self.carrier: ASGIApp = Starlette()
        self.hooks: list[Hook] = []
        self.answers: dict[str, str] = {}
        self.loop = asyncio.new_event_loop()
        self._app = Starlette(
            routes=[Mount(MOUNT, app=self._serve_carrier), Route("/{path:path}", self._hook, methods=["GET", "POST"])]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    async def _serve_carrier(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.carrier(scope, receive, send)

    async def _hook(self, request: Request) -> Response:
        body = (await request.body()).decode()
        params = dict(parse_qsl(body, keep_blank_values=True))
        signature = request.headers.get("x-twilio-signature", "")
        self.hooks.append(Hook(request.method, str(request.url), params, signature))
        answer = self.answers.get(request.url.path, WAIT)
        if answer.isdigit():
            return Response(status_code=int(answer))
        return Response(answer, media_type="text/xml")

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do something where the server lives."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)


@dataclass
class Carrier:
    """A carrier of a test's own, and clients of it."""

    url: str
    stage: Stage
    http: httpx.Client
    books_file: Path | None = None
    app: Any = None
    traffic: Traffic = field(default_factory=Traffic)
    clients: list[RebasedHttpClient] = field(default_factory=list)

    def start(self, run: dict[str, Any] = RUN) -> None:
        """Begin, or begin again with the same books."""
        self.stop()
        run = {"public_base_url": self.url, **run}
        self.app = build_carrier(run, self.traffic, manners=BRISK, books_file=self.books_file)
        self.stage.carrier = self.app

    def stop(self) -> None:
        """Hang up on everybody."""
        if self.app is not None:
            self.stage.run(self.app.state.exchange.close())
            self.app = None

    @property
    def books(self) -> Books:
        books: Books = self.app.state.exchange.books
        return books

    def sdk(
        self, user: str = SID, password: str = TOKEN, account_sid: str | None = None, timeout_s: float = 10
    ) -> Client:
        """Twilio's SDK with these credentials."""
        http = RebasedHttpClient(self.url + MOUNT, timeout_s)
        self.clients.append(http)
        return client_of(http, user, password, account_sid)

    def raw(
        self, method: str, path: str, auth: tuple[str, str] | None = (SID, TOKEN), timeout: float = 10, **more: Any
    ) -> httpx.Response:
        """A request written by hand, below the carrier's base."""
        return self.http.request(method, self.url + MOUNT + path, auth=auth, timeout=timeout, **more)

    def control(self, method: str, path: str, **more: Any) -> Any:
        """The control interface; gives the answer's document."""
        return self.raw(method, path, auth=None, **more).json()

    def sign_up(self, **fields: str) -> tuple[str, str]:
        """A new account's SID and token."""
        made = self.control("POST", "/accounts", json=fields)
        return made["sid"], made["auth_token"]

    def faults(self, *faults: dict[str, Any]) -> None:
        answer = self.raw("PUT", "/rest/faults", auth=None, json={"faults": list(faults)})
        assert 200 == answer.status_code, answer.text

    def requests(self) -> list[dict[str, Any]]:
        """The record of requests."""
        found: list[dict[str, Any]] = self.control("GET", "/rest/requests")["requests"]
        return found

    def violations(self, source: str = "carrier rest") -> list[str]:
        found = self.traffic.records(kind="violation")
        return [each["what"] for each in found if each["source"] == source]

    def call(self, to: str, **more: str) -> str:
        """Place a call; gives its SID."""
        placed: str = self.control("POST", "/calls", json={"to": to, **more})["id"]
        return placed

    def hooks(self, count: int = 0) -> list[Hook]:
        """The webhooks that came, once there are so many."""
        deadline_s = time.monotonic() + 10
        while len(self.stage.hooks) < count and time.monotonic() < deadline_s:
            time.sleep(0.01)
        return list(self.stage.hooks)

    def ended(self, call_sid: str) -> CallEnd:
        """How the call ended, once it has."""
        end: CallEnd = self.stage.run(self.app.state.exchange.calls[call_sid].ended())
        return end


@pytest.fixture(scope="session")
def stage() -> Iterator[tuple[str, Stage]]:
    """One server for all these tests; each puts its own carrier on it."""
    stage, port = Stage(), free_port()
    server = make_server(stage, port)
    thread = threading.Thread(target=lambda: stage.loop.run_until_complete(server.serve()))
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}", stage
    server.should_exit = True
    thread.join()
    stage.loop.close()


@pytest.fixture
def carrier(stage: tuple[str, Stage], tmp_path: Path) -> Iterator[Carrier]:
    """A carrier; when the test is over, everything its SDKs exchanged is held against Twilio's description."""
    url, board = stage
    board.hooks, board.answers = [], {}
    # No certificates: loading them takes longer than most of these tests.
    with httpx.Client(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False) as http:
        carrier = Carrier(url, board, http, tmp_path / "carrier.json")
        carrier.start()
        yield carrier
        carrier.stop()
    for client in carrier.clients:
        client.close()
    if SPEC_FILE.exists():
        assert [] == wrong_exchanges(carrier)


def wrong_exchanges(carrier: Carrier) -> list[str]:
    """What of the SDKs' exchanges is not as Twilio describes it: any answer, and any request that was not refused."""
    spec = load_spec()
    wrong: list[str] = []
    for each in (each for client in carrier.clients for each in client.exchanged if spec.describes(each.path)):
        body = json.loads(each.text) if each.text else None
        wrong += spec.answer_problems(each.method, each.path, each.status, body)
        if each.status < 400:
            wrong += spec.request_problems(each.method, each.path, each.query, each.form, each.content_type)
    return wrong


@pytest.fixture
def sdk(carrier: Carrier) -> Client:
    """The SDK as the first account."""
    return carrier.sdk()


def refusal(request: Any) -> tuple[int, int | None]:
    """Status and code of the refusal a request must get; the SDK wraps that of a list differently."""
    with pytest.raises(TwilioException) as caught:
        request()
    if isinstance(caught.value, TwilioRestException):
        return caught.value.status, caught.value.code
    response = caught.value.args[1]
    return response.status_code, json.loads(response.text)["code"]
