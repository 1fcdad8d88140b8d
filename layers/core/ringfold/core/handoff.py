"""Handing a caller over to a person: what is written down, what Twilio is told, and what it came to.

A handoff closes the relay session, not the call (ADR 0017). While the session item has a ``handoff``, the call is
with the other side: nobody speaks, and frames that still come are not answered. When nobody takes the call there, the
caller comes back: ``handoff`` is taken away, an event says what happened, and the next link goes on.

| attribute | type | meaning |
|---|---|---|
| ``handoff`` | M | ``n`` (1 for the first), ``code``, ``reason``, ``summary``, ``department`` |
| ``returned`` | M | the last one that came back: ``n``, ``ms``, ``outcome`` |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from ringfold.core import phone
from ringfold.core.session import Snapshot

TRANSFER_CALL: Final = "transfer_call"
MAX_HANDOFFS: Final = 2
"""How often a caller is sent on; whom two tries have not reached, a third will not."""
REASON_CODES: Final = ("explicit_request", "low_confidence", "sensitive_topic", "intelligence_signal")
MAX_REASON_CHARS: Final = 300
MAX_SUMMARY_CHARS: Final = 1200

NOBODY: Final = (
    "there is nobody to transfer to on this line. Tell the caller honestly that you cannot connect them, promise "
    "nothing, and offer what you can do yourself"
)
TOO_OFTEN: Final = (
    "the caller has been sent on before and nobody took the call. Do not try again; offer what you can do yourself"
)

OUTCOMES: Final[Mapping[str, str]] = {
    "busy": "the line there was busy",
    "no-answer": "nobody answered there",
    "failed": "the call there could not be put through",
    "canceled": "the call there was broken off",
    "declined": "the person there handed the call back",
}
"""What may bring a caller back, as the agent is told it."""


def refusal(item: Mapping[str, Any], snapshot: Snapshot) -> str:
    """Why this call cannot be handed over, for the model; ``""`` when it can."""
    if phone.address_kind(str(snapshot.number.get("transfer_number", ""))) is not phone.AddressKind.NUMBER:
        return NOBODY
    return TOO_OFTEN if _number(item) > MAX_HANDOFFS else ""


def new_handoff(item: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What is written down of a handoff, from the model's arguments: texts bounded, an unknown code left out."""
    code = arguments.get("reason_code")
    return {
        "n": _number(item),
        "code": code if code in REASON_CODES else REASON_CODES[0],
        "reason": _text(arguments, "reason", MAX_REASON_CHARS),
        "summary": _text(arguments, "summary", MAX_SUMMARY_CHARS),
        "department": _text(arguments, "department", 60),
    }


def handoff_data(item: Mapping[str, Any], snapshot: Snapshot | None) -> str:
    """The ``handoffData`` of the ``end`` frame: JSON text, for whoever reads the action callback.

    ``{reason_code, reason, summary, conversation_id, routing_hints}``; Ringfold itself believes none of it.
    """
    handoff: Mapping[str, Any] = item.get("handoff") or {}
    hints = {"department": handoff.get("department", "")}
    if snapshot is not None:
        hints |= {"agent": snapshot.agent.name, "language": str(snapshot.number.get("language", ""))}
    told = {
        "reason_code": handoff.get("code", ""),
        "reason": handoff.get("reason", ""),
        "summary": handoff.get("summary", ""),
        "conversation_id": str(item.get("conversation_id", "")),
        "routing_hints": {name: hint for name, hint in hints.items() if hint},
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def note_of(outcome: str) -> str:
    """What the agent is told when the caller is back."""
    told = OUTCOMES.get(outcome, OUTCOMES["failed"])
    return f"(The caller was being transferred, but {told}. They are back on the line with you: say so, and help on.)"


def whisper(handoff: Mapping[str, Any], organization_name: str) -> str:
    """What the person who takes the call hears before the caller does; blank when there is nothing to tell."""
    told = [str(handoff.get(name, "")).strip() for name in ("reason", "summary")]
    said = " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in told if part)
    return f"A call for {organization_name or 'you'}. {said}" if said else ""


def _number(item: Mapping[str, Any]) -> int:
    return int((item.get("returned") or {}).get("n", 0)) + 1


def _text(arguments: Mapping[str, Any], name: str, most: int) -> str:
    value = arguments.get(name)
    return " ".join(value.split())[:most] if isinstance(value, str) else ""
