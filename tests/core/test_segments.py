"""What a text costs, and where it is split."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.segments import GSM_BASIC, GSM_EXTENSION, MAX_CHARS, count_segments, split_text


@pytest.mark.accept("A19")
@pytest.mark.parametrize(
    ("text", "encoding", "units", "count"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        ("a" * 152 + "€" + "a" * 10, "GSM-7", 164, 2),
        ("é" * 160, "GSM-7", 160, 1),
        ("ç", "UCS-2", 1, 1),
        ("ж" * 70, "UCS-2", 70, 1),
        ("ж" * 71, "UCS-2", 71, 2),
        ("😀" * 35, "UCS-2", 70, 1),
        ("😀" * 36, "UCS-2", 72, 2),
        ("ж" * 66 + "😀" + "ж" * 10, "UCS-2", 78, 2),
    ],
)
def test_segments_are_counted_as_they_are_billed(text: str, encoding: str, units: int, count: int) -> None:
    """GSM-7 with its extension, UCS-2, alone and together."""
    found = count_segments(text)

    assert (encoding, units, count) == (found.encoding, found.units, found.count)


@given(st.text(st.sampled_from(sorted(GSM_BASIC | GSM_EXTENSION)), max_size=700))
def test_one_foreign_letter_makes_a_text_dearer(text: str) -> None:
    """Never cheaper: the whole text changes its alphabet."""
    plain, foreign = count_segments(text), count_segments(text + "ж")

    assert "GSM-7" == plain.encoding
    assert "UCS-2" == foreign.encoding
    assert plain.count <= foreign.count


@pytest.mark.accept("A19")
@given(st.text(max_size=6000))
def test_a_long_text_is_split_and_nothing_is_lost(text: str) -> None:
    """Each part is one that Twilio takes; only blanks go at the seams."""
    parts = split_text(text)

    assert all(0 < len(part) <= MAX_CHARS for part in parts)
    assert "".join(text.split()) == "".join("".join(parts).split())


def test_a_seam_is_behind_a_sentence_or_between_words() -> None:
    """A word is cut only where it is longer than a text."""
    sentences = "This is a sentence of it. " * 100
    words = "word " * 500

    assert split_text(sentences)[0].endswith("it.")
    assert all(set(part.split()) == {"word"} for part in split_text(words))
    assert [MAX_CHARS, 400] == [len(part) for part in split_text("x" * 2000)]
