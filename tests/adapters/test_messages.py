"""Twilio's Messages resource on the wire, played by the local carrier."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from ringfold.adapters.messages import Messages, Refused
from ringfold.errors import DependencyError
from tests.twilio_spec import FORM, load_spec, needs_spec

SID, TOKEN = "AC" + "1" * 32, "token-of-this-test"
MESSAGE = {"to": "+15125551234", "sender": "+15125550100", "body": "Hi & bye"}


class Twilio:
    """Answers what it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, str, list[tuple[str, str]], list[tuple[str, str]], str]] = []
        self.url = ""


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    made = Twilio()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            parts = urlsplit(self.path)
            made.asked.append(
                (
                    self.command,
                    parts.path,
                    parse_qsl(parts.query, keep_blank_values=True),
                    parse_qsl(body, keep_blank_values=True),
                    self.headers.get("authorization", ""),
                )
            )
            status, document = made.answers.pop(0)
            text = json.dumps(document).encode() if not isinstance(document, bytes) else document
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST  # noqa: N815 - the library's name

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


def send(twilio: Twilio) -> Any:
    return Messages(twilio.url).send(SID, TOKEN, **MESSAGE, status_callback="https://a.example/api/sms/status?text=m")


def find(twilio: Twilio, since_ms: int = 0) -> Any:
    return Messages(twilio.url).find(SID, TOKEN, **MESSAGE, since_ms=since_ms)


@pytest.mark.accept("A2")
def test_a_text_is_sent_with_the_accounts_credentials(twilio: Twilio) -> None:
    """As Twilio's description has it."""
    twilio.answers = [(201, {"sid": "SM1", "status": "queued", "error_code": None})]

    taken = send(twilio)

    assert ("SM1", "queued", "") == (taken.sid, taken.state, taken.error_code)
    method, path, _query, form, authorization = twilio.asked[0]
    assert ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json") == (method, path)
    assert {"To", "From", "Body", "StatusCallback"} == set(dict(form))
    assert "Hi & bye" == dict(form)["Body"]
    assert authorization.startswith("Basic ")


@needs_spec
def test_twilio_describes_both_requests(twilio: Twilio) -> None:
    """By its own OpenAPI description."""
    spec = load_spec()
    twilio.answers = [(201, {"sid": "SM1", "status": "queued"}), (200, {"messages": []})]
    send(twilio)
    find(twilio, 1_796_100_000_000)

    for method, path, query, form, _ in twilio.asked:
        assert [] == spec.request_problems(method, path, query, form, FORM)


@pytest.mark.parametrize("code", ["21610", "21614", "21408"])
def test_what_twilio_never_sends_is_a_refusal(twilio: Twilio, code: str) -> None:
    """With Twilio's code."""
    twilio.answers = [(400, {"code": int(code), "message": "no"})]

    with pytest.raises(Refused) as caught:
        send(twilio)

    assert (code, 400) == (caught.value.code, caught.value.status)


@pytest.mark.parametrize(("status", "processed"), [(429, False), (500, None), (503, None)])
def test_what_may_work_later_can_be_tried_again(twilio: Twilio, status: int, processed: bool | None) -> None:
    """And whether it may have been sent is said."""
    twilio.answers = [(status, {"code": 20429})]

    with pytest.raises(DependencyError) as caught:
        send(twilio)

    assert not isinstance(caught.value, Refused)
    assert (True, processed) == (caught.value.retryable, caught.value.processed)


def test_a_twilio_that_is_not_there_can_be_asked_later() -> None:
    """Nobody knows whether it was sent."""
    with pytest.raises(DependencyError) as caught:
        Messages("http://127.0.0.1:9").send(SID, TOKEN, **MESSAGE, status_callback="")

    assert None is caught.value.processed


def test_a_text_that_was_sent_is_found_by_its_words(twilio: Twilio) -> None:
    """To the same number, and not an older one of the same words."""
    same = {"sid": "SM2", "body": "Hi & bye", "status": "sent", "date_created": "Tue, 01 Dec 2026 07:00:00 +0000"}
    page = {"messages": [{**same, "body": "Other", "sid": "SM1"}, same]}
    twilio.answers = [(200, page)] * 2 + [(200, {"messages": []}), (503, b"<html>")]
    at_ms = 1_796_108_400_000

    assert "SM2" == find(twilio, at_ms + 400).sid
    assert None is find(twilio, at_ms + 5000)
    assert None is find(twilio, at_ms)
    assert {"To": "+15125551234", "From": "+15125550100", "DateSent>": "2026-12-01", "PageSize": "50"} == dict(
        twilio.asked[0][2]
    )
    with pytest.raises(DependencyError):
        find(twilio, at_ms)
