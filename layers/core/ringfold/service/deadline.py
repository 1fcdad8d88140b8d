"""Requests to AWS that together must not take longer than a caller on the line can wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from ringfold.errors import DependencyError

P = ParamSpec("P")
T = TypeVar("T")


class Deadline:
    """A budget of time from now on, spent by requests running in threads, side by side or one after another.

    Args:
        pool: Where they run. One that is given up on runs on: what it writes must be harmless late.
        budget_s: How long all of it may take.
    """

    def __init__(self, pool: ThreadPoolExecutor, budget_s: float) -> None:
        self._pool = pool
        self._until = time.monotonic() + budget_s

    def start(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Start a request and go on."""
        return self._pool.submit(call, *args, **kwargs)

    def wait(self, future: Future[T]) -> T:
        """The outcome of a request that was started.

        Raises:
            DependencyError: If it is not there when the budget is used up.
        """
        try:
            return future.result(timeout=max(0.0, self._until - time.monotonic()))
        except TimeoutError as exc:
            raise DependencyError("aws", "no answer within the caller's patience", processed=None) from exc

    def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Send a request and wait for it."""
        return self.wait(self.start(call, *args, **kwargs))
