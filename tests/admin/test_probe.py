"""Twilio's part in a trial call, over real sockets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest
from websockets.sync.server import ServerConnection, serve

from ringfold.core.signature import parse_form, verify_handshake, verify_webhook
from ringfold.errors import DependencyError
from ringfold_admin.probe import MOST_BYTES, Probe

FORM = {"CallSid": "CAverify1", "To": "+15125550100", "Body": "ä&="}
TOKEN = "token"


@dataclass
class Peer:
    """A webhook and a WebSocket."""

    url: str = ""
    relay_url: str = ""
    status: int = 200
    body: bytes = b"<Response/>"
    location: str = ""
    asked: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)
    handshakes: list[dict[str, str]] = field(default_factory=list)


@pytest.fixture
def peer() -> Iterator[Peer]:
    """On loopback, on free ports."""
    peer = Peer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            """Nothing is printed."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            peer.asked.append((body, dict(self.headers)))
            self.send_response(peer.status)
            if peer.location:
                self.send_header("Location", peer.location)
            self.send_header("Content-Length", str(len(peer.body)))
            self.end_headers()
            self.wfile.write(peer.body)

    def relay(connection: ServerConnection) -> None:
        assert connection.request
        peer.handshakes.append(dict(connection.request.headers))
        for raw in connection:
            frame = json.loads(raw)
            if frame["type"] == "close":
                return
            connection.send(raw if frame["type"] != "junk" else "no json")

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sockets = serve(relay, "127.0.0.1", 0)
    peer.url = f"http://127.0.0.1:{web.server_port}/api/voice/incoming"
    peer.relay_url = f"ws://127.0.0.1:{sockets.socket.getsockname()[1]}/dev"
    threads = [threading.Thread(target=web.serve_forever, args=(0.02,)), threading.Thread(target=sockets.serve_forever)]
    for thread in threads:
        thread.start()
    yield peer
    web.shutdown()
    web.server_close()
    sockets.shutdown()
    for thread in threads:
        thread.join()


def test_a_webhook_is_signed_as_twilio_signs(peer: Peer) -> None:
    """What verifies Twilio verifies it."""
    answer = Probe([peer.url]).post(peer.url, FORM, TOKEN, 5)

    body, headers = peer.asked[0]
    kind, signature = headers["Content-Type"], headers["X-Twilio-Signature"]
    assert (200, "<Response/>") == (answer.status, answer.text)
    assert FORM == dict(parse_qsl(body.decode()))
    assert verify_webhook(peer.url, parse_form(body), body, kind, signature, [TOKEN])


def test_it_can_be_left_unsigned(peer: Peer) -> None:
    """To see whether that is refused."""
    Probe([peer.url]).post(peer.url, FORM, TOKEN, 5, sign=False)

    assert "X-Twilio-Signature" not in peer.asked[0][1]


def test_no_redirect_is_followed_and_no_flood_is_read(peer: Peer) -> None:
    """Wherever an administrator's URL leads, it leads no further."""
    peer.status, peer.location, peer.body = 302, "http://127.0.0.1:1/", b"x" * (2 * MOST_BYTES)

    answer = Probe([peer.url]).post(peer.url, FORM, TOKEN, 5)

    assert (302, MOST_BYTES, 1) == (answer.status, len(answer.text), len(peer.asked))


def test_a_relay_session_is_opened_as_twilio_opens_it(peer: Peer) -> None:
    """Signed over the URL with its query; frames go both ways."""
    url = f"{peer.relay_url}?token=a.b"

    with Probe([peer.relay_url]).session(url, TOKEN, 5) as session:
        session.send({"type": "setup"})
        echoed = session.receive(5)
        nothing = session.receive(0.05)

    signature = next(value for name, value in peer.handshakes[0].items() if name.lower() == "x-twilio-signature")
    assert ({"type": "setup"}, None) == (echoed, nothing)
    assert verify_handshake(peer.relay_url, [("token", "a.b")], signature, [TOKEN])


@pytest.mark.parametrize("kind", ["close", "junk"])
def test_a_session_that_breaks_is_told(peer: Peer, kind: str) -> None:
    """Closed, or speaking something else."""
    with Probe([peer.relay_url]).session(peer.relay_url, TOKEN, 5) as session:
        session.send({"type": kind})

        with pytest.raises(DependencyError, match=r"closed|no JSON"):
            session.receive(5)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://127.0.0.1:9/x", "not a public one"),
        ("https://169.254.169.254/latest/meta-data", "not a public one"),
        ("https://[::1]/x", "not a public one"),
        ("https://10.0.0.1/x", "not a public one"),
        ("http://127.0.0.1:9001/2018-06-01/runtime", "public https"),
        ("https://no-such-host.invalid/x", "not known"),
        ("ftp://example.com/x", "public https"),
    ],
)
def test_only_public_addresses_are_asked(url: str, told: str) -> None:
    """A base URL that somebody sets must not open what only this deployment can reach."""
    with pytest.raises(DependencyError, match=told):
        Probe(["http://127.0.0.1:8000"]).post(url, FORM, TOKEN, 1)
    with pytest.raises(DependencyError, match=told), Probe([]).session(url.replace("http", "ws", 1), TOKEN, 1):
        pass


def test_an_address_where_nothing_listens_is_told() -> None:
    """In a word, without anybody's text."""
    url = "http://127.0.0.1:9/x"

    with pytest.raises(DependencyError, match="endpoint: NewConnectionError"):
        Probe([url]).post(url, FORM, TOKEN, 1)
    with (
        pytest.raises(DependencyError, match="relay: "),
        Probe(["ws://127.0.0.1:9"]).session("ws://127.0.0.1:9", TOKEN, 1),
    ):
        pass


def test_its_time_only_grows() -> None:
    """Waiting takes as long as it is told to."""
    begun = Probe.now()

    Probe.pause(0)

    assert Probe.now() >= begun
