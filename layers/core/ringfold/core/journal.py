"""What a reply has written down about itself: the entry of ``replies`` under its floor key.

| field | meaning |
|---|---|
| ``rid`` | request id of the invocation that speaks |
| ``at`` | when it began, epoch ms of the speaker's clock |
| ``beat`` | when it last showed that it is alive |
| ``covers`` | keys of the utterances it answers |
| ``p`` | posts: ``"000"`` → ``{x: text, s: started ms, at: landed ms, n: step, f: kind}`` |
| ``tools`` | tool calls: ``"000"`` → ``{n: step, id, name, i: input JSON, r: result JSON, st: success|error}`` |
| ``st`` | how it ended: see the constants |
| ``last`` | whether its talk cycle was closed with ``last:true`` |
| ``claim0``, ``claim1`` … | request id that carries that part of a turn handed over (A11) |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringfold.core.ids import Key

DONE: Final = "done"
STOPPED: Final = "stopped"
"""Lost the floor and posts nothing more."""
GONE: Final = "gone"
"""Its link is closed; the answer may be resumed on a newer one."""
FAILED: Final = "failed"

SPOKEN: Final = "s"
FILLER: Final = "f"
SCRIPTED: Final = "x"


@dataclass(slots=True)
class Post:
    """One landed frame of speech. ``heard`` is how many of its characters the caller heard."""

    reply: Key
    index: int
    text: str
    started_ms: int
    landed_ms: int
    step: int = 0
    kind: str = SPOKEN
    heard: int = 0
    purged: bool = False
    """It is over: an interrupt has settled how far it was heard."""
    doubtful: bool = False
    """It was on its way while the queue was purged."""
    adopted: bool = False
    """Nobody wrote it down; it is known from what was played or heard."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool the model called, and what came of it (``result`` is ``None`` while nothing is known)."""

    step: int
    tool_use_id: str
    name: str
    arguments: str
    result: str | None
    ok: bool


@dataclass(slots=True)
class Reply:
    """One reply's journal, read."""

    key: Key
    rid: str
    opened_ms: int
    alive_ms: int
    covers: frozenset[str]
    posts: list[Post]
    tools: list[ToolCall]
    state: str
    closed: bool

    @property
    def finished(self) -> bool:
        """Whether it will post nothing more."""
        return bool(self.state)


def read_reply(key: str, entry: Mapping[str, Any]) -> Reply:
    """Read one entry of ``replies``."""
    posts = [_read_post(key, index, post) for index, post in sorted(entry.get("p", {}).items())]
    alive = max([int(entry.get("at", 0)), int(entry.get("beat", 0)), *(post.landed_ms for post in posts)])
    return Reply(
        key=Key(key),
        rid=str(entry.get("rid", "")),
        opened_ms=int(entry.get("at", 0)),
        alive_ms=alive,
        covers=frozenset(entry.get("covers", ())),
        posts=posts,
        tools=[_read_tool(call) for _, call in sorted(entry.get("tools", {}).items())],
        state=str(entry.get("st", "")),
        closed=bool(entry.get("last", False)),
    )


def _read_post(key: str, index: str, post: Mapping[str, Any]) -> Post:
    text = str(post.get("x", ""))
    started, landed = int(post.get("s", 0)), int(post.get("at", 0))
    return Post(
        Key(key), int(index), text, started, landed, int(post.get("n", 0)), str(post.get("f", SPOKEN)), len(text)
    )


def _read_tool(call: Mapping[str, Any]) -> ToolCall:
    result = call.get("r")
    return ToolCall(
        int(call.get("n", 0)),
        str(call.get("id", "")),
        str(call.get("name", "")),
        str(call.get("i", "{}")),
        None if result is None else str(result),
        call.get("st") == "success",
    )
