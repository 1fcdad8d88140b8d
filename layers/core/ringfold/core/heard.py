"""How far the caller heard: what Twilio reports as spoken, found again in what was sent (design D5, A9).

Both texts are spelt alike first (`spelling`), so that TTS normalisation matters little, and then walked side by side
character by character; where they part, the nearest place where they agree again is taken. Exact stretches are
compared in slices, so the cost grows with the text, not with its square.

Which start, when several fit? The best agreement first; then a start at a segment's start, then at a clause's, then
anywhere; and of equals the latest one. Replies begin alike ("Sure," "Let me check"): older ones have long been
played to their end, and an interrupt laid at an old reply's door would leave the one that is sounding unstopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ringfold.core.spelling import Spelling, spell

AGREEMENT: Final = 0.6
"""Below this share of agreeing characters the heard text is noise."""

_TRIES: Final = 24  # places in the middle that are tried
_GRAM: Final = 5  # characters that must agree before the walk goes on after a difference
_WINDOW: Final = 40  # how far behind a difference agreement is looked for
_ANCHOR: Final = 8  # characters that name a place in the middle of a segment
_CLAUSE_PENALTY: Final = 0.05
_MIDDLE_PENALTY: Final = 0.15


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where the heard text ends.

    Attributes:
        segment: Index of the segment the caller was in.
        offset: Characters of that segment they heard, a whole number of words.
        score: Share of agreeing characters, from `AGREEMENT` to 1; lower for a start in the middle.
    """

    segment: int
    offset: int
    score: float


@dataclass(frozen=True, slots=True)
class _Sent:
    """All segments as one run of characters."""

    spellings: tuple[Spelling, ...]
    characters: str
    starts: tuple[int, ...]

    def place(self, reached: int) -> tuple[int, int]:
        """The segment and offset of a cut after so many characters, moved to the nearer end of its word."""
        segment = max((i for i, start in enumerate(self.starts) if start < reached), default=0)
        spelling, inside = self.spellings[segment], reached - self.starts[segment]
        if inside <= 0:
            return segment, 0
        word = spelling.owners[inside - 1]
        first = spelling.owners.index(word)
        behind = inside
        while behind < len(spelling.owners) and spelling.owners[behind] == word:
            behind += 1
        if 2 * (inside - first) < behind - first:
            word -= 1
        return segment, spelling.ends[word] if word >= 0 else 0


def heard_prefix(segments: Sequence[str], heard: str) -> Alignment | None:
    """Find where in our own words the heard text ends.

    Args:
        segments: Texts of consecutive replies, in order, each as posted. Leave out what is known to be over.
        heard: ``utteranceUntilInterrupt``. It may begin at any segment's start, run over into the next ones,
            and, less likely, begin in the middle.

    Returns:
        The cut, or ``None`` if the text is empty or agrees with nothing that was sent.
    """
    said = spell(heard).characters
    if not said:
        return None
    sent = _join(segments)
    best: tuple[float, int, int] | None = None
    for start, penalty in _starts(sent, segments, said):
        if best is not None and best[0] >= 1 - penalty:
            break  # agreement cannot outweigh the less likely start
        matched, reached = _walk(said, sent.characters, start)
        score = 2 * matched / (len(said) + reached - start) - penalty
        if matched and score >= AGREEMENT and (best is None or (score, start) > best[:2]):
            best = (score, start, reached)
    if best is None:
        return None
    segment, offset = sent.place(best[2])
    return Alignment(segment, offset, best[0])


def _join(segments: Sequence[str]) -> _Sent:
    spellings = tuple(spell(segment) for segment in segments)
    starts, total = [], 0
    for spelling in spellings:
        starts.append(total)
        total += len(spelling.characters)
    return _Sent(spellings, "".join(spelling.characters for spelling in spellings), tuple(starts))


def _starts(sent: _Sent, segments: Sequence[str], said: str) -> Iterator[tuple[int, float]]:
    """Where the heard text may begin, and how much less likely that is; the likely ones first, of equals the latest."""
    for start, spelling in reversed(list(zip(sent.starts, sent.spellings, strict=True))):
        if spelling.characters:
            yield start, 0.0
    if len(said) < _ANCHOR:
        return
    tried = 0
    for skipped in (0, _ANCHOR):
        gram = said[skipped : skipped + _ANCHOR]
        at = sent.characters.rfind(gram) if len(gram) == _ANCHOR else -1
        while at >= 0 and tried < _TRIES:
            start = at - skipped
            if start > 0 and start not in sent.starts:
                tried += 1
                yield start, _CLAUSE_PENALTY if _begins_clause(sent, segments, start) else _MIDDLE_PENALTY
            at = sent.characters.rfind(gram, 0, at + _ANCHOR - 1)  # backwards: the latest is meant


def _begins_clause(sent: _Sent, segments: Sequence[str], start: int) -> bool:
    segment = max(i for i, begin in enumerate(sent.starts) if begin <= start)
    spelling = sent.spellings[segment]
    word = spelling.owners[start - sent.starts[segment]]
    return word == 0 or segments[segment][spelling.ends[word - 1] - 1] in ".,;:!?…–—"


def _walk(said: str, sent: str, at: int) -> tuple[int, int]:
    """Walk both texts side by side.

    Args:
        said: What was heard.
        sent: What was sent.
        at: Where in ``sent`` to begin.

    Returns:
        How many characters agreed, and the position reached in ``sent``.
    """
    i, j, matched = 0, at, 0
    while i < len(said) and j < len(sent):
        same = _common(said, i, sent, j)
        i, j, matched = i + same, j + same, matched + same
        if i >= len(said) or j >= len(sent):
            break
        again = _again(said, i, sent, j)
        if again is None:
            # The rest differs: if it is short, it is another spelling of what comes next.
            rest = len(said) - i
            return matched, min(j + rest, len(sent)) if rest < _GRAM else j
        i, j = again
    return matched, j


def _common(one: str, i: int, other: str, j: int) -> int:
    """How many characters agree from here on; compared in slices that double."""
    most = min(len(one) - i, len(other) - j)
    low, step = 0, 16
    while low < most:
        size = min(step, most - low)
        if one[i + low : i + low + size] == other[j + low : j + low + size]:
            low, step = low + size, step * 2
        elif size == 1:
            break
        else:
            most, step = low + size - 1 if size > 1 else low, max(1, size // 2)
    return low


def _again(said: str, i: int, sent: str, j: int) -> tuple[int, int] | None:
    """The nearest place where both agree again, counted in characters skipped on both sides."""
    best: tuple[int, int, int] | None = None
    for skip in range(_WINDOW):
        gram = said[i + skip : i + skip + _GRAM]
        if len(gram) < 3 or (best and skip >= best[0]):
            break
        found = sent.find(gram, j, j + _WINDOW + len(gram))
        if found >= 0 and (best is None or skip + found - j < best[0]):
            best = (skip + found - j, i + skip, found)
    return best[1:] if best else None
