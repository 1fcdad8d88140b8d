"""The message webhooks' handler: the HTTP API's event in, an empty TwiML document out."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from functions.sms_webhook import app
from ringfold.core import twiml
from ringfold.service.answers import Reply


class Texting:
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []

    def incoming(self, request: Any) -> Reply:
        self.asked.append(("incoming", request))
        return Reply(twiml.empty())

    def status(self, request: Any) -> Reply:
        self.asked.append(("status", request))
        return Reply(twiml.empty())


@pytest.fixture
def texting(monkeypatch: pytest.MonkeyPatch) -> Texting:
    made = Texting()
    monkeypatch.setattr(app.bootstrap, "texting", lambda: made)
    return made


def event(path: str, body: str = "", *, method: str = "POST", encoded: bool = False) -> dict[str, Any]:
    raw = base64.b64encode(body.encode()).decode() if encoded else body
    return {
        "rawPath": path,
        "rawQueryString": "text=msg_1",
        "headers": {"x-twilio-signature": "s"},
        "requestContext": {"http": {"method": method}},
        "isBase64Encoded": encoded,
        "body": raw,
    }


@pytest.mark.accept("G5")
@pytest.mark.parametrize("encoded", [True, False])
def test_each_route_goes_to_its_service(texting: Texting, encoded: bool) -> None:
    """With the body as Twilio sent it, below whatever stage."""
    answers = [
        app.handler(event(path, "Body=Hello&From=%2B1", encoded=encoded), None)
        for path in ("/api/sms/incoming", "/dev/api/sms/status")
    ]

    assert ["incoming", "status"] == [name for name, _ in texting.asked]
    assert {b"Body=Hello&From=%2B1"} == {request.body for _, request in texting.asked}
    assert [("text", "msg_1")] == texting.asked[1][1].query
    assert [(200, "text/xml; charset=utf-8")] * 2 == [
        (each["statusCode"], each["headers"]["content-type"]) for each in answers
    ]


def test_rubbish_is_refused_and_a_fault_of_ours_told(texting: Texting, monkeypatch: pytest.MonkeyPatch) -> None:
    """403, and 503 with valid TwiML after which Twilio asks the fallback."""
    broken = {**event("/api/sms/incoming", encoded=True), "body": "%%%"}
    elsewhere = event("/api/other")

    assert [403, 403] == [app.handler(each, None)["statusCode"] for each in (broken, elsewhere)]
    monkeypatch.setattr(texting, "incoming", None)
    answer = app.handler(event("/api/sms/incoming"), None)
    assert (503, twiml.empty()) == (answer["statusCode"], answer["body"])
