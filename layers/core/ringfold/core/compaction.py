"""Which events of a call are old enough to be folded into history (A10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ringfold.core import events as ev
from ringfold.core.commands import Plan
from ringfold.core.fold import fold
from ringfold.core.history import entries

WINDOW_MS: Final = 60_000
"""The longest life of an invocation: nothing older can still be on its way."""
KEEP_TURNS: Final = 2
LEAST_EVENTS: Final = 12
"""Fewer old events than this are not worth a write."""


def plan(item: Mapping[str, Any], now_ms: int, greeting: str = "") -> Plan | None:
    """Plan a compaction, or ``None`` when there is too little to fold.

    Everything before the start of the last two turns and older than a minute goes; late events, whose key lies at or
    below the mark, go too, behind what is already folded: kept, never dropped.
    """
    view = fold(item, greeting)
    if len(view.speaking) <= KEEP_TURNS:
        return None
    first_kept = view.speaking[-KEEP_TURNS]
    old = [k for k in sorted(view.events) if k < first_kept and ev.stamp_of(k) < now_ms - WINDOW_MS]
    if len(old) < LEAST_EVENTS or any(not r.finished for r in view.replies if r.key <= old[-1] and r.alive_ms > now_ms - WINDOW_MS):
        return None
    mark = max(old[-1], view.mark)
    kept = [entry for entry in entries(view) if entry["key"] <= mark]
    replies = [r.key for r in view.replies if r.key <= mark]
    return Plan(view.mark, mark, int(item.get("folded", 0)), kept, old, replies)
