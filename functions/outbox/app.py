"""The outbox's stream: every text that was stored is handed to the queue of texts to be answered."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from ringfold import bootstrap_texts as bootstrap
from ringfold.adapters import codec
from ringfold.core.texts import Thread
from ringfold.errors import ConfigError
from ringfold.log import Log, about

with suppress(ConfigError):
    bootstrap.reply_queue()  # at cold start; a fault is told with the first record


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Hand on each record, in order; from the first one that fails on, all come again."""
    for record in event.get("Records", []):
        if record.get("eventName") != "INSERT":
            continue  # its removal, by TTL
        try:
            item = codec.load_item(record["dynamodb"]["NewImage"])
            bootstrap.reply_queue().put(item["pk"], Thread(**item["thread"]), item["account_id"])
        except Exception as exc:  # noqa: BLE001 - the outer edge: the stream waits and tries again
            Log().error("text could not be handed on", **about(exc))
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}
