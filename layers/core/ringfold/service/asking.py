"""Asks a model for a whole answer, and the second model where the first fails or says nothing."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from ringfold.core.agent import Agent
from ringfold.core.answering import Round, read_round
from ringfold.log import Log
from ringfold.ports import Model, ThreadPool

MODEL_S: Final = 12.0
"""How long one request to a model may take; nobody waits on the line."""


class Asker:
    """Asks.

    Args:
        model: The model port.
        threads: A request runs in one of its own, so that it can be given up.
        models: The deployment's first and second model; an agent may name its own.
        log: Told of failures.
        patience_s: How long one request may take.
    """

    def __init__(
        self, model: Model, threads: ThreadPool, models: tuple[str, str], log: Log, patience_s: float = MODEL_S
    ) -> None:
        self._model, self._threads, self._models = model, threads, models
        self._log, self._patience_s = log, patience_s

    def ask(self, agent: Agent | None, request: Mapping[str, Any]) -> Round:
        """Ask on behalf of an agent; never raises for what a model does."""
        first = (agent.model_id if agent else "") or self._models[0]
        second = (agent.fallback_model_id if agent else "") or self._models[1]
        found = Round(failure="NoModel")
        for number, model_id in enumerate((first, second)):
            found = self._ask_one(number, model_id, request)
            if not found.failure:
                return found
            self._log.warning("a model did not answer", model_id=model_id, code=found.failure)
        return found

    def _ask_one(self, number: int, model_id: str, request: Mapping[str, Any]) -> Round:
        stream = self._model.stream(number)
        outcomes: list[object] = []
        done = threading.Event()

        def run() -> None:
            try:
                self._model.run(stream, model_id, request, outcomes.append)
            finally:
                done.set()

        self._threads.run(run)
        if not done.wait(self._patience_s):
            stream.close()
            return Round(failure="Timeout")
        return read_round(outcomes)
