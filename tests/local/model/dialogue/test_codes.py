"""Codes, flights and seats as people say them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.model.dialogue.codes import find_code, find_flight, find_ordinal, find_partial, find_seat, is_spelled


@pytest.mark.parametrize(
    "text",
    [
        "A B C one two three",
        "abc 1-2-3",
        "It's ABC123.",
        "A, B, C, 1, 2, 3.",
        "abc one two three please",
        "abc one twenty three",
        "alpha bravo charlie 1 2 3",
        "A as in apple, B as in boy, C as in cat, 1, 2, 3",
        "it's a b c one two three",
        "my confirmation code is a b c 1 2 3 for jane smith",
        "I'm calling about OWL-101, code ABC123",
    ],
)
def test_codes_are_heard_however_spelled(text: str) -> None:
    """Letters, words for letters, digits and numbers make the same code."""
    assert "ABC123" == find_code(text)


@pytest.mark.parametrize(
    "text",
    [
        "is my flight owl 101 delayed",
        "the first one please",
        "what's my flight and can I get a window seat",
        "I want to fly at 10 30 pm",
        "move me from 14A to 14F",
        "I am at 123 Main Street",
        "call me at 512 555 0147",
        "can I change my seat to row 12 seat 4",
    ],
)
def test_ordinary_words_are_no_code(text: str) -> None:
    """Flights, times, seats and numbers are not mistaken for a code."""
    assert "" == find_code(text)


def test_sounds_count_when_a_code_was_asked_for() -> None:
    """Recognisers write letters as words; that is undone only where letters are expected."""
    assert "ABC123" == find_code("ay bee see one to three", expected=True)
    assert "QWERTY" == find_code("QWERTY", expected=True)


def test_a_repeated_character() -> None:
    """Double and triple count the next character so many times."""
    assert "AA11B2" == find_code("double A double one B two")


@pytest.mark.parametrize(("text", "heard"), [("A B C 1 2", "ABC12"), ("abc 12", "ABC12"), ("abc 1 2 3 4", "ABC1234")])
def test_a_code_of_the_wrong_length(text: str, heard: str) -> None:
    """What came out too short or too long can be read back."""
    assert ("", heard) == (find_code(text), find_partial(text))


@pytest.mark.parametrize(
    ("text", "seat"),
    [
        ("14F", "14F"),
        ("fourteen F please", "14F"),
        ("seat one four f", "14F"),
        ("14 foxtrot", "14F"),
        ("row 12 A", "12A"),
        ("move me from 22E to 14F", "14F"),
        ("14F instead of 22E", "14F"),
        ("at 2 a.m.", ""),
        ("seat 99C", ""),
        ("a window", ""),
    ],
)
def test_seats(text: str, seat: str) -> None:
    """A seat is a row and a letter; the one wanted, not the one to leave."""
    assert seat == find_seat(text)


def test_seat_letters_may_come_as_sounds() -> None:
    """Where a seat was asked for, ``fourteen eff`` is one."""
    assert ("14F", "14C") == (find_seat("fourteen eff", expected=True), find_seat("14 see", expected=True))


@pytest.mark.parametrize("text", ["OWL-101", "owl 101", "owl one oh one", "OWL101 to Seattle"])
def test_flights(text: str) -> None:
    """A flight number is understood with and without its dash, in digits or words."""
    assert "OWL-101" == find_flight(text)


@pytest.mark.parametrize(("text", "place"), [("the first one", 0), ("the other one", 1), ("last", -1), ("14F", None)])
def test_ordinals(text: str, place: int | None) -> None:
    """A choice by its place in the list."""
    assert place == find_ordinal(text)


def test_spelling_is_recognised() -> None:
    """An utterance of nothing but letters and digits is somebody spelling."""
    assert is_spelled("ay bee see one two three")
    assert not is_spelled("I see you are late")


@given(st.text(max_size=80), st.booleans())
def test_whatever_is_said_is_read(text: str, expected: bool) -> None:
    """No text breaks the readers, and what they find has the right form."""
    code = find_code(text, expected=expected)

    assert code == "" or (len(code) == 6 and code == code.upper())
    find_seat(text, expected=expected)
    find_partial(text)
