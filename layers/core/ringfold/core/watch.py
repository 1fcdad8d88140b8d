"""What a delayed look at a call finds: is somebody needed who is dead (design D3, A2)?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ringfold.core import events as ev
from ringfold.core import journal as j
from ringfold.core.end_reasons import AGENT_ENDED, HANDOFF
from ringfold.core.fold import View, unanswered
from ringfold.core.frame_tools import awaited
from ringfold.core.turn import LEASE_MS

REPROMPT_MS: Final = 3500
"""How long after an interrupt with nothing behind it the caller is asked to go on."""


@dataclass(frozen=True)
class Finding:
    """What is to be done.

    ``nothing``, ``wait`` (look again at ``at_ms``), ``answer``, ``reprompt``, ``collect`` the digits, or send the
    ``end`` frame again.
    """

    action: str
    at_ms: int = 0


NOTHING: Final = Finding("nothing")


def diagnose(view: View, now_ms: int, *, end_sent: bool = False) -> Finding:
    """Look at a call.

    Args:
        view: The folded session.
        now_ms: The looker's clock.
        end_sent: Whether the ``end`` frame has landed.
    """
    if view.ended:
        return _ending(view, now_ms, end_sent=end_sent)
    newest = view.speaking[-1] if view.speaking else ""
    reply = view.reply(newest) if newest else None
    if reply is not None and not reply.finished:
        if now_ms - reply.alive_ms < LEASE_MS:
            return Finding("wait", reply.alive_ms + LEASE_MS)
        return Finding("answer")
    if view.loose_digits:
        pressed_ms = ev.stamp_of(view.loose_digits[0])
        pause_ms = awaited(view).pause_ms + 1000
        if now_ms - pressed_ms >= pause_ms:
            return Finding("collect")
        return Finding("wait", pressed_ms + pause_ms)
    if reply is not None and reply.state == j.GONE and view.connection() == _link_of(view, newest):
        return NOTHING
    if unanswered(view) or (reply is not None and reply.state in (j.GONE, j.FAILED)):
        return Finding("answer")
    last = view.barge_ins[-1].key if view.barge_ins else ""
    if last and last > newest:
        since = ev.stamp_of(last)
        return Finding("reprompt") if now_ms - since >= REPROMPT_MS else Finding("wait", since + REPROMPT_MS)
    return NOTHING


def _ending(view: View, now_ms: int, *, end_sent: bool) -> Finding:
    if view.ended not in (AGENT_ENDED, HANDOFF) or end_sent:
        return NOTHING
    alive = max((reply.alive_ms for reply in view.replies), default=0)
    return Finding("end") if now_ms - alive >= LEASE_MS else Finding("wait", alive + LEASE_MS)


def _link_of(view: View, key: str) -> str:
    return view.links.get(f"g{ev.generation_of(key)}", "")
