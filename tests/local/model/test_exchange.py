"""A client that leaves is noticed at once, and its answer stops."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.local.model.builders import user
from tests.local.model.conftest import Model

PATIENCE_S = 2.0


def wait_until(met: Callable[[], bool]) -> float:
    """Wait for something of the server's that has no signal to the client; gives the seconds it took."""
    began = time.monotonic()
    while not met():
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.005)
    return time.monotonic() - began


def opened(model: Model) -> Any:
    """An answer that is being streamed slowly, its first token read."""
    stream = model.ask(messages=[user("Hello")])
    return stream, iter(stream)


@pytest.mark.parametrize(
    "behaviour", [{"token_ms": 500}, {"fault": "stall"}, {"fault": "stall_after", "after_tokens": 1}], ids=str
)
def test_a_client_that_leaves_is_noticed(model: Model, behaviour: dict[str, Any]) -> None:
    """Closing the stream ends the answer at once, counted as cancelled."""
    model.behave(**behaviour)
    stream, events = opened(model)
    if behaviour.get("fault") != "stall":
        next(events)
        next(events)

    stream.close()

    assert wait_until(lambda: model.counts().get("cancelled") == 1) < 1
    assert ("cancelled", True) == (model.requests()[-1]["state"], model.requests()[-1]["tokens"] <= 1)


def test_an_answer_that_was_read_is_finished(model: Model) -> None:
    """A client that closes after the end was not too early."""
    stream, events = opened(model)
    list(events)

    stream.close()

    wait_until(lambda: model.counts().get("finished") == 1)
    record = model.requests()[-1]
    assert ("finished", "end_turn") == (record["state"], record["stop_reason"])
    assert record["tokens"] > 3
    assert record["sent_bytes"] > 500
    assert record["first_token_ms"] is not None
    assert {"requests": 1, "finished": 1} == model.counts()
