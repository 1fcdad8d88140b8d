"""Tokens and their times."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from local.model.pacing import LONGEST_TOKEN, Pace, paced, split_tokens
from local.model.pieces import Finish, Piece, Text


@given(st.text())
def test_tokens_joined_give_the_text(text: str) -> None:
    """No character is lost, none is added, whatever the text."""
    assert text == "".join(split_tokens(text))


@given(st.text(alphabet=st.characters(codec="ascii", categories=("L", "N", "P"))))
def test_tokens_are_short(text: str) -> None:
    """A token is at most a word; long words come in parts."""
    assert all(len(token) <= LONGEST_TOKEN for token in split_tokens(text))


def test_words_keep_their_leading_space() -> None:
    """Tokens look like a model's: the space belongs to the word behind it."""
    assert ["Flight", " OWL", "-", "101", " is", " delayed", "."] == split_tokens("Flight OWL-101 is delayed.")


async def test_a_late_token_does_not_delay_the_rest() -> None:
    """Times are counted from the start: what one token loses the next ones win back."""
    now = 0.0
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        nonlocal now
        waits.append(round(seconds, 3))
        now += seconds + (0.05 if len(waits) == 1 else 0)  # the first sleep oversleeps

    pieces: list[Piece] = [Text("a"), Text(" b"), Text(" c"), Finish("end_turn", 1, 3)]
    seen = [piece async for piece in paced(pieces, Pace(100, 40), sleep, lambda: now)]

    assert pieces == seen
    assert [0.1, 0.03, 0.04] == waits
