"""Handles messages, except those that say they fail."""

import json
from typing import Any


def handler(event: Any, context: Any) -> Any:
    print(json.dumps({"queue": event}))  # noqa: T201 - a handler's log line
    bodies = [json.loads(record["body"]) for record in event["Records"]]
    if any(body.get("crash") for body in bodies):
        raise RuntimeError("asked for")
    failed = [
        {"itemIdentifier": record["messageId"]} for record in event["Records"] if json.loads(record["body"]).get("fail")
    ]
    return {"batchItemFailures": failed}
