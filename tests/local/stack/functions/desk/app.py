"""Answers administrators with the event it was asked with."""

import json
from typing import Any


def handler(event: Any, context: Any) -> Any:
    return {
        "statusCode": 201 if event["requestContext"]["http"]["method"] == "POST" else 200,
        "body": json.dumps(event),
    }
