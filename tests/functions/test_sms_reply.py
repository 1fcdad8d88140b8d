"""The handler that answers texts: each thread by itself, in order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.sms_reply import app
from ringfold.core.texts import Thread
from ringfold.errors import DependencyError

CONTACTS = ("+15125550001", "+15125550002")


def record(n: int, contact: str) -> dict[str, Any]:
    thread = Thread("org_1", "+15125550100", "sms", contact)
    body = {"message_id": f"msg_{n}", "thread": thread.__dict__, "account_id": "acc_1"}
    return {
        "messageId": str(n),
        "body": json.dumps(body),
        "receiptHandle": f"r{n}",
        "attributes": {"MessageGroupId": contact, "ApproximateReceiveCount": "2"},
    }


class Queue:
    """Notes what is to come again."""

    def __init__(self) -> None:
        self.again: list[tuple[str, int]] = []

    def come_again(self, receipt_handle: str, received: int) -> None:
        self.again.append((receipt_handle, received))


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    made = Queue()
    monkeypatch.setattr(app.bootstrap, "reply_queue", lambda: made)
    return made


class Replies:
    def __init__(self, down: str = "") -> None:
        self.answered: list[str] = []
        self._down = down

    def answer(self, thread: Thread, _account_id: str) -> None:
        self.answered.append(thread.contact)
        if thread.contact == self._down:
            raise DependencyError("twilio", "down", retryable=True)


def test_a_thread_that_fails_keeps_its_order_and_stops_no_other(monkeypatch: pytest.MonkeyPatch, queue: Queue) -> None:
    """Its later messages come again with it, untried."""
    replies = Replies(CONTACTS[0])
    monkeypatch.setattr(app.bootstrap, "replies", lambda: replies)

    answer = app.handler({"Records": [record(1, CONTACTS[0]), record(2, CONTACTS[1]), record(3, CONTACTS[0])]}, None)

    assert list(CONTACTS) == replies.answered
    assert [{"itemIdentifier": "1"}, {"itemIdentifier": "3"}] == answer["batchItemFailures"]
    assert [("r1", 2)] == queue.again


def test_a_message_that_cannot_be_read_is_laid_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes again until the queue gives it up; the others are answered."""
    replies = Replies()
    monkeypatch.setattr(app.bootstrap, "replies", lambda: replies)

    answer = app.handler({"Records": [{"messageId": "9", "body": "rubbish"}, record(1, CONTACTS[0])]}, None)

    assert [{"itemIdentifier": "9"}] == answer["batchItemFailures"]
    assert [CONTACTS[0]] == replies.answered
