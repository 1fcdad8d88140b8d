"""Which events of a call are old enough to be folded into history (A10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ringfold.core import events as ev
from ringfold.core.commands import Plan
from ringfold.core.fold import View, fold
from ringfold.core.history import entries
from ringfold.core.ids import Key

WINDOW_MS: Final = 60_000
"""The longest life of an invocation: nothing older can still be on its way."""
KEEP_TURNS: Final = 2
REPORTS_MS: Final = 180_000
MOST_EVENTS: Final = 150
"""More do not fit into one update expression (4 KB); the next compaction takes the rest."""
LEAST_EVENTS: Final = 12
"""Fewer old events than this are not worth a write."""


def plan(item: Mapping[str, Any], now_ms: int, greeting: str = "") -> Plan | None:
    """Plan a compaction, or ``None`` when there is too little to fold.

    Everything before the start of the last two turns and older than a minute goes; late events, whose key lies at or
    below the mark, go too, behind what is already folded: kept, never dropped. A reply that is still being played
    stays, keys stay with the event that collects them, and reports go with the reply they are about.
    """
    view = fold(item, greeting)
    if len(view.speaking) <= KEEP_TURNS:
        return None
    first_kept = min([view.speaking[-KEEP_TURNS], *_still_played(view, now_ms)])
    old = [k for k in sorted(view.events) if k < first_kept and ev.stamp_of(k) < now_ms - WINDOW_MS]
    old = [k for k in old if view.events[k]["type"] != ev.ROUTED]  # who speaks holds until the next choice
    old = old[: len(old) - _open_keys(view, old)][:MOST_EVENTS]
    if len(old) < LEAST_EVENTS or _alive(view, old[-1], now_ms):
        return None
    mark = max(old[-1], view.mark)
    kept = [entry for entry in entries(view) if entry["key"] <= mark]
    replies = [r.key for r in view.replies if r.key <= mark]
    about = [key for key, reply in view.reports.items() if reply <= mark and key > mark]
    return Plan(view.mark, mark, int(item.get("folded", 0)), kept, [*old, *about], replies)


def _still_played(view: View, now_ms: int) -> list[Key]:
    """The reply whose words were reported last, if that was lately: its next words may be on their way."""
    late = [reply for key, reply in view.reports.items() if ev.stamp_of(key) >= now_ms - REPORTS_MS and reply]
    return [max(late)] if late else []


def _open_keys(view: View, old: Sequence[str]) -> int:
    """How many events at the end would part pressed keys from the event that collects them."""
    first = None
    for i, key in enumerate(old):
        kind = view.events[key]["type"]
        if kind == ev.DIGIT and first is None:
            first = i
        elif kind in (ev.DIGITS, ev.PROMPT):
            first = None
    return 0 if first is None else len(old) - first


def _alive(view: View, mark: str, now_ms: int) -> bool:
    return any(not r.finished and r.alive_ms > now_ms - WINDOW_MS for r in view.replies if r.key <= mark)
