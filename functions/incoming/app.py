"""The voice webhooks of the HTTP API: a signed request in, TwiML out, whatever happens in between."""

from __future__ import annotations

import binascii
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from ringfold import bootstrap
from ringfold.core.twiml import CONTENT_TYPE
from ringfold.errors import ConfigError
from ringfold.log import Log
from ringfold.service.answers import Reply, refusal
from ringfold.service.voice import Voice, apology
from ringfold.service.webhook import WebhookRequest, parse_event

ACTION_PREFIX: Final = "/api/voice/action/"
WHISPER_PREFIX: Final = "/api/voice/whisper/"

with suppress(ConfigError):
    # At cold start, so that SnapStart keeps it; a fault is told with the first call, whose caller gets an apology.
    bootstrap.voice_service()


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Serve one request of the HTTP API (payload format 2.0)."""
    try:
        reply = _route(bootstrap.voice_service(), event)
    except Exception as exc:  # noqa: BLE001 - the outer edge: a caller is on the line
        where = traceback.extract_tb(exc.__traceback__)[-1]
        # The exception's own text stays out: it may quote what somebody sent.
        Log().error("webhook broke", error=type(exc).__name__, file=where.filename, line=where.lineno)
        reply = apology()
    return {"statusCode": reply.status, "headers": {"content-type": CONTENT_TYPE}, "body": reply.body}


def _route(voice: Voice, event: Mapping[str, Any]) -> Reply:
    try:
        request = parse_request(event)
    except (binascii.Error, ValueError):
        return refusal()
    if request.path == "/api/voice/incoming":
        return voice.incoming(request)
    if request.path == "/api/voice/status":
        return voice.status(request)
    if request.path.startswith(WHISPER_PREFIX):
        return voice.whisper(request)
    return voice.action(request)


def parse_request(event: Mapping[str, Any]) -> WebhookRequest:
    """Take the HTTP API's event apart.

    Raises:
        ValueError: If its body is not what it says it is, or its path is none of ours.
    """
    request = parse_event(event, "/api/voice/")
    own = request.path.startswith((ACTION_PREFIX, WHISPER_PREFIX))
    return replace(request, conversation_id=request.path.rpartition("/")[2] if own else "")
