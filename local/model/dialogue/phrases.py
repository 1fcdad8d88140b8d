"""Tables of phrases: names and the ways to say them, as patterns over normalised words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Phrases = Mapping[str, Sequence[str]]
Table = Sequence[tuple[str, re.Pattern[str]]]


def build_table(phrases: Phrases) -> Table:
    """Compile a table; each phrase is matched as whole words, ``^`` and ``$`` mean the whole utterance."""
    return tuple((name, build_pattern(ways)) for name, ways in phrases.items())


def build_pattern(ways: Sequence[str]) -> re.Pattern[str]:
    """One pattern for several ways to say the same."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(ways)})(?!\w)")


def find_all(table: Table, words: str) -> list[tuple[int, str]]:
    """Where and which entries of a table occur, in the table's order."""
    return [(match.start(), name) for name, pattern in table if (match := pattern.search(words))]
