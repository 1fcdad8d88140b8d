"""The queue of conversations to be remembered, on SQS's wire."""

from __future__ import annotations

import json

import pytest

from ringfold.adapters.insights_queue import InsightsQueue
from ringfold.core.texts import Thread
from ringfold.errors import DependencyError
from ringfold.service.insights import read_message
from tests.aws import Aws

THREAD = Thread("org_1", "+15125550100", "sms", "+15125551234")


def test_what_is_put_in_is_what_the_function_reads(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls, threads and jobs; a longer delay than SQS knows is cut to its longest."""
    monkeypatch.setattr("ringfold.adapters.insights_queue.SETTLE_S", 0)
    monkeypatch.setattr("ringfold.adapters.insights_queue.LONGEST_DELAY_S", 0)
    client = aws.client("sqs")
    url = client.create_queue(QueueName=f"{aws.table}-insights")["QueueUrl"]
    queue = InsightsQueue(client, url)

    queue.call_ended("org_1", "conv_1")
    queue.texts_idle(THREAD, 3, 5000)
    queue.job("org_1", "job_1")

    found = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)["Messages"]
    messages = {each["kind"]: each for each in (read_message(one["Body"]) for one in found)}
    assert {"kind": "call", "organization_id": "org_1", "conversation_id": "conv_1"} == messages["call"]
    assert (THREAD, 3) == (Thread(**messages["texts"]["thread"]), messages["texts"]["seen"])
    assert "job_1" == json.loads(json.dumps(messages["job"]))["job_id"]


def test_a_queue_that_fails_is_told(aws: Aws) -> None:
    """And without one nobody is remembered, and nothing fails."""
    with pytest.raises(DependencyError):
        InsightsQueue(aws.client("sqs"), f"{aws.endpoint}/000000000000/none").call_ended("org_1", "conv_1")
    InsightsQueue(aws.client("sqs"), "").call_ended("org_1", "conv_1")
