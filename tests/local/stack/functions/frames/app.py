"""Does what each frame says."""

import json
import os
import time
from typing import Any

import shared
from botocore.exceptions import ClientError


def handler(event: Any, context: Any) -> Any:
    if "requestContext" not in event:
        return {"asked": event, "arn": context.invoked_function_arn}
    started = time.time()
    frame = json.loads(event["body"]) if event["body"].startswith("{") else {"do": "echo"}
    time.sleep(frame.get("sleep", 0))
    match frame.get("do"):
        case "raise":
            raise ValueError("asked for")
        case "exit":
            os._exit(3)
        case "malformed":
            return {"statusCode": 200, "Data": "x"}
        case "quiet":
            return {"statusCode": 200}
    client = shared.connections()
    told = {"n": frame.get("n"), "started": started, "pid": os.getpid(), "event": event}
    try:
        client.post_to_connection(ConnectionId=event["requestContext"]["connectionId"], Data=json.dumps(told).encode())
    except ClientError as exc:
        print(json.dumps({"post_error": type(exc).__name__}))  # noqa: T201 - a handler's log line
    return {"statusCode": 200}
