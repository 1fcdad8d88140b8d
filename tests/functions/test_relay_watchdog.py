"""The watchdog's handler: each message by itself."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from ringfold.core import events as ev
from tests.functions.test_relay_message import SETTINGS
from tests.ports import CALL, Rig

CONTEXT = SimpleNamespace(aws_request_id="request-1")


@pytest.fixture(scope="module")
def app() -> Iterator[Any]:
    """The function as it is deployed, imported with its settings."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SETTINGS, "AWS_LAMBDA_FUNCTION_NAME": "relay_watchdog"}.items():
            patch.setenv(name, value)
        yield importlib.import_module("functions.relay_watchdog.app")


@pytest.fixture
def rig(app: Any, monkeypatch: pytest.MonkeyPatch) -> Rig:
    made = Rig()
    monkeypatch.setattr(app, "relay", made.service)
    monkeypatch.setattr("ringfold.service.driver.time.sleep", lambda _: None)
    return made


def a_record(message_id: str, body: Any) -> dict[str, Any]:
    return {"messageId": message_id, "body": body if isinstance(body, str) else json.dumps(body)}


def lost_words(rig: Rig, text: str = "Hello", call_sid: str = CALL) -> dict[str, Any]:
    """A message about an utterance that nobody has stored."""
    key = ev.frame_key(1, rig.clock(), ev.PROMPT, text)
    return {
        "call_sid": call_sid,
        "key": key,
        "event": {"type": ev.PROMPT, "rid": "dead", "text": text},
        "link": [1, "c1="],
    }


def test_a_lost_utterance_is_answered(app: Any, rig: Rig) -> None:
    """And the message is done with."""
    answer = app.handler({"Records": [a_record("1", lost_words(rig))]}, CONTEXT)

    assert {"batchItemFailures": []} == answer
    assert "Hello there. How can I help?" == rig.links.heard()


def test_only_what_could_not_be_looked_at_comes_again(app: Any, rig: Rig) -> None:
    """Row 61: a poisoned message does not take the others with it."""
    records = [
        a_record("broken", "{"),
        a_record("empty", {}),
        a_record("good", lost_words(rig)),
        a_record("wrong", {"call_sid": CALL, "key": "not a key", "event": {"type": "prompt"}, "link": None}),
        {"messageId": "bodiless"},
    ]

    answer = app.handler({"Records": records}, CONTEXT)

    failed = [item["itemIdentifier"] for item in answer["batchItemFailures"]]
    assert {"broken", "empty", "bodiless"} <= set(failed) <= {"broken", "empty", "wrong", "bodiless"}
    assert "Hello there. How can I help?" == rig.links.heard()


def test_a_table_that_cannot_be_read_brings_the_message_back(app: Any, rig: Rig) -> None:
    """SQS delivers it once more."""
    rig.sessions.reads_down = True

    answer = app.handler({"Records": [a_record("1", lost_words(rig))]}, CONTEXT)

    assert {"batchItemFailures": [{"itemIdentifier": "1"}]} == answer
    assert ["DependencyError"] == [line["error"] for line in rig.told("watchdog failed")]


@pytest.mark.parametrize("call_sid", ["CA9", CALL])
def test_a_message_delivered_twice_says_nothing_twice(app: Any, rig: Rig, call_sid: str) -> None:
    """Rows 60, 67: also of a call that is gone."""
    record = a_record("1", lost_words(rig, call_sid=call_sid))

    answers = [app.handler({"Records": [record]}, CONTEXT) for _ in range(3)]

    assert [{"batchItemFailures": []}] * 3 == answers
    assert ("" if call_sid == "CA9" else "Hello there. How can I help?") == rig.links.heard()


def test_two_messages_of_one_batch_are_two_invocations(app: Any, rig: Rig) -> None:
    """Their request ids differ, or the second would take the first's events for its own."""
    app.handler({"Records": [a_record("1", lost_words(rig, "One")), a_record("2", lost_words(rig, "Two"))]}, CONTEXT)

    assert {"request-1.1", "request-1.2"} == {e["rid"] for e in rig.item()["events"].values()}


def test_what_was_said_is_not_logged(app: Any, rig: Rig) -> None:
    """A message holds the caller's words."""
    app.handler({"Records": [a_record("1", lost_words(rig, "canary")), a_record("2", '{"canary')]}, CONTEXT)

    assert "canary" not in "\n".join(rig.raw_lines)


def test_an_event_without_records_is_nothing(app: Any, rig: Rig) -> None:
    """Nothing to do, nothing failed."""
    assert {"batchItemFailures": []} == app.handler({}, CONTEXT)
