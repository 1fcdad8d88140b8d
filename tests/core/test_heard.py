"""The caller heard so much, and no more: aligning Twilio's text to ours."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ringfold.core.heard import Alignment, heard_prefix

UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
TENS = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty", 90: "ninety"}

plain_words = st.from_regex(r"[a-z]{1,9}[.,!?]?", fullmatch=True)
figures = st.one_of(
    st.integers(0, 99).map(str),
    st.integers(1, 99).map(lambda n: f"${n}"),
    st.integers(1, 99).map(lambda n: f"{n}%"),
    st.sampled_from(["A B C 1 2 3", "OWL 101", "2:35 PM", "14 A"]),
)
plain_texts = st.lists(plain_words, min_size=1, max_size=60).map(" ".join)
figure_texts = st.lists(st.one_of(plain_words, plain_words, figures), min_size=1, max_size=40).map(" ".join)


def in_words(number: int) -> str:
    """A number below a hundred as a voice says it."""
    if number < len(UNITS):
        return UNITS[number]
    if number < 20:
        return {13: "thirteen", 15: "fifteen", 18: "eighteen"}.get(number, UNITS[number - 10] + "teen")
    return TENS[number - number % 10] + (f"-{UNITS[number % 10]}" if number % 10 else "")


def normalised(text: str) -> str:
    """What a TTS engine makes of a text before it speaks it."""
    text = re.sub(r"\$(\d+)", r"\1 dollars", text).replace("%", " percent").replace("OWL 101", "owl one oh one")
    text = re.sub(r"\b([A-Z]) ([A-Z]) ([A-Z])\b", r"\1\2\3", text)
    return re.sub(r"\d+", lambda m: in_words(int(m[0])), text).lower()


def cut_at(text: str, index: int) -> tuple[str, int]:
    """The text up to the end of one of its words, and how many words that is."""
    ends = [m.end() for m in re.finditer(r"\S+", text)]
    return text[: ends[index % len(ends)]], index % len(ends) + 1


@pytest.mark.accept("E19")
@given(plain_texts, st.integers(0, 100))
def test_a_text_cut_anywhere_is_found_exactly(text: str, index: int) -> None:
    """Heard as it was sent, up to some word: the cut is that word's end."""
    cut, _ = cut_at(text, index)

    found = heard_prefix([text], cut)

    assert Alignment(0, len(cut), 1.0) == found


@pytest.mark.accept("E19")
@given(figure_texts, st.integers(0, 100))
def test_a_normalised_text_is_cut_within_one_word(text: str, index: int) -> None:
    """Heard as a TTS engine spells it: the cut is at a word's end, at most one word from the truth."""
    cut, words = cut_at(text, index)

    found = heard_prefix([text], normalised(cut))

    assert found is not None
    assert found.offset == len(text[: found.offset].rstrip())
    assert not text[found.offset : found.offset + 1].strip()
    assert abs(len(text[: found.offset].split()) - words) <= 1


@pytest.mark.accept("E19")
@given(st.lists(plain_texts, min_size=1, max_size=5), st.integers(0, 4), st.integers(0, 100))
def test_any_reply_may_have_been_playing(texts: list[str], which: int, index: int) -> None:
    """The heard text may begin at any reply's start; where replies begin alike, the latest is meant."""
    which %= len(texts)
    cut, _ = cut_at(texts[which], index)

    found = heard_prefix(texts, cut)

    assert found is not None
    assert found.segment >= which
    assert 1.0 == found.score
    assume(found.segment == which)
    assert len(cut) <= found.offset


@pytest.mark.accept("E19")
@given(st.lists(plain_texts, min_size=2, max_size=4), st.integers(0, 100))
def test_the_heard_text_may_run_over_into_the_next_reply(texts: list[str], index: int) -> None:
    """Two replies queued: everything of the first and some words of the second."""
    cut, _ = cut_at(texts[1], index)
    heard = f"{texts[0]} {cut}"
    assume(not any(text.startswith(texts[0][:3]) for text in texts[1:]))

    found = heard_prefix(texts, heard)

    assert found is not None
    assert (1, len(cut)) == (found.segment, found.offset)


@pytest.mark.accept("E19")
@pytest.mark.parametrize(
    ("heard", "kept"),
    [
        ("It costs twelve dollars and fifty cents for", "It costs $12.50 for"),
        ("it costs twelve dollars", "It costs $12.50"),
        ("it costs twelve", "It costs"),
        ("It costs $12.50 for each b", "It costs $12.50 for each"),
        ("It costs $12.50 for each ba", "It costs $12.50 for each bag,"),
        ("It costs 12 dollars for every bag", "It costs $12.50 for each bag,"),
        ("It costs $12.50 for each bag, Doctor Who", "It costs $12.50 for each bag, Dr. Who."),
        ("for each bag doctor who", "It costs $12.50 for each bag, Dr. Who."),
    ],
)
def test_the_cut_is_where_the_caller_was(heard: str, kept: str) -> None:
    """Normalised, half a word, another word, from the middle: the cut is at the right word."""
    text = "It costs $12.50 for each bag, Dr. Who. Anything else?"

    found = heard_prefix(["Hello there. ", text], heard)

    assert found is not None
    assert (1, kept) == (found.segment, text[: found.offset])


@pytest.mark.accept("E19")
@pytest.mark.parametrize("heard", ["", "   ", "…?!", "uh huh yes please", "Merhaba, nasılsınız", "你好"])
def test_noise_matches_nothing(heard: str) -> None:
    """Empty text and words that were never sent are told apart from a cut at the beginning."""
    assert heard_prefix(["Your flight is delayed by two hours. ", "Would you like another one?"], heard) is None


def test_of_equal_starts_the_latest_is_meant() -> None:
    """Replies begin alike; the one sounding is the last, unless more was heard than fits it."""
    replies = ["Let me check. Your seat is 14 A.", "Let me check. Your flight is late."]

    assert heard_prefix(replies, "Let me") == Alignment(1, 6, 1.0)
    assert heard_prefix(replies, "Let me check. Your seat") == Alignment(0, 23, 1.0)


def test_a_start_is_better_than_a_middle() -> None:
    """A reply's start is preferred to the same words later in the middle of another."""
    replies = ["The flight is late today.", "I said that the flight is late today."]

    found = heard_prefix(replies, "The flight is late")

    assert Alignment(0, 18, 1.0) == found


@given(st.lists(st.text(), max_size=4), st.text())
def test_any_text_is_taken(segments: list[str], heard: str) -> None:
    """Whatever the text, what comes back is a place in what was sent, or nothing."""
    found = heard_prefix(segments, heard)

    if found is not None:
        assert 0 <= found.offset <= len(segments[found.segment])
        assert 0.4 < found.score <= 1


@given(plain_texts)
def test_it_finds_a_heard_text_by_itself(text: str) -> None:
    """A text heard whole is heard to its end."""
    assert heard_prefix([text + " "], text.upper()) == Alignment(0, len(text), 1.0)


def test_three_hundred_words_take_no_time() -> None:
    """Far below a frame's budget, also where every word differs; the bound leaves room for a busy machine."""
    text = " ".join(f"word{i % 7} and{i % 5} {i}" for i in range(100))
    worst = 0.0
    for heard in (text, text.replace("and", "und"), "hello " * 300, text[::-1], normalised(text)):
        begin = time.perf_counter()
        heard_prefix([text, text, text], heard)
        worst = max(worst, time.perf_counter() - begin)

    assert worst < 0.1
