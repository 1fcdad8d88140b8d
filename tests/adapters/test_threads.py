"""The threads that wait for requests."""

from __future__ import annotations

import threading
from typing import Any

from ringfold.adapters.threads import Threads


def test_jobs_run_side_by_side() -> None:
    """As many at once as are asked for: one that waits for another does not stop it."""
    threads, meet = Threads(), threading.Barrier(6, timeout=5)
    met: list[int] = []

    def job() -> None:
        met.append(meet.wait())

    for _ in range(6):
        threads.run(job)
    for _ in range(200):
        if len(met) == 6:
            break
        threading.Event().wait(0.01)

    assert set(range(6)) == set(met)


def test_threads_are_used_again() -> None:
    """A turn's requests one after another need one thread, not one each."""
    threads = Threads()
    names: set[Any] = set()

    for _ in range(50):
        done = threading.Event()

        def job(done: threading.Event = done) -> None:
            names.add(threading.get_ident())
            done.set()

        threads.run(job)
        assert done.wait(5)
        for _ in range(200):
            if threads._idle:
                break
            threading.Event().wait(0.001)

    assert len(names) <= 2


def test_no_thread_keeps_the_process_alive() -> None:
    """A worker that is told to go goes."""
    threads, done = Threads(), threading.Event()
    daemons: list[bool] = []

    def job() -> None:
        daemons.append(threading.current_thread().daemon)
        done.set()

    threads.run(job)

    assert done.wait(5)
    assert [True] == daemons
