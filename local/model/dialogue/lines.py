"""The agent's words. Every key has a few ways to say it; the same conversation always gets the same one."""

from __future__ import annotations

from typing import Final

from local.model.dialogue.lines_airline import AIRLINE
from local.model.dialogue.lines_manners import MANNERS
from local.model.dialogue.talk import Talk

LINES: Final[dict[str, tuple[str, ...]]] = {**MANNERS, **AIRLINE}


def say(talk: Talk, key: str, **values: str) -> str:
    """One of the ways to say it."""
    ways = LINES[key]
    return ways[talk.choose(key, len(ways))].format(**values)
