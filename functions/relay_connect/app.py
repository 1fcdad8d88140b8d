"""The WebSocket API's authorizer, ``$connect`` and ``$disconnect``; it never posts to a connection."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from ringfold import bootstrap
from ringfold.errors import ConfigError
from ringfold.log import Log
from ringfold.service.handshake import HandshakeRequest

with suppress(ConfigError):
    # At cold start, so that SnapStart keeps it; a fault is told with the first handshake, which is refused.
    bootstrap.handshake_service()


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Serve one event of the WebSocket API."""
    if event.get("type") == "REQUEST":
        return _authorize(event)
    if event.get("requestContext", {}).get("eventType") == "DISCONNECT":
        _disconnect(event["requestContext"])
    return {"statusCode": 200}


def _authorize(event: Mapping[str, Any]) -> dict[str, Any]:
    try:
        context = bootstrap.handshake_service().authorize(_parse_handshake(event))
    except Exception as exc:  # noqa: BLE001 - the outer edge: a refusal is recovered from, a 500 is not
        _tell(exc)
        context = None
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": "Deny" if context is None else "Allow",
        "Resource": event.get("methodArn") or "*",
    }
    return {
        "principalId": context["call_sid"] if context else "nobody",
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
        "context": context or {},
    }


def _disconnect(request_context: Mapping[str, Any]) -> None:
    try:
        who = request_context["authorizer"]
        bootstrap.handshake_service().closed(who["call_sid"], int(who["link_gen"]))
    except Exception as exc:  # noqa: BLE001 - the outer edge: nobody reads the answer
        _tell(exc)


def _parse_handshake(event: Mapping[str, Any]) -> HandshakeRequest:
    repeated: Mapping[str, list[str]] = event.get("multiValueQueryStringParameters") or {}
    single: Mapping[str, str] = event.get("queryStringParameters") or {}
    about = event["requestContext"]
    query = [(name, value) for name, values in repeated.items() for value in values] or list(single.items())
    return HandshakeRequest(
        # Without one (never seen) every request is a handshake of its own, as a repeat cannot be told.
        connection_id=about.get("connectionId") or about["requestId"],
        headers=event.get("headers") or {},
        query=tuple(query),
    )


def _tell(exc: Exception) -> None:
    where = traceback.extract_tb(exc.__traceback__)[-1]
    # The exception's own text stays out: it may quote what somebody sent.
    Log().error("handshake broke", error=type(exc).__name__, file=where.filename, line=where.lineno)
