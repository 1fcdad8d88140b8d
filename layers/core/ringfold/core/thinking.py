"""One round of thinking: which model is asked, which one has the voice, and when to stop waiting (design D6, A12).

The voice belongs to the first model that gives something usable, text or a tool call; the others are closed. It is
revocable: a stalled winner is closed and never heard again. All streams of a turn live in one invocation, so the
token is a field of this object and claimed by being the first event handled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ringfold.core.commands import CloseModel, Command, ModelCalled, ModelFailed, ModelSaid, ModelStopped, OpenModel

RETRY_MS: Final = 400
"""Pause before a model that failed at once is asked again, while there is time."""
STALL_MS: Final = 3000
"""A model that has begun and says nothing for so long counts as failed."""

ModelEvent = ModelSaid | ModelCalled | ModelStopped | ModelFailed


@dataclass
class Round:
    """One request to the model, hedged.

    Attributes:
        models: The first model and the second.
        hedge_ms: When, counted from ``since_ms``, the second is asked too.
        text: What the voice has said, raw.
        fresh: What it has said since it was last taken.
        calls: Tool calls the voice has made, complete.
        outcome: ``""`` while going on, ``"answered"``, ``"tools"``, ``"empty"``, ``"broken"`` or ``"dead"``.
    """

    models: tuple[str, str]
    hedge_ms: int
    since_ms: int
    next_stream: int
    request: Mapping[str, Any] = field(default_factory=dict)
    voice: int | None = None
    text: str = ""
    fresh: str = ""
    calls: list[ModelCalled] = field(default_factory=list)
    outcome: str = ""
    open: dict[int, str] = field(default_factory=dict)
    asked: int = 0
    last_ms: int = 0
    stop_reason: str = ""
    usage: Mapping[str, int] = field(default_factory=dict)
    retry_at: int | None = None

    def start(self, request: Mapping[str, Any], now_ms: int) -> list[Command]:
        """Ask the first model."""
        self.request = request
        self.last_ms = now_ms
        return [self._ask(self.models[0])]

    def handle(self, event: ModelEvent, now_ms: int) -> list[Command]:
        """Take one model event; events of closed streams are ignored."""
        if event.stream not in self.open or self.outcome:
            return []
        if isinstance(event, ModelFailed):
            return self._failed(event, now_ms)
        if isinstance(event, ModelStopped):
            return self._stopped(event, now_ms)
        if isinstance(event, ModelSaid) and not event.text.strip() and self.voice is None:
            return []
        commands = self._claim(event.stream)
        if event.stream != self.voice:
            return commands
        self.last_ms = now_ms
        if isinstance(event, ModelSaid):
            self.text += event.text
            self.fresh += event.text
        else:
            self.calls.append(event)
        return commands

    def tick(self, now_ms: int) -> list[Command]:
        """Hedge, retry, or give up on a stall."""
        if self.outcome:
            return []
        if self.voice is not None and now_ms - self.last_ms >= STALL_MS:
            return self._failed(ModelFailed(self.voice, "stalled"), now_ms)
        if self.retry_at is not None and now_ms >= self.retry_at:
            self.retry_at = None
            return [self._ask(self.models[self.asked % 2])]
        if self.voice is None and self.asked == 1 and now_ms - self.since_ms >= self.hedge_ms:
            return [self._ask(self.models[1])]
        return []

    def wake_at(self) -> int | None:
        """When :meth:`tick` has something to do."""
        if self.outcome:
            return None
        times = [self.retry_at] if self.retry_at is not None else []
        if self.voice is not None:
            times.append(self.last_ms + STALL_MS)
        elif self.asked == 1:
            times.append(self.since_ms + self.hedge_ms)
        return min(times, default=None)

    def take(self) -> str:
        """The text that has come since the last call."""
        fresh, self.fresh = self.fresh, ""
        return fresh

    def close(self) -> list[Command]:
        """Stop every stream that is still open."""
        commands: list[Command] = [CloseModel(stream) for stream in self.open]
        self.open.clear()
        return commands

    def _ask(self, model_id: str) -> Command:
        stream = self.next_stream
        self.next_stream += 1
        self.asked += 1
        self.open[stream] = model_id
        return OpenModel(stream, model_id, self.request)

    def _claim(self, stream: int) -> list[Command]:
        if self.voice is not None:
            return []
        self.voice = stream
        losers = [other for other in self.open if other != stream]
        for loser in losers:
            del self.open[loser]
        return [CloseModel(loser) for loser in losers]

    def _failed(self, event: ModelFailed, now_ms: int) -> list[Command]:
        commands: list[Command] = [CloseModel(event.stream)] if event.code == "stalled" else []
        self.open.pop(event.stream, None)
        if event.stream == self.voice:
            self.outcome = "broken"
            return commands
        if self.open:
            return commands
        if self.asked == 1:
            return [*commands, self._ask(self.models[1])]
        if self.asked < 4:
            self.retry_at = now_ms + RETRY_MS
        else:
            self.outcome = "dead"
        return commands

    def _stopped(self, event: ModelStopped, now_ms: int) -> list[Command]:
        if self.voice is None or event.stream == self.voice:
            self.stop_reason, self.usage = event.reason, event.usage
        if self.voice is None:  # it ended without a word: as good as failed
            return self._failed(ModelFailed(event.stream, "empty"), now_ms)
        if event.stream != self.voice:
            return []
        self.open.pop(event.stream, None)
        self.outcome = "tools" if self.calls else "answered"
        return []
