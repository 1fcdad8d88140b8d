"""SQS: a delayed look at a call whose speaker may have died (design D3, A2)."""

from __future__ import annotations

import json
from typing import Any

from ringfold.bootstrap_relay import relay_service
from ringfold.log import about

relay = relay_service("relay_watchdog")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Look at each message's call; a message that could not be looked at comes again."""
    failed = []
    for record in event.get("Records", []):
        try:
            body = json.loads(record["body"])
            rid = f"{context.aws_request_id}.{record.get('messageId', '')}"
            relay.look(body["call_sid"], body["key"], body.get("event"), body.get("link"), rid)
        except Exception as exc:  # noqa: BLE001 - the outer edge: one bad message must not stop the others
            relay.log.error("watchdog failed", **about(exc))
            failed.append({"itemIdentifier": record.get("messageId", "")})
    return {"batchItemFailures": failed}
