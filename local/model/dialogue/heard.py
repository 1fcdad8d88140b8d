"""The agent's own words as they come back: shaped for the ear, and no further than the caller heard.

What was written as ``11C``, ``OWL-101`` or ``3:00 PM`` comes back as ``11 C``, ``OWL 101``, ``3 PM``; the end may be
missing. So nothing here is compared letter by letter.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Final

LEAST_OVERLAP: Final = 4
"""Letters that must agree before a text counts as begun."""
LEAST_AGREEMENT: Final = 0.6
"""Share of what lies before the place reached that must have been heard."""
_SEAT: Final = re.compile(r"\b(\d{1,2}) ?([A-L])\b")
_SENTENCE: Final = re.compile(r"[^.!?]*(?:[.!?](?!\s|$)[^.!?]*)*[.!?]*")


def compact(text: str) -> str:
    """Letters and digits only: the same for ``OWL-101``, ``OWL 101`` and ``O W L 1 0 1``."""
    return "".join(c for c in text.lower() if c.isalnum())


def says(heard: str, text: str, most: int | None = None) -> bool:
    """Whether something was said, or its first ``most`` characters, however it was shaped."""
    return compact(text[:most]) in compact(heard)


def seats_in(text: str) -> list[str]:
    """The seats a text names, in its order, each once: ``11 C and 14C`` → ``11C``, ``14C``."""
    return list(dict.fromkeys(f"{row}{letter}" for row, letter in _SEAT.findall(text)))


def reached(full: str, heard: str) -> int:
    """Where in a full text the heard one ends: the start of a word heard by half, else the start of the next.

    Words that belong to something else may stand before the heard part, such as "Let me look.".
    """
    places = [place for place, c in enumerate(full) if c.lower().isalnum()]
    count = _agreeing(compact(full), compact(heard))
    return _at_word(full, places[count - 1] + 1) if count else 0


def sentence_begun(full: str, heard: str) -> str:
    """The full text up to the end of the sentence in which the heard one ends."""
    at = reached(full, heard)
    end = 0
    while end < len(full) and (end < at or not end):
        found = _SENTENCE.match(full, end)
        end = max(end + 1, found.end() if found else 0)
    return full[:end].rstrip()


def _agreeing(full: str, heard: str) -> int:
    """How many characters of the full text were heard."""
    longest = min(len(full), len(heard))
    exact = next((size for size in range(longest, LEAST_OVERLAP - 1, -1) if heard.endswith(full[:size])), 0)
    if exact:
        return exact
    blocks = SequenceMatcher(None, full, heard[-2 * len(full) :], autojunk=False).get_matching_blocks()
    matched = end = best = 0
    for block in blocks:
        matched, end = matched + block.size, block.a + block.size
        if block.size >= LEAST_OVERLAP and matched >= LEAST_AGREEMENT * end:
            best = end
    return best


def _at_word(text: str, at: int) -> int:
    """Back to the beginning of a word that was heard by half, or on behind one that was heard."""
    rest = re.match(r"\S*", text[at:])
    behind = rest[0] if rest else ""
    if any(c.isalnum() for c in behind):
        return max(text.rfind(" ", 0, at), text.rfind("\n", 0, at)) + 1
    return at + len(behind)
