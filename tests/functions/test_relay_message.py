"""The handler of every frame: whatever comes in, one answer goes out and nothing foreign reaches Twilio."""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from ringfold.config import NAMES
from ringfold.core.commands import ModelCalled
from tests.ports import ACCOUNT, CALL, Rig

OK = {"statusCode": 200}
CONTEXT = SimpleNamespace(aws_request_id="request-1")
URLS = {
    "PUBLIC_BASE_URL": "https://example.com",
    "RELAY_URL": "wss://example.com/dev",
    "CONNECTIONS_URL": "https://example.com/dev",
}
SETTINGS = {
    **dict.fromkeys(NAMES, "x"),
    **URLS,
    "TURN_DISPATCH": "inline",
    "HANDSHAKE_SIGNATURE": "observe",
    "LOG_LEVEL": "INFO",
}
AUTHORIZER = {
    "call_sid": CALL,
    "account_sid": ACCOUNT,
    "organization_id": "org_1",
    "conversation_id": "conv_1",
    "link_gen": "1",
}
LEGAL: dict[str, dict[str, type]] = {
    "text": {"type": str, "token": str, "last": bool, "lang": str, "interruptible": bool, "preemptible": bool},
    "end": {"type": str, "handoffData": str},
}
"""What a call's frames may hold, from the carrier's documents (tests/events/relay_to_twilio.json)."""


