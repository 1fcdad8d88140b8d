"""A few threads that wait for requests: what a turn does side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Threads:
    """A pool that grows as needed and keeps its threads.

    Simpler and cheaper to import than ``concurrent.futures``: nobody waits for a result, outcomes go to a queue.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._idle = 0
        self._lock = threading.Lock()

    def run(self, job: Callable[[], None]) -> None:
        """Run a job in a thread of its own. It must not raise."""
        with self._lock:
            if self._idle > 0:
                self._idle -= 1
                grow = False
            else:
                grow = True
        if grow:
            threading.Thread(target=self._work, daemon=True, name="ringfold").start()
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            job()
            with self._lock:
                self._idle += 1
