"""The message webhooks of the HTTP API: a signed request in, an empty TwiML document out."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ringfold import bootstrap_texts as bootstrap
from ringfold.core.twiml import CONTENT_TYPE
from ringfold.errors import ConfigError
from ringfold.log import Log, about
from ringfold.service.answers import Reply, refusal
from ringfold.service.texting import STATUS_PATH, Texting, failed
from ringfold.service.webhook import parse_event

with suppress(ConfigError):
    # At cold start, so that SnapStart keeps it; a fault is told with the first text.
    bootstrap.texting()


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Serve one request of the HTTP API (payload format 2.0)."""
    try:
        reply = _route(bootstrap.texting(), event)
    except Exception as exc:  # noqa: BLE001 - the outer edge: Twilio is told, and asks the fallback
        Log().error("webhook broke", **about(exc))
        reply = failed()
    return {"statusCode": reply.status, "headers": {"content-type": CONTENT_TYPE}, "body": reply.body}


def _route(texting: Texting, event: Mapping[str, Any]) -> Reply:
    try:
        request = parse_event(event, "/api/sms/")
    except (binascii.Error, ValueError):
        return refusal()
    return texting.status(request) if request.path == STATUS_PATH else texting.incoming(request)
