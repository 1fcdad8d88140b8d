"""Posting to callers: what goes over the wire, and what each answer means."""

from __future__ import annotations

import datetime as dt
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import botocore.auth
import botocore.session
import pytest
from botocore.config import Config

from ringfold.adapters import connections
from ringfold.adapters.connections import Connections
from ringfold.errors import ConnectionGone, DependencyError

FRAME = '{"type":"text","token":"Héllo ☎ ","last":false}'
NOW = dt.datetime(2026, 11, 21, 12, 0, 0, tzinfo=dt.UTC)


def session() -> botocore.session.Session:
    """A session with keys that open nothing."""
    made = botocore.session.Session()
    made.set_credentials("AKIDEXAMPLE", "wJalrXUtnFEMI", "a-session-token")
    return made


class Gateway:
    """A socket that keeps what it is sent, byte for byte, and answers as told; ``None`` breaks the connection."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []
        self.accepted = 0
        self.answer: Callable[[], bytes | None] = lambda: reply(200)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.getsockname()[1]}"

    def close(self) -> None:
        if self._server.fileno() >= 0:
            self._server.shutdown(socket.SHUT_RDWR)  # closing alone does not wake the thread that accepts
        self._server.close()
        for connection in self._open:
            connection.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self.accepted += 1
            self._open.append(connection)
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            while request := read_request(connection):
                self.requests.append(request)
                answer = self.answer()
                if answer is None:
                    connection.shutdown(socket.SHUT_RDWR)
                    return
                connection.sendall(answer)
        except OSError:
            return


def reply(status: int, more: str = "") -> bytes:
    return f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n{more}\r\n".encode()


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            return b""
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    size = int(fields_of(data).get("content-length", "0"))
    while len(body) < size:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def line_of(request: bytes) -> str:
    """The request line."""
    return request.split(b"\r\n")[0].decode()


def fields_of(request: bytes) -> dict[str, str]:
    """The headers, names in lower case."""
    lines = request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    yield made
    made.close()


@pytest.fixture
def links(gateway: Gateway) -> Iterator[Connections]:
    made = Connections(f"{gateway.url}/prod", session(), "eu-central-1")
    yield made
    made._pool.clear()


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both signers read this clock."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: NOW.replace(tzinfo=None))


def by_botocore(gateway: Gateway, connection_id: str, frame: str) -> bytes:
    """The same post by botocore's own client, given the content type that ours states."""
    config = Config(retries={"total_max_attempts": 1})
    client: Any = session().create_client(
        "apigatewaymanagementapi", region_name="eu-central-1", endpoint_url=f"{gateway.url}/prod", config=config
    )
    client.meta.events.register(
        "before-sign.*", lambda request, **_: request.headers.__setitem__("Content-Type", "application/json")
    )
    client.post_to_connection(ConnectionId=connection_id, Data=frame.encode())
    client.close()
    return gateway.requests[-1]


@pytest.mark.usefixtures("frozen")
@pytest.mark.parametrize("connection_id", ["L0SM9cOFvHcCIhw=", "a+b/c==", "plain", "Zy_-~.=", "%3D", "ü ä"])
def test_a_post_is_signed_as_botocores_own_client_signs_it(
    gateway: Gateway, links: Connections, connection_id: str
) -> None:
    """Request line, signature, date, token and body, byte for byte, whatever the id holds."""
    theirs = by_botocore(gateway, connection_id, FRAME)

    links.post(connection_id, FRAME)

    ours = gateway.requests[-1]
    assert line_of(theirs) == line_of(ours)
    assert theirs.partition(b"\r\n\r\n")[2] == ours.partition(b"\r\n\r\n")[2] == FRAME.encode()
    for name in ("authorization", "x-amz-date", "x-amz-security-token", "host", "content-type"):
        assert fields_of(theirs)[name] == fields_of(ours)[name]


def test_an_id_cannot_leave_its_place_in_the_path(gateway: Gateway, links: Connections) -> None:
    """It comes from outside: no slash, no query, no way up."""
    links.post("../../other?x=1#y", FRAME)

    assert "POST /prod/@connections/..%2F..%2Fother%3Fx%3D1%23y HTTP/1.1" == line_of(gateway.requests[-1])


