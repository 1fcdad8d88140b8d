"""The outbox's stream: records in, messages to the queue of texts."""

from __future__ import annotations

from typing import Any

import pytest

from functions.outbox import app
from ringfold.adapters import codec
from ringfold.core.texts import Thread
from ringfold.errors import DependencyError

THREAD = Thread("org_1", "+15125550100", "sms", "+15125551234")


def record(n: int, name: str = "INSERT") -> dict[str, Any]:
    item = {"pk": f"msg_{n}", "thread": THREAD.__dict__, "account_id": "acc_1", "expires_at": 1}
    return {"eventName": name, "dynamodb": {"SequenceNumber": str(n), "NewImage": codec.dump_item(item)}}


class Queue:
    def __init__(self, down_at: str = "") -> None:
        self.put_in: list[tuple[str, Thread, str]] = []
        self._down_at = down_at

    def put(self, message_id: str, thread: Thread, account_id: str) -> None:
        if message_id == self._down_at:
            raise DependencyError("sqs", "down")
        self.put_in.append((message_id, thread, account_id))


@pytest.mark.accept("A3")
def test_every_stored_text_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """In order; what TTL removes is no text."""
    queue = Queue()
    monkeypatch.setattr(app.bootstrap, "reply_queue", lambda: queue)

    answer = app.handler({"Records": [record(1), record(2, "REMOVE"), record(3)]}, None)

    assert [("msg_1", THREAD, "acc_1"), ("msg_3", THREAD, "acc_1")] == queue.put_in
    assert {"batchItemFailures": []} == answer


def test_from_the_first_that_fails_on_all_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda goes on at that record."""
    queue = Queue("msg_2")
    monkeypatch.setattr(app.bootstrap, "reply_queue", lambda: queue)

    answer = app.handler({"Records": [record(1), record(2), record(3)]}, None)

    assert ["msg_1"] == [each[0] for each in queue.put_in]
    assert {"batchItemFailures": [{"itemIdentifier": "2"}]} == answer
