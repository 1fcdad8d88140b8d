"""Two spellings of the same words are the same characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.spelling import spell


@pytest.mark.accept("E19")
@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        ("$12", "twelve dollars"),
        ("2026", "twenty twenty-six"),
        ("1984", "nineteen eighty four"),
        ("1900", "nineteen hundred"),
        ("A B C 1 2 3", "ABC one two three"),
        ("OWL 101", "owl one oh one"),
        ("OWL-101", "owl one hundred and one"),
        ("12,500 miles", "twelve thousand five hundred miles"),
        ("110000", "one hundred ten thousand"),
        ("2305", "two thousand three hundred and five"),
        ("3.5", "three point five"),
        ("2:35 PM", "two thirty five p.m."),
        ("2:05", "two oh five"),
        ("November 21st, 2026", "november twenty first twenty twenty six"),
        ("12th", "twelfth"),
        ("20th and 30th", "twentieth and thirtieth"),
        ("15%", "fifteen percent"),
        ("AT&T", "a t and t"),
        ("e-mail", "email"),
        ("“Don’t!”", "dont"),
        ("Straße", "STRASSE"),
    ],
)
def test_written_and_spoken_forms_are_one(sent: str, heard: str) -> None:
    """What a TTS engine makes of figures, codes and signs is spelt as what was sent."""
    assert spell(sent).characters == spell(heard).characters


@pytest.mark.parametrize(
    ("words", "characters"),
    [("one two", "12"), ("two and three", "2and3"), ("one hundred and dogs", "100anddogs"), ("five thousand", "5000")],
)
def test_numbers_are_read_as_people_say_them(words: str, characters: str) -> None:
    """Numbers join only where a person would join them; "and" belongs to one only inside it."""
    assert characters == spell(words).characters


@given(st.text())
def test_every_character_knows_its_word(text: str) -> None:
    """Owners never fall and name written words, whose ends rise and lie within the text."""
    spelling = spell(text)

    assert len(spelling.characters) == len(spelling.owners)
    assert list(spelling.owners) == sorted(spelling.owners)
    assert all(0 <= owner < len(spelling.ends) for owner in spelling.owners)
    assert list(spelling.ends) == sorted(set(spelling.ends))
    assert not spelling.ends or spelling.ends[-1] == len(text.rstrip())
