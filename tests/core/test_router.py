"""The question who is meant: answered whole, in time, or not at all."""

from __future__ import annotations

import pytest

from ringfold.core.commands import CloseModel, ModelFailed, ModelSaid, ModelStopped, OpenModel
from ringfold.core.router import Router
from ringfold.core.routing import STREAM
from tests.core.test_routing import BEA, POOL


def asking() -> Router:
    router = Router(POOL, 700, 1000)
    (opened,) = router.start("My money is gone", "small")
    assert isinstance(opened, OpenModel)
    assert (STREAM, "small") == (opened.stream, opened.model_id)
    return router


@pytest.mark.accept("D2")
def test_only_a_whole_answer_counts() -> None:
    """The beginning of "12" is no "1"."""
    router = asking()

    router.handle(ModelSaid(STREAM, "3"))
    assert (False, None) == (router.done, router.agent)
    router.handle(ModelStopped(STREAM, "end_turn"))

    assert (True, BEA) == (router.done, router.agent)
    assert [] == router.close()


@pytest.mark.accept("D3")
def test_it_is_not_waited_for_for_ever() -> None:
    """At its deadline it is over, and its stream is closed; what comes later changes nothing."""
    router = asking()
    assert 1700 == router.wake_at()
    router.tick(1699)
    assert not router.done

    router.tick(1700)
    router.handle(ModelSaid(STREAM, "3"))
    router.handle(ModelStopped(STREAM, "end_turn"))

    assert (True, None, None) == (router.done, router.agent, router.wake_at())
    assert [CloseModel(STREAM)] == router.close()
    assert [] == router.close()


@pytest.mark.accept("D3")
def test_a_failure_and_a_flood_of_words_end_it() -> None:
    """Neither names anybody."""
    failing, talking = asking(), asking()

    failing.handle(ModelFailed(STREAM, "ThrottlingException"))
    talking.handle(ModelSaid(STREAM, "Well, that is an interesting question, and the answer is 3"))

    assert (True, None) == (failing.done, failing.agent)
    assert (True, None) == (talking.done, talking.agent)
    assert [CloseModel(STREAM)] == talking.close()
