"""Why a call ended: one reason from a fixed table, told once per conversation, never changed afterwards.

What Ringfold decided itself (a farewell, a handoff, giving up) is stored on the session before the line goes down, so
it wins over what the carrier reports later. What the carrier reports decides only when nothing was decided here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

CALLER_HUNG_UP: Final = "caller_hung_up"
AGENT_ENDED: Final = "agent_ended"
HANDOFF: Final = "handoff"
LINK_FAILED: Final = "link_failed"
MODEL_FAILURE: Final = "model_failure"
LIMIT: Final = "limit"
NEVER_CONNECTED: Final = "never_connected"
BUSY: Final = "busy"
NO_ANSWER: Final = "no_answer"
CANCELED: Final = "canceled"
FAILED: Final = "failed"
REFUSED: Final = "refused"
UNKNOWN: Final = "unknown"

MEANINGS: Final = MappingProxyType(
    {
        CALLER_HUNG_UP: "the caller hung up, or the caller's line dropped",
        AGENT_ENDED: "the agent said goodbye and ended the call",
        HANDOFF: "the call was passed on to a person or another flow",
        LINK_FAILED: "the relay session failed and could not be recovered",
        MODEL_FAILURE: "no model answered for so long that the call was given up",
        LIMIT: "the call reached a limit of time or spend",
        NEVER_CONNECTED: "the call ended before a relay session was opened",
        BUSY: "the line was busy",
        NO_ANSWER: "nobody answered",
        CANCELED: "the call was canceled before it was answered",
        FAILED: "the carrier could not connect the call",
        REFUSED: "the relay session was not of the call its token was made for",
        UNKNOWN: "the end was found by a sweep, nobody reported it",
    }
)
"""Every reason there is, and what it means."""

RESUMABLE: Final = frozenset({CALLER_HUNG_UP, LINK_FAILED, MODEL_FAILURE, NEVER_CONNECTED, UNKNOWN})
"""Ends after which a call back goes on where the last call stopped: nobody had said goodbye."""

_BY_STATUS: Final = {"busy": BUSY, "no-answer": NO_ANSWER, "canceled": CANCELED, "failed": FAILED}


def reason_of_status(call_status: str, *, ended: str, connected: bool) -> str:
    """The end reason of a call whose carrier reports a final status.

    Args:
        call_status: The final status.
        ended: The reason already stored on the session; ``""`` when nothing was decided here.
        connected: Whether a relay session was ever opened.
    """
    if ended in MEANINGS:
        return ended
    if call_status in _BY_STATUS:
        return _BY_STATUS[call_status]
    return CALLER_HUNG_UP if connected else NEVER_CONNECTED
