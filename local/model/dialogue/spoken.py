"""Facts as people say them: times, delays, lists, codes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

_CLOCK: Final = re.compile(r"^(\d{1,2}):(\d{2})(?::\d{2})?\s*([AaPp])?\.?[Mm]?\.?$")


def clock(text: str) -> str:
    """A time of day: ``2026-11-21T16:30:00-05:00`` or ``16:30`` → ``4:30 PM``; other text as it is."""
    found = _CLOCK.match(text.strip())
    if found:
        hour, minute = int(found[1]), int(found[2])
        if found[3]:
            return f"{hour}:{minute:02d} {found[3].upper()}M"
        return _twelve(hour, minute)
    moment = _moment(text)
    return _twelve(moment.hour, moment.minute) if moment else text


def day(text: str) -> str:
    """A date: ``2026-11-21`` → ``Saturday, November 21``; other text as it is."""
    moment = _moment(text)
    return f"{moment:%A, %B} {moment.day}" if moment else text


def duration(minutes: int) -> str:
    """A length of time: 120 → ``two hours``, 95 → ``an hour and 35 minutes``."""
    hours, rest = divmod(minutes, 60)
    parts = [f"{_count(hours)} hours" if hours > 1 else "an hour"] if hours else []
    if rest:
        parts.append("half an hour" if rest == 30 and not hours else f"{rest} minutes" if rest > 1 else "a minute")
    return " and ".join(parts) or "a few minutes"


def listed(items: Sequence[str], word: str = "and") -> str:
    """``12A, 14F and 20A``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def spelled(code: str) -> str:
    """A code character by character, as one reads it aloud: ``A B C 1 2 3``."""
    return " ".join(code)


def _twelve(hour: int, minute: int) -> str:
    return f"{hour % 12 or 12}:{minute:02d} {'AM' if hour < 12 else 'PM'}"


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        pass
    try:
        return datetime.combine(date.fromisoformat(text.strip()[:10]), datetime.min.time())
    except ValueError:
        return None


def _count(number: int) -> str:
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    return words[number] if number < len(words) else str(number)
