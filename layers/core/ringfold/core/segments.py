"""What a text costs: its encoding and its segments; and how a long one is split.

Sources: 3GPP TS 23.038 for the GSM 7-bit alphabet and its extension table; Twilio bills by the segment: 160 septets or
70 UTF-16 units alone, 153 or 67 each when there are more than one (their headers take the rest). A message's body is at
most 1,600 characters (error 21617).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

MAX_CHARS: Final = 1600
GSM_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
"""Two septets each."""


@dataclass(frozen=True)
class Segments:
    """How a text goes out.

    Attributes:
        units: Septets of GSM-7, 16-bit units of UCS-2.
        count: What is billed.
    """

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    count: int


def count_segments(text: str) -> Segments:
    """Count a text's segments; an empty one has one."""
    if all(char in GSM_BASIC or char in GSM_EXTENSION for char in text):
        widths = [2 if char in GSM_EXTENSION else 1 for char in text]
        return Segments("GSM-7", sum(widths), _count(widths, 160, 153))
    widths = [2 if ord(char) > 0xFFFF else 1 for char in text]
    return Segments("UCS-2", sum(widths), _count(widths, 70, 67))


def split_text(text: str, most: int = MAX_CHARS) -> list[str]:
    """Split a text into parts of at most ``most`` characters, behind a sentence where there is one, else a word.

    Nothing is lost but the blanks at the seams.
    """
    parts = []
    rest = text.strip()
    while len(rest) > most:
        at = _seam(rest, most)
        parts.append(rest[:at].rstrip())
        rest = rest[at:].lstrip()
    return [*parts, rest] if rest else parts


def _count(widths: list[int], alone: int, together: int) -> int:
    """A character of two units never straddles two segments."""
    if sum(widths) <= alone:
        return 1
    count, used = 1, 0
    for width in widths:
        if used + width > together:
            count, used = count + 1, 0
        used += width
    return count


def _seam(text: str, most: int) -> int:
    window = text[: most + 1]
    least = most // 2
    ends = [window.rfind(mark) for mark in (". ", "! ", "? ", "\n")]
    if max(ends) >= least:
        return max(ends) + 1
    blank = max(window.rfind(" "), window.rfind("\n"))
    return blank if blank > 0 else most