@pytest.fixture(scope="module")
def app() -> Iterator[Any]:
    """The function as it is deployed, imported with its settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SETTINGS, "AWS_LAMBDA_FUNCTION_NAME": "relay_message"}.items():
            patch.setenv(name, value)
        yield importlib.import_module("functions.relay_message.app")


@pytest.fixture
def rig(app: Any, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """Its service replaced by one over ports in memory; nobody waits."""
    made = Rig()
    monkeypatch.setattr(app, "relay", made.service)
    monkeypatch.setattr("ringfold.service.driver.time.sleep", lambda _: None)
    return made


_at = [1_790_000_000_000]


def an_event(body: Any, **context: Any) -> dict[str, Any]:
    """A frame as API Gateway gives it to Lambda."""
    _at[0] += 1
    about = {
        "routeKey": "$default",
        "eventType": "MESSAGE",
        "connectionId": "c1=",
        "messageId": f"m{_at[0]}",
        "requestTimeEpoch": _at[0],
        "authorizer": AUTHORIZER,
    }
    return {"requestContext": {**about, **context}, "body": body, "isBase64Encoded": False}


def says(text: str) -> str:
    return json.dumps({"type": "prompt", "voicePrompt": text, "lang": "en-US", "last": True})


def assert_legal(raw: list[str]) -> None:
    """Every posted frame is one Twilio knows, with fields of its kind and no others."""
    for text in raw:
        assert len(text.encode()) <= 32 * 1024
        frame = json.loads(text)
        fields = LEGAL[frame["type"]]
        assert set(frame) <= set(fields), text
        assert all(isinstance(value, fields[name]) for name, value in frame.items()), text
        if frame["type"] == "text":
            assert {"token", "last"} <= set(frame)


# --- the answer -------------------------------------------------------------------------------------------------------
@pytest.mark.accept("E3")
def test_a_frame_is_answered_and_the_gateway_gets_exactly_a_200(app: Any, rig: Rig) -> None:
    """No body: a route response would go to Twilio as a frame."""
    assert OK == app.handler(an_event(says("Hello")), CONTEXT)

    assert "Hello there. How can I help?" == rig.links.heard()
    assert_legal(rig.links.raw)


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "{",
        "\x00\x01\xff",
        "null",
        "[]",
        "7",
        '"text"',
        "NaN",
        '{"type": null}',
        '{"type": "prompt", "voicePrompt": 7}',
        '{"type": "prompt", "voicePrompt": "\\ud800", "last": true}',
        '{"type": "prompt", "voicePrompt": "a\\u0000b", "last": "yes"}',
        '{"type": "interrupt", "durationUntilInterruptMs": 1e999}',
        '{"type": "interrupt"}',
        '{"type": "dtmf", "digit": "12"}',
        '{"type": "setup"}',
        '{"type": "info"}',
        "[" * 100_000,
        '{"a":' * 1000 + "1" + "}" * 1000,
        json.dumps({"type": "prompt", "voicePrompt": "x" * 131_072, "last": True}),
        b"bytes",
        {"type": "prompt"},
        12,
    ],
    ids=lambda body: repr(body)[:24],
)
def test_a_frame_that_is_none_is_a_200_without_a_word(app: Any, rig: Rig, body: Any) -> None:
    """Row 24: nothing goes back, nothing is logged as an exception, another frame is served."""
    assert OK == app.handler(an_event(body), CONTEXT)

    assert [] == rig.links.posts
    assert OK == app.handler(an_event(says("Hello")), CONTEXT)
    assert rig.links.heard()


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "text",
        {},
        {"requestContext": None},
        {"requestContext": {}},
        {"ringfold_turn": None},
        {"ringfold_turn": {}},
        {"ringfold_turn": {"call_sid": "CA9", "key": "k", "part": 1}},
        {"ringfold_turn": {"call_sid": CALL, "key": "k", "part": "one"}},
    ],
    ids=repr,
)
def test_an_event_that_is_none_is_a_200(app: Any, rig: Rig, event: Any) -> None:
    """Whoever invokes the function with whatever."""
    assert OK == app.handler(event, CONTEXT)

    assert [] == rig.links.posts


@pytest.mark.parametrize(
    "context",
    [
        {"authorizer": None},
        {"authorizer": {}},
        {"authorizer": {**AUTHORIZER, "call_sid": ""}},
        {"authorizer": {**AUTHORIZER, "link_gen": ""}},
        {"authorizer": {**AUTHORIZER, "link_gen": "one"}},
        {"authorizer": {"principalId": CALL}},
        {"requestTimeEpoch": None},
        {"connectionId": None, "authorizer": {}},
    ],
    ids=repr,
)
def test_without_the_authorizers_context_nothing_happens(app: Any, rig: Rig, context: dict[str, Any]) -> None:
    """Row 39: a connection id given by somebody else opens nothing."""
    assert OK == app.handler(an_event(says("Hello"), **context), CONTEXT)

    assert ([], {}) == (rig.links.posts, rig.item()["events"])
    assert ["ERROR"] == [line["level"] for line in rig.lines]


@pytest.mark.parametrize("port", ["sessions", "connections", "model", "watchdog"])
def test_a_handler_whose_ports_break_answers_200(
    app: Any, rig: Rig, monkeypatch: pytest.MonkeyPatch, port: str
) -> None:
    """Row 58: no exception, no stack trace outside."""

    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("canary")

    broken: dict[str, Any] = {port: Broken()}
    monkeypatch.setattr(app, "relay", replace(rig.service, ports=replace(rig.ports, **broken)))
    interrupt = json.dumps({"type": "interrupt", "utteranceUntilInterrupt": "", "durationUntilInterruptMs": 1})

    assert OK == app.handler(an_event(interrupt), CONTEXT)

    assert "canary" not in json.dumps(rig.lines)


def test_a_turn_handed_over_is_carried_on(app: Any, rig: Rig) -> None:
    """By the same function, asynchronously."""
    rig.relay.turn_dispatch = "async"
    app.handler(an_event(says("Hello")), CONTEXT)
    ((call_sid, key, part),) = rig.dispatch.jobs

    assert OK == app.handler({"ringfold_turn": {"call_sid": call_sid, "key": key, "part": part}}, CONTEXT)

    assert "Hello there. How can I help?" == rig.links.heard()


# --- the log ----------------------------------------------------------------------------------------------------------
def test_no_line_at_info_tells_what_was_said_pressed_or_kept_secret(app: Any, rig: Rig) -> None:
    """Row 72, 120: canary words through every road a frame can take."""
    canaries = ["kanarienvogel", "zeisig", "73519", "goldfinch", "siskin", "linnet", "+15125550147"]
    spoken, heard, keys, tool, said, played, number = canaries
    end = ModelCalled(0, "u1", "end_call", json.dumps({"farewell": f"Goodbye {tool}."}))
    rig.model.answers = [[f"I say {said}. "], [f"I say {said}. "], [end]]
    frames: list[dict[str, Any]] = [
        {"type": "setup", "sessionId": "VX1", "callSid": CALL, "accountSid": ACCOUNT, "from": number, "to": number,
         "customParameters": {"note": spoken}},
        {"type": "prompt", "voicePrompt": f"My word is {spoken}", "lang": "en-US", "last": True},
        {"type": "interrupt", "utteranceUntilInterrupt": f"I say {heard}", "durationUntilInterruptMs": 100},
        {"type": "info", "name": "tokensPlayed", "value": f"I say {played}"},
        *({"type": "dtmf", "digit": digit} for digit in keys),
        {"type": "prompt", "voicePrompt": 7, "note": spoken},
        {"type": "interrupt", "utteranceUntilInterrupt": spoken, "durationUntilInterruptMs": spoken},
        {"type": "dtmf", "digit": keys},
        {"type": "config", "note": spoken},
        {"type": "prompt", "voicePrompt": f"Bye, {spoken}", "lang": "en-US", "last": True},
    ]  # fmt: skip

    for frame in frames:
        assert OK == app.handler(an_event(json.dumps(frame)), CONTEXT)
    assert OK == app.handler(an_event(f"{spoken}: not JSON"), CONTEXT)

    written = "\n".join(rig.raw_lines)
    assert rig.told("turn finished")
    assert "Goodbye" in rig.links.heard()
    assert [] == [canary for canary in canaries if canary in written]


def test_every_line_is_one_json_object(app: Any, rig: Rig) -> None:
    """Line breaks in what came from outside do not forge lines (row 93)."""
    app.handler(an_event(json.dumps({"type": 'x\n{"level": "ERROR", "message": "forged"}'})), CONTEXT)

    assert all("\n" not in line for line in rig.raw_lines)
    assert "forged" not in {line["message"] for line in rig.lines}


# --- whatever comes ---------------------------------------------------------------------------------------------------
WORDS = ["type", "prompt", "setup", "interrupt", "dtmf", "info", "error", "voicePrompt", "last", "digit", "name",
         "value",
         "tokensPlayed", "utteranceUntilInterrupt", "durationUntilInterruptMs", "sessionId", "callSid", "accountSid",
         CALL, ACCOUNT, "#", "5", "Hello", "\ud800", "\x00", "𝄞", "", " "]  # fmt: skip
VALUES: list[Any] = [None, True, False, 0, -1, 1e308, 2**70, "100", [], {}, [1, [2]], "x" * 9000, *WORDS]


def a_random_frame(chance: random.Random) -> Any:
    """Nearly a frame, or nothing like one."""
    shape = chance.random()
    if shape < 0.1:
        return "".join(chr(chance.randrange(1, 0x11000)) for _ in range(chance.randrange(60)))
    frame: dict[str, Any] = {chance.choice(WORDS): chance.choice(VALUES) for _ in range(chance.randrange(8))}
    if shape < 0.9:
        frame["type"] = chance.choice(
            ["prompt", "setup", "interrupt", "dtmf", "info", "error", "configUpdated", "other"]
        )
    if shape < 0.5:
        frame |= {"voicePrompt": chance.choice(["", "Hi", 3]), "digit": chance.choice(["5", "#", "55", 5])}
    text = json.dumps(frame)
    return text[: chance.randrange(len(text) + 1)] if shape > 0.95 else text


def test_ten_thousand_random_frames_raise_nothing_and_post_nothing_foreign(app: Any, rig: Rig) -> None:
    """No unhandled exception, a 200 each, and whatever goes to Twilio is a frame it knows."""
    chance = random.Random(20_261_121)
    rig.relay._admit = lambda *_: True  # type: ignore[method-assign]  # the limit is tested by itself
    calls = [f"CA{number}x" for number in range(200)]

    for number in range(10_000):
        call_sid = calls[number % len(calls)]
        if call_sid not in rig.sessions.items:
            rig.sessions.open_call(call_sid, rig.sessions.snapshots[CALL])
        who = {**AUTHORIZER, "call_sid": call_sid, "link_gen": "1"}
        assert OK == app.handler(an_event(a_random_frame(chance), authorizer=who), CONTEXT)

    assert_legal(rig.links.raw)
    assert rig.links.raw
    assert [] == rig.told("frame handler failed")
    assert [] == rig.told("a request of the turn failed unexpectedly")
