"""Numbers as a voice reads them, because that is what Twilio reports as heard when it normalises text."""

from __future__ import annotations

import re
from typing import Final

SMALL: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def read_out(text: str) -> str:
    """``$12`` becomes "twelve dollars", ``42`` "forty two"; the rest stays."""
    text = re.sub(r"\$(\d{1,6})\b", lambda match: f"{in_words(int(match[1]))} dollars", text)
    return re.sub(r"\b\d{1,6}\b", lambda match: in_words(int(match[0])), text)


def in_words(number: int) -> str:
    """A whole number below a million in English words."""
    if number < 20:
        return SMALL[number]
    if number < 100:
        return TENS[number // 10] + (f" {SMALL[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{SMALL[number // 100]} hundred" + (f" {in_words(number % 100)}" if number % 100 else "")
    return f"{in_words(number // 1000)} thousand" + (f" {in_words(number % 1000)}" if number % 1000 else "")
