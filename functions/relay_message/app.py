"""WebSocket ``$default``: one frame of a relay session, or a turn handed over by another invocation.

Always answers exactly ``{"statusCode": 200}``: anything else, an exception included, would make API Gateway push a
foreign frame to Twilio (design D7).
"""

from __future__ import annotations

from typing import Any

from ringfold.bootstrap_relay import relay_service
from ringfold.log import about
from ringfold.service.relay import Frame

OK = {"statusCode": 200}
relay = relay_service("relay_message")


def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    """Take the gateway's event apart and hand it to the relay."""
    try:
        if "ringfold_turn" in event:
            job = event["ringfold_turn"]
            relay.handed_over(job["call_sid"], job["key"], int(job["part"]), context.aws_request_id)
        else:
            _frame(event, context.aws_request_id)
    except Exception as exc:  # noqa: BLE001 - the outer edge: Twilio must never see our error
        relay.log.error("frame handler failed", **about(exc))
    return OK


def _frame(event: dict[str, Any], rid: str) -> None:
    about = event.get("requestContext", {})
    who = about.get("authorizer") or {}
    if not who.get("call_sid") or not who.get("link_gen"):
        relay.log.error("frame without an authorizer's context refused", connection_id=about.get("connectionId"))
        return
    relay.frame(
        Frame(
            call_sid=who["call_sid"],
            account_sid=who.get("account_sid", ""),
            organization_id=who.get("organization_id", ""),
            conversation_id=who.get("conversation_id", ""),
            generation=int(who["link_gen"]),
            connection_id=about["connectionId"],
            message_id=about.get("messageId", ""),
            at_ms=int(about["requestTimeEpoch"]),
            rid=rid,
            body=event.get("body") or "",
        )
    )
