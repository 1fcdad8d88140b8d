"""What a check found, and how it is told: all findings at once, each with its cure."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Status = Literal["ok", "failed", "warning", "unknown"]
MARKS: Final = {"ok": "✓", "failed": "✗", "warning": "!", "unknown": "?"}
Say = Callable[[str], None]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    check: str
    status: Status
    message: str
    cure: str = ""


class Stop(Exception):
    """A step that cannot go on.

    Attributes:
        cure: What to do about it.
    """

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.cure = cure


def tell(findings: Sequence[Finding], say: Say) -> None:
    """Tell all of them."""
    width = max(len(each.check) for each in findings)
    for each in findings:
        say(f"{MARKS[each.status]} {each.check:{width}}  {each.message}")
        if each.cure and each.status != "ok":
            say(f"  {'':{width}}  → {each.cure}")


def failed(findings: Sequence[Finding]) -> list[Finding]:
    """Those that stand in the way."""
    return [each for each in findings if each.status == "failed"]


def say(text: str) -> None:
    """Tell whoever watches, at once: what is started prints to the same place."""
    print(text, flush=True)


def stopped(stop: Stop, again: str) -> int:
    """Tell why a step cannot go on, and how to go on; the exit status."""
    print(f"\nStopped: {stop}", file=sys.stderr)
    if stop.cure:
        print(f"→ {stop.cure}", file=sys.stderr)
    print(f"→ Then again: {again}. What is done already stays done.", file=sys.stderr)
    return 1
