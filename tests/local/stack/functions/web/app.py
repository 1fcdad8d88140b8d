"""Answers HTTP requests with what it was told to."""

import json
import os
import time
from pathlib import Path
from typing import Any

LOADED_BY = os.getpid()


def handler(event: Any, context: Any) -> Any:
    body = event.get("body") or ""
    query = event.get("queryStringParameters", {})
    time.sleep(float(query.get("sleep", 0)))
    match query.get("answer"):
        case "raise":
            raise ValueError("asked for")
        case "malformed":
            return {"statusCode": "many"}
        case "bare":
            return {"hello": "world"}
        case "cookies":
            return {"statusCode": 201, "cookies": ["a=1", "b=2"], "headers": {"X-Own": "yes"}, "body": body}
        case "binary":
            return {"statusCode": 200, "isBase64Encoded": True, "body": "AAEC"}
    told = {
        "event": event,
        "environment": dict(os.environ),
        "cwd": str(Path.cwd()),
        "loaded_here": LOADED_BY == os.getpid(),
        "context": {
            "aws_request_id": context.aws_request_id,
            "arn": context.invoked_function_arn,
            "name": context.function_name,
            "left_ms": context.get_remaining_time_in_millis(),
        },
    }
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(told)}
