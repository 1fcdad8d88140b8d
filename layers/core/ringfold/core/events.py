"""Events of a call and the keys they sort by (design D2, amendments A1, A5-A7).

A key is ``g{generation:04}.{requestTimeEpoch:013}.{rank}.{message id}``. Ranks order what one millisecond holds:
what was played, then an interrupt, then pressed keys, then words. What Ringfold generates itself is keyed by its
cause: the cause's key, ``~`` and a letter, so it sorts right behind its cause and before anything newer.

| letter | event | why |
|---|---|---|
| ``a`` | routed | an agent of the number's pool has been chosen |
| ``c`` | digits collected | the caller stopped pressing keys |
| ``t`` | take | a late utterance takes the floor above a newer one and answers both |
| ``w`` | watchdog | somebody who should be speaking is not |
| ``r`` | resume | a new link found an answer unfinished |

A caller who comes back from a handoff is an event of rank 6: nothing of the link that handed over comes behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ringfold.core.ids import Key

PLAYED: Final = "played"
INTERRUPT: Final = "interrupt"
DIGIT: Final = "dtmf"
PROMPT: Final = "prompt"
SETUP: Final = "setup"
ERROR: Final = "error"
DIGITS: Final = "digits"
TAKE: Final = "take"
WATCHDOG: Final = "watchdog"
RESUME: Final = "resume"
RETURNED: Final = "returned"
ROUTED: Final = "routed"

RANKS: Final = {PLAYED: 0, INTERRUPT: 1, DIGIT: 2, PROMPT: 3, SETUP: 4, ERROR: 5, RETURNED: 6}
LETTERS: Final = {DIGITS: "c", TAKE: "t", WATCHDOG: "w", RESUME: "r", ROUTED: "a"}
SPEAKING: Final = frozenset({PROMPT, DIGITS, TAKE, WATCHDOG, RESUME})
"""Events that ask for a reply: whoever stored one speaks for it."""
FLOOR: Final = SPEAKING | {INTERRUPT}
"""Events that take the floor."""

Event = Mapping[str, Any]
"""``type``, ``rid`` (request id of the invocation that may act on it) and what the type needs: ``text``, ``lang``,
``heard``, ``played_ms``, ``digit``, ``session_id``; what the agent is told of a ``returned`` is its ``text``."""


def frame_key(generation: int, at_ms: int, kind: str, message_id: str) -> Key:
    """The key of a frame that came from Twilio."""
    return Key(f"g{generation:04d}.{at_ms:013d}.{RANKS[kind]}.{message_id}")


def derived_key(cause: str, kind: str, suffix: str = "") -> Key:
    """The key of an event Ringfold generates because of ``cause``."""
    return Key(f"{cause}~{LETTERS[kind]}{suffix}")


def generation_of(key: str) -> int:
    """The link generation of a key."""
    return int(key[1:5])


def stamp_of(key: str) -> int:
    """The gateway's time of a key's frame (for a derived key: of its cause), in epoch milliseconds."""
    return int(key[6:19])
