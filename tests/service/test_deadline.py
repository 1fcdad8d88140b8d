"""Requests within the caller's patience."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ringfold.errors import ConfigError, DependencyError
from ringfold.service.deadline import Deadline


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


def test_an_answer_in_time_is_given(pool: ThreadPoolExecutor) -> None:
    """With whatever arguments."""
    assert 8 == Deadline(pool, 5).run(int, "10", base=8)


def test_an_error_comes_out_as_it_is(pool: ThreadPoolExecutor) -> None:
    """A thread in between changes nothing."""

    def fail() -> None:
        raise ConfigError("x")

    with pytest.raises(ConfigError):
        Deadline(pool, 5).run(fail)


def test_requests_share_one_budget(pool: ThreadPoolExecutor) -> None:
    """What is not there in time is given up, and everything after it too."""
    opened = threading.Event()
    deadline = Deadline(pool, 0.05)
    late = deadline.start(opened.wait)

    with pytest.raises(DependencyError):
        deadline.wait(late)
    with pytest.raises(DependencyError):
        deadline.run(opened.wait)

    opened.set()
