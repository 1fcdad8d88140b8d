"""Numbers as a voice reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.carrier.numerals import in_words, read_out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It costs $12.", "It costs twelve dollars."),
        ("Seat 22 E at 3:45", "Seat twenty two E at three:forty five"),
        ("Flight OWL101", "Flight OWL101"),
        ("1,000 of 105000", "one,zero of one hundred five thousand"),
    ],
)
def test_numbers_become_words(text: str, expected: str) -> None:
    """Amounts and whole numbers; what is glued to letters stays."""
    assert expected == read_out(text)


@given(st.integers(0, 999_999), st.integers(0, 999_999))
def test_different_numbers_have_different_words(one: int, other: int) -> None:
    """No two numbers sound the same."""
    assert (one == other) == (in_words(one) == in_words(other))
