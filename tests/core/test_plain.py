"""Markdown out of an answer, words kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.plain import plain_text


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        ("**Flight** OWL-101 is *late*.", "Flight OWL-101 is late."),
        ("# Seats\n\n* 12A\n* 14C", "Seats\n\n- 12A\n- 14C"),
        ("See [our page](https://example.com/a).", "See our page (https://example.com/a)."),
        ("[https://example.com](https://example.com)", "https://example.com"),
        ("```\ncode\n```", "code"),
        ("Use `ABC123`.", "Use ABC123."),
        ("> quoted\n\n\n\nand on", "quoted\n\nand on"),
        ("2 * 3 * 4 = 24", "2 * 3 * 4 = 24"),
        ("snake_case_name stays", "snake_case_name stays"),
        ("  spaced   out  ", "spaced out"),
    ],
)
def test_what_a_phone_cannot_show_goes(markdown: str, plain: str) -> None:
    """And only that."""
    assert plain == plain_text(markdown)


@given(st.text(max_size=400))
def test_anything_may_come(text: str) -> None:
    """Whatever a model writes; a second time changes little more than nothing, and never adds."""
    once = plain_text(text)

    assert len(plain_text(once)) <= len(once)


@given(st.text(st.characters(categories=["L", "N"]), max_size=200))
def test_words_stay(text: str) -> None:
    """What has no marks in it comes out as it went in."""
    assert text == plain_text(text)
