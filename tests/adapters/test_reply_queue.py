"""The queue of texts to be answered, on SQS's wire."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringfold.adapters.reply_queue import ReplyQueue
from ringfold.core.texts import Thread
from ringfold.errors import DependencyError
from tests.aws import Aws

THREAD = Thread("org_1", "+15125550100", "sms", "+15125551234")
OTHER = Thread("org_1", "+15125550100", "sms", "+15125559999")


def queue(aws: Aws) -> tuple[Any, str]:
    client = aws.client("sqs")
    url = client.create_queue(QueueName=f"{aws.table}-replies.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    return client, url


def taken(client: Any, url: str) -> list[dict[str, Any]]:
    answer = client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"], WaitTimeSeconds=1, VisibilityTimeout=60
    )
    return list(answer.get("Messages", []))


@pytest.mark.accept("A17")
def test_a_thread_has_one_worker_at_a_time_and_a_text_is_there_once(aws: Aws) -> None:
    """A group for each thread, in order; the same text twice is one message."""
    client, url = queue(aws)
    replies = ReplyQueue(client, url)
    for message_id, thread in (("m1", THREAD), ("m1", THREAD), ("m2", OTHER)):
        replies.put(message_id, thread, "acc_1")

    messages = taken(client, url)

    assert ["m1", "m2"] == sorted(json.loads(each["Body"])["message_id"] for each in messages)
    assert 2 == len({each["Attributes"]["MessageGroupId"] for each in messages})
    assert THREAD == Thread(**next(json.loads(m["Body"]) for m in messages if '"m1"' in m["Body"])["thread"])


def test_a_message_comes_again_soon(aws: Aws) -> None:
    """Sooner than its visibility would have it; a handle that is none does no harm."""
    client, url = queue(aws)
    ReplyQueue(client, url).put("m1", THREAD, "acc_1")
    (message,) = taken(client, url)
    assert [] == taken(client, url)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ringfold.adapters.reply_queue.PAUSES_S", (0,))
        ReplyQueue(client, url).come_again(message["ReceiptHandle"], 3)
        ReplyQueue(client, url).come_again("none", 1)

    assert 1 == len(taken(client, url))


def test_a_queue_that_is_not_there_is_told(aws: Aws) -> None:
    """The stream tries again."""
    with pytest.raises(DependencyError):
        ReplyQueue(aws.client("sqs"), f"{aws.endpoint}/000000000000/none.fifo").put("m1", THREAD, "acc_1")
