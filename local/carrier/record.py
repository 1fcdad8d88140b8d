"""What happens in a call, in order, with times: kept, waited for, and passed on to whoever listens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened.

    ``kind`` is one of: ``state``, ``webhook``, ``twiml``, ``connect``, ``disconnect``, ``frame_in`` (Twilio to the
    application), ``frame_out`` (application to Twilio), ``agent_text`` (words arrived), ``agent_word`` (words were
    spoken), ``agent_done``, ``agent_cut``, ``caller``, ``digit``, ``turn``, ``dry`` (the voice ran out of text),
    ``note``, ``violation``, ``ended``.
    """

    at_ms: int
    kind: str
    fields: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {"at_ms": self.at_ms, "kind": self.kind, **self.fields}


class Record:
    """The happenings of one call.

    Args:
        at_ms: Tells the time since the call was placed.
        listener: Called at once with everything that happens, for a feed that outlives the call.
    """

    def __init__(self, at_ms: Callable[[], int], listener: Callable[[Happening], None] | None = None) -> None:
        self.all: list[Happening] = []
        self._at_ms = at_ms
        self.listener = listener
        self._grown = asyncio.Event()
        self._closed = False

    def add(self, kind: str, **fields: Any) -> Happening:
        happening = Happening(self._at_ms(), kind, fields)
        self.all.append(happening)
        if self.listener is not None:
            self.listener(happening)
        self._wake()
        return happening

    def close(self) -> None:
        """Nothing more will happen."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    async def changed(self, within_s: float) -> None:
        """Until something happens, or the time is up."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._grown.wait(), within_s)

    async def follow(self, start: int = 0) -> AsyncIterator[Happening]:
        """Everything from the ``start``-th happening on, until the call is over."""
        index = start
        while True:
            while index < len(self.all):
                yield self.all[index]
                index += 1
            if self._closed:
                return
            await self._grown.wait()

    async def wait_for(
        self, wanted: Callable[[Happening], bool], *, within_s: float | None = None, start: int = 0
    ) -> Happening:
        """The first happening from ``start`` on that is wanted.

        Raises:
            TimeoutError: If it did not come in time, or the call ended without it.
        """
        async with asyncio.timeout(within_s):
            async for happening in self.follow(start):
                if wanted(happening):
                    return happening
        raise TimeoutError("the call ended first")

    def of(self, *kinds: str) -> list[Happening]:
        return [happening for happening in self.all if happening.kind in kinds]
