"""How single words are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.spoken import say, say_phone, say_url, spell_out

SPOKEN = [
    # Words are left alone.
    ("Hello,", "Hello,"),
    ("don't", "don't"),
    ("well-known", "well-known"),
    ("(aside)", "(aside)"),
    ("“Quote”", "“Quote”"),
    ("word—word", "word—word"),
    ("and/or", "and/or"),
    ("p.m.", "p.m."),
    ("v2.1", "v2.1"),
    # Markup goes, also around what is rewritten.
    ("**Sure**,", "Sure,"),
    ("`ABC123`.", "A B C 1 2 3."),
    ("change_seat", "change seat"),
    ("~~no~~", "no"),
    ("[text]", "text"),
    ("Great🎉!", "Great!"),
    ("7️⃣", "7"),
    ("R&amp;D", "R and D"),
    # Codes, flights, places.
    ("ABC123", "A B C 1 2 3"),
    ("(X7K2)", "(X 7 K 2)"),
    ("WH-1000XM4", "W H, 1 0 0 0 X M 4"),
    ("OWL-101", "OWL 101"),
    ("OWL-101's", "OWL 101's"),
    ("14A", "14 A"),
    ("B12.", "B 12."),
    ("14A-14C", "14 A to 14 C"),
    ("14A/14B", "14 A or 14 B"),
    # Digits.
    ("12345", "1 2 3 4 5"),
    ("1234567", "1 2 3, 4 5 6 7"),
    ("007", "0 0 7"),
    ("10000", "10000"),
    ("12,500", "12,500"),
    ("3.5", "3.5"),
    ("21st", "21st"),
    ("24/7", "24/7"),
    ("-5", "minus 5"),
    ("~20", "about 20"),
    ("#5", "number 5"),
    ("*67", "star 67"),
    ("123#", "123 pound"),
    ("10-15", "10 to 15"),
    ("2024–2026", "2024 to 2026"),
    # Telephone numbers.
    ("+14155550132", "1, 4 1 5, 5 5 5, 0 1 3 2"),
    ("(415)", "(415)"),
    ("415-555-0132.", "4 1 5, 5 5 5, 0 1 3 2."),
    ("555-0132", "5 5 5, 0 1 3 2"),
    ("500-1000", "500 to 1000"),
    ("tel:+14155550132", "1, 4 1 5, 5 5 5, 0 1 3 2"),
    # Money, percent, units.
    ("$12.50", "12 dollars and 50 cents"),
    ("$1", "1 dollar"),
    ("$0.99", "99 cents"),
    ("$1.01.", "1 dollar and 1 cent."),
    ("$1,250.00/night", "1,250 dollars per night"),
    ("$5M", "5 million dollars"),
    ("€20", "20 euros"),
    ("£2.50", "2 pounds and 50 pence"),
    ("-$5", "minus 5 dollars"),
    ("$49-$99", "49 dollars to 99 dollars"),
    ("15%", "15 percent"),
    ("5–10%", "5 to 10 percent"),
    ("23kg", "23 kilograms"),
    ("1kg", "1 kilogram"),
    ("72°F", "72 degrees Fahrenheit"),
    ("20°", "20 degrees"),
    # Times and dates.
    ("14:35", "2:35 PM"),
    ("09:15", "9:15 AM"),
    ("2:35pm", "2:35 PM"),
    ("9:30", "9:30"),
    ("2:00", "2 o'clock"),
    ("14:00", "2 PM"),
    ("00:00", "midnight"),
    ("12:00", "12 o'clock"),
    ("2PM", "2 PM"),
    ("3pm-5pm", "3 PM to 5 PM"),
    ("2026-11-21", "November 21st, 2026"),
    ("2026-11-21T14:35:00Z", "November 21st, 2026 at 2:35 PM"),
    ("2026-01-12.", "January 12th, 2026."),
    ("11/21/2026", "November 21st, 2026"),
    ("21/11/2026", "November 21st, 2026"),
    ("2026-13-40", "2026-13-40"),
    # Addresses.
    ("https://www.skyowl.example/help", "skyowl dot example slash help"),
    ("skyowl.example/help.", "skyowl dot example slash help."),
    ("https://skyowl.example/a/b/c?x=1", "skyowl dot example"),
    ("(www.sky-owl.com)", "(sky dash owl dot com)"),
    ("https://", "the website"),
    ("john@example.com", "john at example dot com"),
    ("mailto:john.smith_2@my-air.example,", "john dot smith underscore 2 at my dash air dot example,"),
    # Symbols.
    ("&", "and"),
    ("AT&T", "AT and T"),
    ("@skyowl", "at skyowl"),
    ("#travel", "travel"),
    ("C#", "C sharp"),
    ("*", "star"),
    ("#", "pound"),
    ("→", "to"),
    ("a->b", "a to b"),
    ("-", "–"),
    ("x=5", "x equals 5"),
    ("3*4", "3 times 4"),
    ("½", "one half"),
    ("🎉", ""),
]


@pytest.mark.accept("E23")
@pytest.mark.parametrize(("written", "spoken"), SPOKEN)
def test_words_are_said_as_people_say_them(written: str, spoken: str) -> None:
    """Numbers, codes, addresses and signs become what a person would say."""
    assert spoken == say(written)


@pytest.mark.accept("E23")
@given(st.text(max_size=64), st.sampled_from(["", "5"]), st.booleans())
def test_nothing_foreign_is_said(written: str, after: str, english: bool) -> None:
    """Whatever stands between two blanks, no markup and nothing special to XML comes back."""
    assert not set(say(written, after=after, english=english)) & set("*`#<>|[]{}\\^&")


@given(st.sampled_from([spoken for _, spoken in SPOKEN if spoken]))
def test_what_is_spoken_stays_as_it_is(spoken: str) -> None:
    """Speech that comes back, word by word, as a model may repeat it, is not rewritten again."""
    again = " ".join(say(word) for word in spoken.split(" "))

    assert spoken == again


def test_units_need_a_number_before_them() -> None:
    """``min`` is a unit behind a number only, and one of it is not two."""
    assert ("min", "minutes", "minute") == (say("min"), say("min", after="5"), say("min", after="1"))


def test_no_english_is_put_into_another_language() -> None:
    """Codes are spelled and markup goes; signs and times stay with the voice."""
    written = ["**ABC123**", "14:35", "15%", "$5", "&", "https://x.example/a", "a@b.com", "2026-11-21"]

    spoken = [say(word, english=False) for word in written]

    assert ["A B C 1 2 3", "14:35", "15%", "$5", "", "x.example", "a@b.com", "2026-11-21"] == spoken


def test_readers_can_be_used_by_themselves() -> None:
    """Codes, telephone numbers and addresses from tools are said the same way."""
    assert "A B, 1 2" == spell_out("ab-12".upper())
    assert "plus 4 4, 2 0 7, 9 4 6" == say_phone("+44207946")
    assert "the website" == say_url("https://cut-short.exam", cut=True)
