"""What an agent's words ask of the caller."""

from __future__ import annotations

import re
from typing import Final

NOTHING: Final = ("", "")
_SEAT: Final = r"(?: seat)? (?P<value>\d{1,2} ?[A-L])\b[^.?]*\?"
QUESTIONS: Final = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("retry", r"try (?:that |it )?(?:once more|again)\?"),
        ("confirm_seat", rf"(?:(?:move|put|switch|change) you (?:in|to|into)|would you like|do you want){_SEAT}"),
        ("seat_choice", r"which (?:one|of|would|seat)|would you like (?:one of those|either)"),
        ("preference", r"window or (?:an )?aisle"),
        ("seats_offer", r"(?:find|look for|see) (?:you )?(?:a |an)?(?:other|different)?[^.?]{0,20}seats?[^.?]*\?"),
        ("resume_offer", r"go on with your reservation\?"),
        ("human_offer", r"(?:put you through|connect you|transfer you)[^.?]*\?"),
        ("code", r"confirmation code|code once more|spell it"),
        (
            "anything_else",
            r"(?:anything|something) else|what else|what would you like to know|how can I help|what can I",
        ),
    )
)
AGREED_TO: Final = frozenset({"retry", "confirm_seat", "seat_choice", "preference", "seats_offer", "resume_offer"})
"""Questions to which a "yes" is an answer, and not a sign to go on talking."""


def find_question(text: str) -> tuple[str, str]:
    """The kind of question in a text and a value in it, a seat as ``11C``; ``NOTHING`` if it asks nothing."""
    for kind, pattern in QUESTIONS:
        found = pattern.search(text)
        if found:
            value = found.groupdict().get("value", "") or ""
            return kind, value.replace(" ", "").upper()
    return NOTHING
