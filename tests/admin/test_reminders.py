"""Delayed looks at purchases."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from ringfold.errors import DependencyError, WireError
from ringfold_admin.reminders import LOOK_AFTER_S, NoReminders, QueuedReminders, read_reminder
from tests.aws import Aws


class Broken:
    def send_message(self, **arguments: Any) -> None:
        raise EndpointConnectionError(endpoint_url="nowhere")


def test_a_reminder_comes_back_as_it_was_sent(aws: Aws) -> None:
    """The number's id, delayed longer than an invocation lives."""
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=f"purchases-{aws.table}")["QueueUrl"]

    QueuedReminders(sqs, url).remind("num_1")

    waiting = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessagesDelayed"])
    assert "1" == waiting["Attributes"]["ApproximateNumberOfMessagesDelayed"]
    assert 60 < LOOK_AFTER_S < 900


def test_a_reminder_that_cannot_be_sent_is_told() -> None:
    """Nothing is bought without somebody who will look."""
    with pytest.raises(DependencyError, match="sqs"):
        QueuedReminders(Broken(), "url").remind("num_1")


def test_without_a_queue_nobody_is_reminded() -> None:
    """It is no fault: the next request goes on."""
    NoReminders().remind("num_1")


def test_the_number_is_read_from_the_message() -> None:
    """As it was sent."""
    assert "num_1" == read_reminder({"body": json.dumps({"number_id": "num_1"})})


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"number_id": 5}', '{"number_id": ""}', None])
def test_another_message_is_refused(body: str | None) -> None:
    """It goes to the dead letters."""
    with pytest.raises(WireError):
        read_reminder({"body": body})
