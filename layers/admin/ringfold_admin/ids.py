"""Ids of what administrators make: a prefix that says what it is, and letters nobody can guess."""

from __future__ import annotations

import secrets
import time
from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32 in lower case: no letter is taken for a digit."""
TIME_LETTERS: Final = 9
CHANCE_LETTERS: Final = 13
"""65 bits: ids made in the same millisecond do not meet."""


def new_id(prefix: str, *, now_ms: int | None = None) -> str:
    """A new id; those made later sort behind those made before."""
    at = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    letters = ""
    for _ in range(TIME_LETTERS):
        at, digit = divmod(at, len(ALPHABET))
        letters = ALPHABET[digit] + letters
    return f"{prefix}_{letters}{''.join(secrets.choice(ALPHABET) for _ in range(CHANCE_LETTERS))}"
