"""Requests behind a guard: over real sockets, with the guard lifted for loopback by its own port."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ringfold.adapters.outbound import MAX_ANSWER_BYTES, Guard, Outbound
from ringfold.errors import DependencyError, WireError


class Server:
    """A server on loopback that answers as it is told, and keeps what it was sent."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = lambda handler: _plain(handler, 200, b'{"ok": true}')
        server = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                server.seen.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                server.answer(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any  # noqa: N815 - http.server's names

            def log_message(self, *args: Any) -> None:
                return

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://crm.test:{self.port}/orders?x=1"


def _plain(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()


def lifted(**changes: Any) -> Guard:
    """The guard of a test: loopback and plain HTTP are allowed."""
    known: dict[str, Any] = {"schemes": frozenset({"http"}), "ports": None, "allows": lambda address: True}
    return Guard(**{**known, "resolve": lambda host, port: ["127.0.0.1"], **changes})


@pytest.mark.accept("F10")
def test_a_request_arrives_as_it_was_made(server: Server) -> None:
    """With the name of the host, though the connection goes to the address."""
    answer = Outbound(lifted()).send("POST", server.url, {"X-A": "b"}, b"{}", 2.0)

    (method, path, headers, body) = server.seen[0]
    assert (200, b'{"ok": true}', False) == (answer.status, answer.body, answer.truncated)
    assert ("POST", "/orders?x=1", "b", b"{}") == (method, path, headers["x-a"], body)
    assert f"crm.test:{server.port}" == headers["host"]


@pytest.mark.accept("F10")
@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_a_name_that_leads_inside_is_not_followed(server: Server, address: str) -> None:
    """Nor one of whose addresses only one does: nothing is connected to."""
    for addresses in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
        guard = Guard(schemes=frozenset({"http"}), ports=None, resolve=lambda host, port, found=addresses: found)
        with pytest.raises(WireError, match="public internet"):
            Outbound(guard).send("GET", server.url, {}, None, 1.0)

    assert [] == server.seen


@pytest.mark.accept("F10")
def test_a_name_is_resolved_once_and_the_checked_address_is_used(server: Server) -> None:
    """A name that changes its mind between check and connection gains nothing."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    Outbound(lifted(resolve=rebinding)).send("GET", server.url, {}, None, 2.0)

    assert ["crm.test"] == asked
    assert 1 == len(server.seen)


@pytest.mark.accept("F10")
@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "https://example.com:22/",
        "https://example.com:6379/",
        "https://127.0.0.1/",
        "https://[::1]/",
    ],
)
def test_the_guard_as_it_is_deployed(url: str) -> None:
    """Https on two ports, to the public internet; numbers are checked like names."""
    with pytest.raises(WireError):
        Outbound(Guard()).send("GET", url, {}, None, 1.0)


@pytest.mark.accept("F10")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused(server: Server, status: int) -> None:
    """Wherever it points."""
    server.answer = lambda handler: _plain(handler, status, b"", Location="http://169.254.169.254/latest/meta-data")

    with pytest.raises(WireError, match="redirect"):
        Outbound(lifted()).send("GET", server.url, {}, None, 2.0)
    assert 1 == len(server.seen)


@pytest.mark.accept("F10")
def test_an_answer_is_read_up_to_a_bound(server: Server) -> None:
    """However much is sent."""
    server.answer = lambda handler: _plain(handler, 200, b"x" * (MAX_ANSWER_BYTES + 5000))

    answer = Outbound(lifted()).send("GET", server.url, {}, None, 2.0)

    assert (MAX_ANSWER_BYTES, True) == (len(answer.body), answer.truncated)


def test_an_answer_that_drips_is_cut_off(server: Server) -> None:
    """Each byte comes in time, the whole does not."""
    over = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not over.wait(0.05):
            try:
                handler.wfile.write(b"x")
                handler.wfile.flush()
            except OSError:
                return

    server.answer = drip
    began = time.monotonic()
    try:
        with pytest.raises(DependencyError) as caught:
            Outbound(lifted()).send("GET", server.url, {}, None, 0.5)
    finally:
        over.set()

    assert caught.value.processed is None
    assert time.monotonic() - began < 2.0


def test_what_could_not_be_sent_is_told_apart_from_what_got_no_answer(server: Server) -> None:
    """Only the first may be repeated whatever it does."""
    server.answer = lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)
    with pytest.raises(DependencyError) as unanswered:
        Outbound(lifted()).send("POST", server.url, {}, b"{}", 1.0)
    port = server.port
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(DependencyError) as unsent:
        Outbound(lifted()).send("POST", f"http://crm.test:{port}/", {}, b"{}", 1.0)

    assert (None, False) == (unanswered.value.processed, unsent.value.processed)


def test_a_host_without_an_address_is_a_failure_of_theirs() -> None:
    """Not a setting to be refused."""

    def nobody(host: str, port: int) -> list[str]:
        raise OSError

    with pytest.raises(DependencyError, match="host not found"):
        Outbound(Guard(resolve=nobody)).send("GET", "https://example.com/", {}, None, 1.0)
