"""The question which of several agents a caller's words are for, answered as a small model would: by what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from local.model.dialogue.calls import make_call
from local.model.dialogue.reply import Reply
from local.model.dialogue.talk import Talk
from local.model.dialogue.words import normalise, stems
from local.model.request import ConverseRequest

ASKED: Final = re.compile(r"^You route phone calls\b.*\bAgents:\n(?P<agents>.+)", re.DOTALL)
LISTED: Final = re.compile(r"^(\d+)\. (.+)$", re.MULTILINE)
HAND_TO_AGENT: Final = "hand_to_agent"
OTHERS: Final = re.compile(r"Agents you may hand the caller to with hand_to_agent:\n(?P<agents>(?:- .+\n?)+)")
OTHER: Final = re.compile(r"^- (\w+): (.+)$", re.MULTILINE)
LEAST_SCORE: Final = 2
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


def other_agent(talk: Talk) -> Reply | None:
    """What the caller wants is another agent's of this line."""
    listed = OTHERS.search(talk.conversation.system)
    if listed is None or not talk.offers(HAND_TO_AGENT):
        return None
    scores = {name: _score(talk.words, about) for name, about in OTHER.findall(listed["agents"])}
    best = max(scores, key=lambda name: scores[name], default="")
    if not best or scores[best] < (LEAST_SCORE + 1 if talk.topics else LEAST_SCORE):
        return None
    return Reply("", (make_call(talk, HAND_TO_AGENT, agent=best, why=f"The caller said: {talk.now.caller}"[:300]),))


def _score(words: str, about: str) -> int:
    told = normalise(about)
    meant = sum(
        len(set(re.findall(rf"\b(?:{said})", words))) for trade, said in MEANINGS.items() if re.search(trade, told)
    )
    return 2 * len(stems(words) & stems(about)) + meant
