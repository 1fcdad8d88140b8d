"""The handler of the voice webhooks: any request in, TwiML out; see tests/service/test_incoming.py for calls."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.incoming import app
from ringfold import bootstrap
from ringfold.core.signature import webhook_signature
from tests.world import BASE, World, call_params, http_event, parse_twiml, relay_of, spoken

PATH = "/api/voice/incoming"
JSON = {"content-type": "application/json"}


def test_a_body_comes_plain_or_in_base64(world: World) -> None:
    """The gateway encodes bodies or not; both are read."""
    carrier = world.carriers["acc_skyowl"]
    event = http_event(PATH, call_params(carrier), auth_token=carrier.auth_token)
    plain = {**event, "body": urlencode(call_params(carrier)), "isBase64Encoded": False}

    answers = [app.handler(each, None) for each in (event, plain)]

    assert answers[0] == answers[1]
    assert relay_of(answers[0]).get("url")


def test_a_stage_in_the_path_belongs_to_the_base_url(world: World) -> None:
    """What the gateway puts before our path is no part of what we append to the base URL."""
    carrier = world.carriers["acc_skyowl"]
    event = http_event(PATH, call_params(carrier), auth_token=carrier.auth_token)

    answer = app.handler({**event, "rawPath": f"/prod{PATH}"}, None)

    assert relay_of(answer).get("url")


def test_a_query_of_the_webhook_url_is_signed_too(world: World) -> None:
    """A voice URL configured with a query is verified with it."""
    carrier = world.carriers["acc_skyowl"]
    event = http_event(PATH, call_params(carrier), auth_token=carrier.auth_token, query="a=b%20c&d=")

    answers = [app.handler(event, None), app.handler({**event, "rawQueryString": ""}, None)]

    assert [200, 403] == [answer["statusCode"] for answer in answers]


@pytest.mark.accept("G6")
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"&&&===",
        b"CallSid=CA1&CallSid=CA2&AccountSid=AC1",
        b"%ZZ%&%=%C3%28&\xff\xfe=\x00",
        b"CallSid=" + b"x" * 70_000,
        b"a=b&" * 5000,
        b"x" * 300_000,
        b'{"CallSid": "CA1"}',
    ],
    ids=["empty", "separators", "repeated", "broken", "64 kB", "5000 fields", "300 kB", "JSON"],
)
@pytest.mark.parametrize("path", [PATH, "/api/voice/status", "/api/voice/action/conv_1"])
@pytest.mark.parametrize("signed", [True, False])
def test_a_hostile_body_is_refused(world: World, raw: bytes, path: str, signed: bool) -> None:
    """Missing, repeated, broken and huge fields are refused, signed or not, and never an error."""
    token = world.carriers["acc_skyowl"].auth_token if signed else ""

    answer = app.handler(http_event(path, raw, auth_token=token), None)

    assert 403 == answer["statusCode"]
    assert [] == list(parse_twiml(answer))
    assert not world.items("CALL#")


def test_a_field_given_twice_is_refused(world: World) -> None:
    """Two different CallSids say nothing, even where Twilio's algorithm would sign both."""
    carrier = world.carriers["acc_skyowl"]
    raw = (urlencode(call_params(carrier)) + "&CallSid=CA" + "2" * 32).encode()

    answer = app.handler(http_event(PATH, raw, auth_token=carrier.auth_token), None)

    assert 403 == answer["statusCode"]


def test_unknown_and_blank_fields_are_signed_and_ignored(world: World) -> None:
    """Twilio adds fields without notice; they count for the signature, and for nothing else."""
    carrier = world.carriers["acc_skyowl"]
    params = call_params(carrier, FromCity="", StirVerstat="TN-Validation-Passed-A", Brandnew="ÄÖ +&=%")

    answer = app.handler(http_event(PATH, params, auth_token=carrier.auth_token), None)

    assert relay_of(answer).get("url")


@pytest.mark.parametrize("wrong", [True, False])
def test_a_json_body_with_a_hash_is_no_call(world: World, wrong: bool) -> None:
    """A JSON body is verified by its hash, and names no call either way."""
    carrier, body = world.carriers["acc_skyowl"], b'{"CallSid":"CA1"}'
    digest = "0" * 64 if wrong else hashlib.sha256(body).hexdigest()
    query = f"bodySHA256={digest}"
    event = http_event(PATH, body, query=query, headers=JSON)
    event["headers"]["x-twilio-signature"] = webhook_signature(f"{BASE}{PATH}?{query}", [], carrier.auth_token)

    assert 403 == app.handler(event, None)["statusCode"]


def test_a_shared_key_signature_is_refused_loudly(world: World) -> None:
    """A request signed with a key we do not hold is refused, and the log says what to change."""
    carrier = world.carriers["acc_skyowl"]
    header = {"x-twilio-webhooks-signature-settings": "key=KS1,algorithm=HMAC_SHA256"}

    answer = app.handler(http_event(PATH, call_params(carrier), auth_token=carrier.auth_token, headers=header), None)

    assert 403 == answer["statusCode"]
    assert any("SharedKey" in line.get("reason", "") for line in world.lines)


@pytest.mark.parametrize(
    "change",
    [
        {"body": "%%%not base64%%%"},
        {"rawPath": "/elsewhere"},
        {"rawPath": "/api/voice/nothing"},
        {"headers": None},
        {"body": None},
    ],
    ids=str,
)
def test_an_odd_event_is_refused(world: World, change: dict[str, Any]) -> None:
    """Whatever the gateway hands over, the answer is TwiML."""
    answer = app.handler({**http_event(PATH, {"a": "b"}), **change}, None)

    assert 403 == answer["statusCode"]
    assert [] == list(parse_twiml(answer))


@pytest.mark.parametrize("path", [PATH, "/api/voice/status", "/api/voice/action/conv_1"])
def test_an_unexpected_exception_is_spoken_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    """A bug of ours: the caller hears a sentence, the log names the place and not what was sent."""

    def fail() -> Any:
        raise RuntimeError("canary of the caller")

    monkeypatch.setattr(bootstrap, "voice_service", fail)

    answer = app.handler(http_event(path, {"CallSid": "CA1"}), None)

    assert 200 == answer["statusCode"]
    assert spoken(answer)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [("ERROR", "RuntimeError")] == [(line["level"], line["error"]) for line in lines]
    assert "canary" not in json.dumps(lines)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    fields=st.dictionaries(
        st.sampled_from(["CallSid", "AccountSid", "To", "From", "CallStatus", "SessionStatus", "SessionId", "x"]),
        st.text(max_size=60).filter(lambda text: text.isprintable()),
    ),
    path=st.sampled_from([PATH, "/api/voice/status", "/api/voice/action/conv_1"]),
)
def test_any_form_is_answered_with_twiml(world: World, fields: dict[str, str], path: str) -> None:
    """However odd a correctly signed form is, the answer is TwiML and no exception is logged."""
    carrier = world.carriers["acc_skyowl"]
    sent = {"AccountSid": carrier.account_sid, "CallSid": "CA" + "7" * 32, **fields}

    answer = app.handler(http_event(path, sent, auth_token=carrier.auth_token), None)

    assert answer["statusCode"] in {200, 403}
    parse_twiml(answer)
