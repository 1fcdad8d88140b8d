"""The handler that remembers conversations: each message by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.insights import app
from ringfold.core.texts import Thread
from ringfold.errors import DependencyError

THREAD = Thread("org_1", "+15125550100", "sms", "+15125551234")


class Insights:
    def __init__(self) -> None:
        self.taken: list[Any] = []

    def call(self, organization_id: str, conversation_id: str) -> None:
        self.taken.append((organization_id, conversation_id))
        if conversation_id == "conv_down":
            raise DependencyError("model", "down", retryable=True)

    def quiet(self, thread: Thread, seen: int) -> None:
        self.taken.append((thread, seen))


def records(*messages: Any) -> dict[str, Any]:
    bodies = [each if isinstance(each, str) else json.dumps(each) for each in messages]
    return {"Records": [{"messageId": str(n), "body": body} for n, body in enumerate(bodies)]}


def test_each_message_is_taken_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that fails, and one that is none of ours, come again; the others are done."""
    insights = Insights()
    monkeypatch.setattr(app.bootstrap, "insights", lambda: insights)
    call = {"kind": "call", "organization_id": "org_1"}

    answer = app.handler(
        records(
            {**call, "conversation_id": "conv_down"},
            {**call, "conversation_id": "conv_1"},
            {"kind": "texts", "thread": THREAD.__dict__, "seen": 4},
            "rubbish",
        ),
        None,
    )

    assert {"batchItemFailures": [{"itemIdentifier": "0"}, {"itemIdentifier": "3"}]} == answer
    assert [("org_1", "conv_down"), ("org_1", "conv_1"), (THREAD, 4)] == insights.taken


@pytest.mark.accept("M9")
@pytest.mark.parametrize(("progress", "delays"), [("done", []), ("more", [0]), ("waiting", [app.CALL_PAUSE_S])])
def test_an_erasure_is_carried_on(monkeypatch: pytest.MonkeyPatch, progress: str, delays: list[int]) -> None:
    """Until it is done; later, while a call of the person's is going on."""
    asked: list[int] = []

    class Erasure:
        def run(self, *_: Any) -> str:
            return progress

    class Queue:
        def job(self, organization_id: str, job_id: str, delay_s: int) -> None:
            assert ("org_1", "job_1") == (organization_id, job_id)
            asked.append(delay_s)

    monkeypatch.setattr(app.bootstrap, "erasure", Erasure)
    monkeypatch.setattr(app.bootstrap, "insights_queue", Queue)

    answer = app.handler(records({"kind": "job", "organization_id": "org_1", "job_id": "job_1"}), None)

    assert ([], delays) == (answer["batchItemFailures"], asked)
