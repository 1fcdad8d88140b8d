"""The watchdog's messages on a real queue."""

from __future__ import annotations

import json
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, HTTPClientError

from ringfold.adapters.queue import WatchdogQueue
from ringfold.adapters.wire import JsonService, Sqs
from ringfold.errors import DependencyError
from tests.aws import REGION, Aws

EVENT = {"type": "prompt", "rid": "r1", "text": "Héllo", "lang": "en-US"}


def test_a_message_holds_what_the_watchdog_needs(aws: Aws) -> None:
    """Call, key, the event in case nobody has stored it, and the link it came on; delayed by so many seconds."""
    client = aws.client("sqs")
    url = client.create_queue(QueueName=aws.table)["QueueUrl"]
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    queue = WatchdogQueue(Sqs(JsonService(session, "sqs", REGION, aws.endpoint, "AmazonSQS", read_timeout_s=5)), url)

    queue.arm("CA1", "key", 0, EVENT, (2, "c2="))
    queue.arm("CA1", "key", 0, None, None)

    answers = [client.receive_message(QueueUrl=url, WaitTimeSeconds=1)["Messages"] for _ in range(2)]
    bodies = [json.loads(message["Body"]) for messages in answers for message in messages]
    assert [
        {"call_sid": "CA1", "key": "key", "event": EVENT, "link": [2, "c2="]},
        {"call_sid": "CA1", "key": "key", "event": None, "link": None},
    ] == bodies


class Sender:
    """A client that notes what it is asked, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self._error = error

    def send_message(self, **arguments: Any) -> None:
        self.asked.append(arguments)
        if self._error:
            raise self._error


def test_the_delay_is_the_queues() -> None:
    """Nobody waits in a function for it."""
    sender = Sender()

    WatchdogQueue(sender, "https://queue").arm("CA1", "key", 4, EVENT, None)

    assert (4, "https://queue") == (sender.asked[0]["DelaySeconds"], sender.asked[0]["QueueUrl"])


@pytest.mark.parametrize(
    "error",
    [ClientError({"Error": {"Code": "Throttled"}}, "SendMessage"), HTTPClientError(error=OSError("canary"))],
    ids=["refused", "unreachable"],
)
def test_a_queue_that_fails_is_told(error: Exception) -> None:
    """As a dependency, without what was said."""
    with pytest.raises(DependencyError) as caught:
        WatchdogQueue(Sender(error), "https://queue").arm("CA1", "key", 4, EVENT, None)

    assert "sqs" == caught.value.service
    assert "Héllo" not in str(caught.value)
