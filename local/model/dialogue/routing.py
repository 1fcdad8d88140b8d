"""The question which of several agents a caller's words are for, answered as a small model would: by what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from local.model.dialogue.words import normalise, stems
from local.model.request import ConverseRequest

ASKED: Final = re.compile(r"^You route phone calls\b.*\bAgents:\n(?P<agents>.+)", re.DOTALL)
LISTED: Final = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
QUOTED: Final = re.compile(r"^The caller said: (?P<text>.+)$", re.DOTALL)
MEANINGS: Final[Mapping[str, str]] = {
    r"billing|invoice": (
        r"pay|paid|money|charge|bill|owe|cost me|bank|credit|debit|card|twice|overcharg|refund|receipt|tax|statement|"
        r"fee"
    ),
    r"sales|offers": (
        r"buy|purchase|price|how much|quote|offer|group|team|company|conference|corporate|discount|book \w+"
    ),
    r"support|status|reservations": (
        r"flight|plane|seat|gate|board|bag|luggage|delay|late|cancel|check in|reservation|booking|confirmation|depart|"
        r"land|arriv|missed|connection"
    ),
}
"""What a description says \u2192 what callers say who mean it."""


def routed(request: ConverseRequest) -> str | None:
    """The number of the agent, ``"0"`` for nobody; ``None`` when something else was asked."""
    asked = ASKED.search(request.system)
    said = QUOTED.match(request.last_utterance.strip())
    if asked is None or said is None:
        return None
    words = normalise(said["text"])
    scores = {number: _score(words, about) for number, about in LISTED.findall(asked["agents"])}
    best = max(scores.values(), default=0)
    winners = [number for number, score in scores.items() if score == best]
    return winners[0] if best and len(winners) == 1 else "0"


def _score(words: str, about: str) -> int:
    told = normalise(about)
    meant = sum(
        len(set(re.findall(rf"\b(?:{said})", words))) for trade, said in MEANINGS.items() if re.search(trade, told)
    )
    return 2 * len(stems(words) & stems(about)) + meant