def test_posts_share_one_connection(gateway: Gateway, links: Connections) -> None:
    """Warmed while the greeting plays, used by every frame."""
    links.warm()
    for _ in range(5):
        links.post("c1=", FRAME)

    assert (6, 1) == (len(gateway.requests), gateway.accepted)


# --- what answers mean ------------------------------------------------------------------------------------------------
def test_a_landed_post_says_nothing(gateway: Gateway, links: Connections) -> None:
    """One request, no more."""
    links.post("c1=", FRAME)

    assert 1 == len(gateway.requests)


def test_a_closed_link_is_gone(gateway: Gateway, links: Connections) -> None:
    """410 closes that link only; that is for the turn to judge."""
    gateway.answer = lambda: reply(410)

    with pytest.raises(ConnectionGone):
        links.post("c1=", FRAME)


@pytest.mark.parametrize(
    ("status", "processed"),
    [(429, False), (413, False), (403, False), (500, None), (502, None), (504, None), (302, None), (404, None)],
)
def test_other_answers_say_whether_the_frame_was_delivered(
    gateway: Gateway, links: Connections, status: int, processed: bool | None
) -> None:
    """Row 33: certainly not, or unknown; never sent again by itself."""
    gateway.answer = lambda: reply(status, "location: http://127.0.0.1:1/elsewhere\r\n")

    with pytest.raises(DependencyError) as caught:
        links.post("c1=", FRAME)

    assert (processed, str(status)) == (caught.value.processed, caught.value.code)
    assert 1 == len(gateway.requests)


def test_a_gateway_that_does_not_answer_in_time_may_have_delivered(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 33: bytes were sent; once."""
    monkeypatch.setattr(connections, "READ_TIMEOUT_S", 0.15)

    def late() -> bytes:
        time.sleep(0.5)
        return reply(200)

    gateway.answer = late

    with pytest.raises(DependencyError) as caught:
        Connections(gateway.url, session(), "us-east-1").post("c1=", FRAME)

    assert caught.value.processed is None
    assert 1 == len(gateway.requests)


def test_a_broken_connection_may_have_delivered(gateway: Gateway, links: Connections) -> None:
    """Row 33: reset after the request."""
    gateway.answer = lambda: None

    with pytest.raises(DependencyError) as caught:
        links.post("c1=", FRAME)

    assert caught.value.processed is None


def test_a_connection_that_cannot_be_made_delivered_nothing(gateway: Gateway, links: Connections) -> None:
    """Nobody listens: the frame may be sent again."""
    gateway.close()

    with pytest.raises(DependencyError) as caught:
        links.post("c1=", FRAME)

    assert caught.value.processed is False


def test_a_connection_the_gateway_closed_meanwhile_is_not_used(gateway: Gateway, links: Connections) -> None:
    """Row 46: between two turns a worker is frozen, and sockets die; the next post is delivered, once."""
    links.post("c1=", FRAME)
    for connection in gateway._open:
        connection.shutdown(socket.SHUT_RDWR)
    time.sleep(0.05)  # until the end has come over loopback

    links.post("c1=", FRAME)

    assert (2, 2) == (len(gateway.requests), gateway.accepted)


def test_warming_up_never_fails(gateway: Gateway, links: Connections) -> None:
    """The answer does not matter, nor whether there is one."""
    gateway.answer = lambda: reply(403)
    links.warm()
    gateway.close()
    links.warm()


def test_errors_hold_nothing_that_was_said(gateway: Gateway, links: Connections) -> None:
    """They go to the log."""
    gateway.answer = lambda: reply(500)

    with pytest.raises(DependencyError) as caught:
        links.post("c1=", FRAME.replace("Héllo", "canary"))

    assert "canary" not in str(caught.value)


def test_frames_in_parallel_do_not_mix(gateway: Gateway, links: Connections) -> None:
    """Two calls speak at once from one worker."""
    frames = [f'{{"n":{n}}}' for n in range(12)]
    threads = [threading.Thread(target=links.post, args=(f"c{n}", frame)) for n, frame in enumerate(frames)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    sent: dict[str, Any] = {
        line_of(request).split()[1].rpartition("/")[2]: request.partition(b"\r\n\r\n")[2].decode()
        for request in gateway.requests
    }
    assert {f"c{n}": frame for n, frame in enumerate(frames)} == sent
