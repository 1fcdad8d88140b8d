"""Tokens, and the pace at which they come."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

from local.model.pieces import Finish, Piece, ToolStart

Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]

_WORD: Final = re.compile(r"\s*[A-Za-z']+|\s*\d{1,3}|\s*[^\sA-Za-z\d']|\s+")
LONGEST_TOKEN: Final = 9


def split_tokens(text: str) -> list[str]:
    """Cut text the way language models do: words with their leading space, long words in parts.

    Joined, the tokens give the text again.
    """
    tokens: list[str] = []
    for word in _WORD.findall(text):
        while len(word) > LONGEST_TOKEN:
            tokens.append(word[:6])
            word = word[6:]  # noqa: PLW2901 - the rest of the same word
        tokens.append(word)
    return tokens


@dataclass(frozen=True)
class Pace:
    """How fast an answer comes.

    Attributes:
        first_token_ms: From the request to the first piece of any kind.
        token_ms: From one token to the next.
        late_headers: Whether the stream's headers wait for the first piece too, as Bedrock's often do.
    """

    first_token_ms: float = 350
    token_ms: float = 40
    late_headers: bool = False


async def paced(
    pieces: Iterable[Piece], pace: Pace, sleep: Sleep = asyncio.sleep, clock: Clock | None = None
) -> AsyncGenerator[Piece]:
    """Yield the pieces at their times. Times are counted from the start, so a late one does not delay the rest."""
    now = clock or asyncio.get_running_loop().time
    due = now() + pace.first_token_ms / 1000
    for piece in pieces:
        wait = due - now()
        if wait > 0:
            await sleep(wait)
        yield piece
        if not isinstance(piece, Finish | ToolStart):
            due += pace.token_ms / 1000
