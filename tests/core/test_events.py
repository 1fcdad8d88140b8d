"""The keys of events: how they sort, and what can be read from them."""

import pytest

from ringfold.core import events as ev

AT = 1_790_000_000_000


@pytest.mark.accept("E19")
def test_one_millisecond_sorts_by_kind() -> None:
    """What was played comes before the interrupt, it before keys, they before words (A6)."""
    kinds = [ev.PROMPT, ev.DIGIT, ev.INTERRUPT, ev.PLAYED]

    in_order = sorted(kinds, key=lambda kind: ev.frame_key(1, AT, kind, "m"))

    assert [ev.PLAYED, ev.INTERRUPT, ev.DIGIT, ev.PROMPT] == in_order


def test_a_later_link_sorts_behind_every_earlier_one() -> None:
    """The generation of the link comes before the time (A7)."""
    assert ev.frame_key(2, AT, ev.PROMPT, "a") > ev.frame_key(1, AT + 10**9, ev.PROMPT, "z")
    assert ev.frame_key(10, AT, ev.PROMPT, "a") > ev.frame_key(9, AT, ev.PROMPT, "a")


@pytest.mark.parametrize("kind", sorted(ev.LETTERS))
def test_what_we_generate_sorts_right_behind_its_cause(kind: str) -> None:
    """A derived key lies between its cause and anything newer, even of the same millisecond."""
    cause = ev.frame_key(1, AT, ev.PROMPT, "m")

    derived = ev.derived_key(cause, kind)

    assert cause < derived < ev.frame_key(1, AT, ev.PROMPT, "n")


def test_a_key_tells_generation_and_time() -> None:
    """Both can be read from a frame's key and from one derived from it."""
    cause = ev.frame_key(12, AT, ev.DIGIT, "m")

    assert [(12, AT)] * 2 == [(ev.generation_of(k), ev.stamp_of(k)) for k in (cause, ev.derived_key(cause, ev.DIGITS))]


def test_whatever_asks_for_a_reply_takes_the_floor() -> None:
    """Speaking events and interrupts do; keys, reports, setups and errors do not."""
    assert ev.SPEAKING < ev.FLOOR
    assert {ev.INTERRUPT} == ev.FLOOR - ev.SPEAKING
    assert not ev.FLOOR & {ev.PLAYED, ev.DIGIT, ev.SETUP, ev.ERROR}
