"""SQS FIFO: a thread's texts are answered; a message that could not be dealt with comes again, then is laid aside."""

from __future__ import annotations

import json
from typing import Any

from ringfold import bootstrap_texts as bootstrap
from ringfold.core.texts import Thread
from ringfold.log import about

replies = bootstrap.replies()
log = bootstrap.log("sms_reply")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Answer each message's thread; behind a failure the same thread's later messages fail too, to stay in order."""
    failed: list[dict[str, str]] = []
    stuck: set[str] = set()
    for record in event.get("Records", []):
        group = record.get("attributes", {}).get("MessageGroupId", "")
        try:
            if group in stuck:
                raise InterruptedError  # noqa: TRY301 - an earlier text of the thread waits
            body = json.loads(record["body"])
            replies.answer(Thread(**body["thread"]), body["account_id"])
        except Exception as exc:  # noqa: BLE001 - the outer edge: one thread must not stop the others
            stuck.add(group)
            log.error("texts could not be answered", **about(exc))
            failed.append({"itemIdentifier": record.get("messageId", "")})
    return {"batchItemFailures": failed}
