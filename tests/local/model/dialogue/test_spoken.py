"""Facts as people say them."""

from __future__ import annotations

import pytest

from local.model.dialogue.spoken import clock, day, duration, listed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-11-21T16:30:00-05:00", "4:30 PM"),
        ("16:30", "4:30 PM"),
        ("00:05", "12:05 AM"),
        ("12:00", "12:00 PM"),
        ("3:45 PM", "3:45 PM"),
        ("soon", "soon"),
    ],
)
def test_times(text: str, said: str) -> None:
    """Times of day come out one way, however a tool writes them."""
    assert said == clock(text)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (120, "two hours"),
        (60, "an hour"),
        (95, "an hour and 35 minutes"),
        (30, "half an hour"),
        (45, "45 minutes"),
        (1, "a minute"),
        (0, "a few minutes"),
        (720, "12 hours"),
    ],
)
def test_durations(minutes: int, said: str) -> None:
    """Delays are told in hours and minutes."""
    assert said == duration(minutes)


@pytest.mark.parametrize(
    ("items", "said"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_lists(items: list[str], said: str) -> None:
    """A list is one phrase."""
    assert said == listed(items)


@pytest.mark.parametrize(("text", "said"), [("2026-11-21", "Saturday, November 21"), ("tomorrow", "tomorrow")])
def test_days(text: str, said: str) -> None:
    """Dates are told with their weekday."""
    assert said == day(text)
