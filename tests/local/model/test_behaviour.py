"""How behaviour is told, and on which requests it is put."""

from __future__ import annotations

from typing import Any

import pytest

from local.model.behaviour import BehaviourBook, BehaviourError
from local.model.faults import SLOW_FIRST_TOKEN_MS
from local.model.pacing import Pace
from tests.local.model.builders import FALLBACK, MODEL, a_request, user


def a_book(**behaviour: Any) -> BehaviourBook:
    """A book whose default pace is 350/40, told this behaviour."""
    book = BehaviourBook(Pace(350, 40))
    book.put(behaviour)
    return book


def faults_of(book: BehaviourBook, count: int, model_id: str = MODEL) -> list[str]:
    """What the next requests meet."""
    return [book.take(a_request(model_id=model_id)).fault for _ in range(count)]


def test_times_counts_down() -> None:
    """A fault with ``times`` is put on so many requests, then no more."""
    assert ["throttle", "throttle", "none"] == faults_of(a_book(fault="throttle", times=2), 3)


def test_without_times_it_stays() -> None:
    """A fault without ``times`` holds until it is changed."""
    assert ["empty"] * 3 == faults_of(a_book(fault="empty", times=None), 3)


def test_models_filter_by_prefix() -> None:
    """Only models whose id begins so are hit, and only their requests count."""
    book = a_book(fault="stall", times=1, models=["us.anthropic."])

    assert ["none"] == faults_of(book, 1, FALLBACK)
    assert ["stall", "none"] == faults_of(book, 2, MODEL)


def test_when_contains_looks_at_the_newest_utterance() -> None:
    """Only requests whose newest utterance holds the text are hit, capitals aside."""
    book = a_book(fault="error", when_contains="window seat")

    assert "none" == book.take(a_request(user("What gate?"))).fault
    assert "error" == book.take(a_request(user("Can I get a Window Seat?"))).fault


def test_timings_outlive_the_fault() -> None:
    """The pace of the object holds on when its fault is used up."""
    book = a_book(fault="throttle", times=1, first_token_ms=0, token_ms=0)
    book.take(a_request())

    assert Pace(0, 0) == book.take(a_request()).pace


def test_slowness_belongs_to_the_fault() -> None:
    """Only requests that are to be slow are; the others keep the default."""
    book = a_book(fault="slow", times=1, first_token_ms=9000, models=["us.anthropic."])

    assert 350 == book.take(a_request(model_id=FALLBACK)).pace.first_token_ms
    assert 9000 == book.take(a_request()).pace.first_token_ms
    assert 350 == book.take(a_request()).pace.first_token_ms


def test_slow_has_a_default() -> None:
    """``slow`` without a time is five seconds."""
    assert SLOW_FIRST_TOKEN_MS == a_book(fault="slow").take(a_request()).pace.first_token_ms


def test_script_entries_are_given_in_order() -> None:
    """Each request takes the next scripted reply, with its own timing; then the dialogue is back."""
    book = a_book(script=[{"text": "One."}, {"tool": "end_call", "input": {"farewell": "Bye"}, "first_token_ms": 7}])

    plans = [book.take(a_request()) for _ in range(3)]

    assert ["One.", None] == [(plan.scripted or {}).get("text") for plan in plans[:2]]
    assert [350, 7, 350] == [plan.pace.first_token_ms for plan in plans]
    assert plans[2].scripted is None


def test_the_first_rule_that_fits_wins() -> None:
    """Several rules at once: one model throttles while the other stalls."""
    book = a_book(
        rules=[
            {"fault": "throttle", "models": ["us.anthropic."], "times": 1},
            {"fault": "stall", "models": ["us.amazon."]},
        ]
    )

    assert ["throttle", "none"] == faults_of(book, 2, MODEL)
    assert ["stall"] == faults_of(book, 1, FALLBACK)


def test_putting_replaces_everything() -> None:
    """A new behaviour knows nothing of the old one."""
    book = a_book(fault="stall", token_ms=5)
    book.put({})

    plan = book.take(a_request())

    assert ("none", Pace(350, 40)) == (plan.fault, plan.pace)


@pytest.mark.parametrize(
    "behaviour",
    [
        {"fault": "gremlins"},
        {"fualt": "stall"},
        {"times": -1},
        {"token_ms": "fast"},
        {"models": "us."},
        {"exception": "SadException"},
        {"script": [{"say": "hi"}]},
        {"script": [{"text": "hi", "token_ms": -1}]},
        {"rules": "all"},
        {"rules": [{"rules": []}]},
    ],
    ids=str,
)
def test_nonsense_changes_nothing(behaviour: dict[str, Any]) -> None:
    """A misspelt or senseless behaviour is refused, and the old one stays."""
    book = a_book(fault="empty")

    with pytest.raises(BehaviourError, match="expected"):
        book.put(behaviour)

    assert "empty" == book.take(a_request()).fault


def test_the_behaviour_can_be_read() -> None:
    """What is in force is told with the counts as they stand."""
    book = a_book(fault="throttle", times=2)
    book.take(a_request())

    told = book.to_json()

    assert ("throttle", 1, 350, 40) == (told["fault"], told["times"], told["first_token_ms"], told["token_ms"])
