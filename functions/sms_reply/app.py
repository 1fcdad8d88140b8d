"""SQS FIFO: a thread's texts are answered; a message that could not be dealt with comes again, then is laid aside."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from ringfold import bootstrap_texts as bootstrap
from ringfold.core.texts import Thread
from ringfold.errors import ConfigError
from ringfold.log import Log, about

with suppress(ConfigError):
    bootstrap.replies()  # at cold start; a fault is told with the first message


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Answer each message's thread; behind a failure the same thread's later messages wait too, to stay in order."""
    failed: list[dict[str, str]] = []
    stuck: set[str] = set()
    for record in event.get("Records", []):
        group = record.get("attributes", {}).get("MessageGroupId", "")
        name = {"itemIdentifier": record.get("messageId", "")}
        if group and group in stuck:
            failed.append(name)
            continue
        try:
            body = json.loads(record["body"])
            bootstrap.replies().answer(Thread(**body["thread"]), body["account_id"])
        except Exception as exc:  # noqa: BLE001 - the outer edge: one thread must not stop the others
            Log().error("texts could not be answered", **about(exc))
            stuck.add(group)
            failed.append(name)
            _come_again(record)
    return {"batchItemFailures": failed}


def _come_again(record: dict[str, Any]) -> None:
    received = str(record.get("attributes", {}).get("ApproximateReceiveCount", "1"))
    with suppress(ConfigError):
        queue = bootstrap.reply_queue()
        queue.come_again(record.get("receiptHandle", ""), int(received) if received.isdigit() else 1)
