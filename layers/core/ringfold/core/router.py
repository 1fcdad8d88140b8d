"""One short question to a model, with a deadline: which agent is the caller's first utterance for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ringfold.core import routing
from ringfold.core.agent import Agent
from ringfold.core.commands import CloseModel, Command, ModelCalled, ModelFailed, ModelSaid, ModelStopped, OpenModel

MAX_ANSWER_CHARS: Final = 40


class Router:
    """Asks beside the turn's own question to the default agent, so that a choice of that one costs no time.

    Attributes:
        done: It has been answered, or will not be waited for.
        agent: Whom the answer names; ``None`` for nobody of the pool.
    """

    def __init__(self, pool: Sequence[Agent], wait_ms: int, now_ms: int) -> None:
        self._pool = pool
        self._until = now_ms + wait_ms
        self._text = ""
        self._open = False
        self.done = False
        self.agent: Agent | None = None

    def start(self, text: str, model_id: str) -> list[Command]:
        """Ask."""
        self._open = True
        return [OpenModel(routing.STREAM, model_id, routing.question(text, self._pool))]

    def handle(self, event: ModelSaid | ModelCalled | ModelStopped | ModelFailed) -> None:
        """Take what the model says; only a whole answer counts."""
        if self.done:
            return
        if isinstance(event, ModelSaid):
            self._text += event.text
            self.done = len(self._text) > MAX_ANSWER_CHARS
        elif isinstance(event, ModelStopped):
            self.agent, self.done, self._open = routing.answer_of(self._text, self._pool), True, False
        elif isinstance(event, ModelFailed):
            self.done, self._open = True, False

    def tick(self, now_ms: int) -> None:
        """Time has passed."""
        self.done = self.done or now_ms >= self._until

    def wake_at(self) -> int | None:
        """When the question is given up; ``None`` once it is over."""
        return None if self.done else self._until

    def close(self) -> list[Command]:
        """Stop the stream, if it is open."""
        opened, self._open, self.done = self._open, False, True
        return [CloseModel(routing.STREAM)] if opened else []
