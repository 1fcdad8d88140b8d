"""The streaming shaper: what comes out, when, and that the cut into tokens does not matter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.speech import HELD_MOST, Shaper

MARKUP = re.compile(r"[*_`~#<>|\[\]{}\\^&]|https?:|://|www\.")
FRAGMENTS = [
    "Hello", "the", "word", "I'm", "o'clock", " ", "  ", "\n", "\n\n", "\t", "\r", "\u2028", "**", "*", "_", "`", "```",
    "#", "# ", "- ", "1. ", "2) ", "|", " | ", "|---|", "[", "](", "]", "(", ")", "![", "http://", "https://x.com/a",
    "www.x.com", "a@b.com", "<", "<=", "<b>", "</b>", '<break time="1s"/>', "<thinking>", "</thinking>", "ABC123",
    "OWL-101", "14A", "$12.50", "$5", "million", "14:35", "09:15", "AM", "p.m.", "2026-11-21", "415", "555", "0132",
    "(415)", "+1", "120", "kg", "%", "&", "@", "°", "→", "🎉", "👨‍👩‍👧", "\u200d", "é", "½", "你好",
    "。", ",", ".", "!", "?",
    ":", ";", "…", "—", "-", "–", '"', "'", "~", "~~", ">", "=", "+", "\\", "{", "}", "^", "$", "€", "/",
    "[x]", "&amp;", "&lt;", "0123456789", "x" * 30, "1" * 30, "\x00", "\x1b", "\ud800", "\ufeff",
]  # fmt: skip
texts = st.lists(st.sampled_from(FRAGMENTS) | st.just(" ") | st.text(max_size=6), max_size=30).map("".join)
# Prose: words with the marks prose has; a dash or a bracket stands where prose puts it.
words = st.from_regex(
    r"(?:[A-Za-zéüß]{1,12}|[a-z]{2,6}-[a-z]{2,6}|don't|\([a-z]{1,5}\)|“[a-z]{1,5}”)[.,;:!?…]?", fullmatch=True
)
prose = st.lists(st.tuples(words, st.sampled_from([" ", " ", " ", "  ", " — "])), min_size=1, max_size=40).map(
    lambda pairs: "".join(word + gap for word, gap in pairs)
)


def shaped(text: str, language: str = "en-US") -> str:
    """The whole text in one piece."""
    shaper = Shaper(language)
    return shaper.feed(text) + shaper.finish()


def pieces(text: str, cuts: Sequence[int]) -> list[str]:
    """The text cut at these places."""
    places = sorted({cut % (len(text) + 1) for cut in cuts} | {0, len(text)})
    return [text[i:j] for i, j in pairwise(places)]


@pytest.mark.accept("E23")
@given(texts, st.lists(st.integers(0, 400), max_size=12), st.sampled_from(["en-US", "en-GB", "es-MX", "zh-CN"]))
def test_tokens_may_be_cut_anywhere(text: str, cuts: list[int], language: str) -> None:
    """However a text is cut into tokens, the same is spoken, and never more than the bound is held."""
    streaming, single = Shaper(language), Shaper(language)
    spoken = by_character = ""

    for piece in pieces(text, cuts):
        spoken += streaming.feed(piece)
        assert len(streaming.held) <= HELD_MOST
    for character in text:
        by_character += single.feed(character)
        assert len(single.held) <= HELD_MOST

    whole = shaped(text, language)
    assert whole == spoken + streaming.finish()
    assert whole == by_character + single.finish()


@pytest.mark.accept("E23")
@given(st.lists(st.sampled_from(FRAGMENTS).filter(lambda f: "www" not in f) | st.just(" "), max_size=30).map("".join))
def test_nothing_but_speech_comes_out(text: str) -> None:
    """No markup, address, XML special or control character is ever passed on."""
    spoken = shaped(text)

    assert None is MARKUP.search(spoken)
    assert not [c for c in spoken if unicodedata.category(c) in {"Cc", "Cs", "Co"}]


@given(st.text(), st.sampled_from(["en-US", "fr-FR"]))
def test_any_text_is_safe_to_put_on_the_wire(text: str, language: str) -> None:
    """Whatever a model emits, what is passed on can be encoded and holds nothing XML forbids or gives a meaning."""
    spoken = shaped(text, language)

    spoken.encode("utf-8")
    assert not set(spoken) & set("<>&\x00\n\r\t\ufffe\uffff")


@pytest.mark.accept("E23")
@given(prose, st.lists(st.integers(0, 600), max_size=20))
def test_prose_passes_unchanged(text: str, cuts: list[int]) -> None:
    """Ordinary prose comes out as it went in, every blank included."""
    shaper = Shaper()

    spoken = "".join(map(shaper.feed, pieces(text, cuts))) + shaper.finish()

    assert text == spoken


@pytest.mark.accept("E10")
@given(prose)
def test_a_word_leaves_with_the_blank_behind_it(text: str) -> None:
    """After every blank of ordinary prose nothing is held: the first words wait for nothing."""
    shaper, spoken = Shaper(), ""

    for character in text:
        spoken += shaper.feed(character)
        if character == " ":
            assert "" == shaper.held
            assert spoken == text[: len(spoken)]


@pytest.mark.accept("E10")
@pytest.mark.parametrize("token", ["Sure ", "Sure,", "Sure!"])
def test_the_first_word_is_spoken_with_the_token_that_closes_it(token: str) -> None:
    """One token that ends in a blank or a mark is enough."""
    assert token == Shaper().feed(token)


@pytest.mark.accept("E23")
@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("**Your flight** is *delayed* by __two__ hours.", "Your flight is delayed by two hours."),
        ("## Details\nIt is late.", "Details. It is late."),
        ("Title\n=====\nText", "Title. Text"),
        ("Here you go:\n- Window\n- Aisle\n\nWhich one?", "Here you go: Window. Aisle. Which one?"),
        ("Hello\n\n* a\n  * nested\n* b\n", "Hello. a. nested. b."),
        ("1. **One**\n2) Two!\n3. three", "First, One. Second, Two! Third, three."),
        ("- [ ] open\n- [x] done", "open. done."),
        ("> quoted\n> more", "quoted more"),
        ("Above.\n\n---\n\nBelow.", "Above. Below."),
        ("Para one\n\nPara two", "Para one. Para two"),
        ("Line one\nline two", "Line one line two"),
        ("| Flight | Time |\n|:---|---:|\n| OWL-101 | 14:35 |\n", "Flight, Time. OWL 101, 2:35 PM."),
        ("```json\nhello\n```\nbye", "hello. bye"),
        ('See [our help page](https://www.skyowl.example/a?b=c "Help") now.', "See our help page now."),
        ("![logo](http://x/y.png) Welcome", "logo Welcome"),
        ("Great 🎉 news! 👩‍🚀🇩🇪", "Great news! "),
        ("A footnote[1].", "A footnote."),
        ("3.", "3."),
        ("It is gate\n3.\nGo", "It is gate 3. Go"),
    ],
)
def test_layout_is_not_read_aloud(written: str, spoken: str) -> None:
    """Markdown goes; where it was the only sign of a pause, a mark takes its place."""
    assert spoken == shaped(written)


@pytest.mark.accept("E23")
@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ('<speak>Hello <break time="1s"/> world</speak>', "Hello world"),
        ("one<br>two<p>three</p>", "one two three"),
        ("<thinking>I should look it up.</thinking>\n\nSure!", "Sure!"),
        ("Hi <Think>a < b > c\nd</THINK>there", "Hi there"),
        ("Mail <john@example.com> or see <https://x.com>.", "Mail john at example dot com or see x dot com."),
        ("a < b, 5<6 and 7 <= 8", "a less than b, 5 less than 6 and 7 at most 8"),
        ("Is it <b and so on", "Is it b and so on"),
        ("cut <audio src='https://a.example/" + "x" * 100 + "'/> here", "cut here"),
        ("broken <bre", "broken "),
    ],
)
def test_tags_never_reach_the_voice(written: str, spoken: str) -> None:
    """Tags go, what they enclose stays; what a model tells itself goes with them."""
    assert spoken == shaped(written)


@pytest.mark.accept("E23")
@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Call +1 (415) 555-0132 now", "Call 1, 4 1 5, 5 5 5, 0 1 3 2 now"),
        ("Call 415 555 0132.", "Call 4 1 5, 5 5 5, 0 1 3 2."),
        ("Call +44 20 7946 0958, please", "Call plus 4 4, 2 0, 7 9 4 6, 0 9 5 8, please"),
        ("card 4242 4242 4242 4242", "card 4 2 4 2, 4 2 4 2, 4 2 4 2, 4 2 4 2"),
        ("There are 120 seats in 2026 or 300 400 more", "There are 120 seats in 2026 or 300 400 more"),
        ("At 09:15 AM, 09:15 p.m. or 09:15 sharp", "At 9:15 AM, 9:15 p.m. or 9:15 AM sharp"),
        ("It costs $5 million, $2 a bag", "It costs 5 million dollars, 2 dollars a bag"),
        ("A 23 kg bag and 1 lb more", "A 23 kilograms bag and 1 pound more"),
    ],
)
def test_numbers_may_go_on_behind_a_blank(written: str, spoken: str) -> None:
    """Telephone numbers, times, prices and units are read with their parts, and only with theirs."""
    assert spoken == shaped(written)


@pytest.mark.accept("E23")
def test_a_long_address_is_named_by_its_host() -> None:
    """A long URL is not spelled, and the sentence after it is heard."""
    url = "https://skyowl.example/manage/booking/" + "very/long/" * 20 + "?utm=1."

    assert "Go to skyowl dot example. Then call." == shaped(f"Go to {url} Then call.")
    assert "Go to skyowl dot example." == shaped(f"Go to {url}")


def test_other_languages_get_what_needs_no_words() -> None:
    """No English word is put into another language; codes are spelled, markup and addresses go."""
    written = "**Su código** es ABC123, cuesta $5 & sale a las 14:35. Vea https://x.example/ayuda\n1. Uno"

    spoken = shaped(written, "es-MX")

    assert "Su código es A B C 1 2 3, cuesta $5 sale a las 14:35. Vea x.example. 1, Uno." == spoken


def test_scripts_without_blanks_are_not_held() -> None:
    """Chinese leaves character by character."""
    shaper = Shaper("zh-CN")

    assert "你好,您的航班" == shaper.feed("你好,您的航班")


def test_a_shaper_is_as_new_after_the_end() -> None:
    """Nothing of one answer colours the next."""
    shaper = Shaper()
    shaper.feed("| a table <thinking> unfinished")
    shaper.finish()

    assert "Hello there" == shaper.feed("Hello there") + shaper.finish()


def test_an_endless_answer_ends_with_a_sentence() -> None:
    """Ten thousand words are cut behind the sentence that passes the limit; with no sentence, soon after it."""
    shaper = Shaper(most=100)
    spoken = "".join(shaper.feed(token) for token in ["Nine words make a sentence here, do they not? "] * 100)

    assert shaper.full
    assert spoken.endswith("not?")
    assert 100 <= len(spoken) <= 150
    assert "" == shaper.feed("More. ") + shaper.finish()
    assert len(shaped("word " * 10_000)) <= 6000 + 4 * HELD_MOST


@pytest.mark.parametrize(
    "token", ["x" * 50_000, "<" * 50_000, "[" * 50_000, "1 " * 25_000, "*" * 50_000, "://" * 9_000]
)
def test_hostile_tokens_are_done_quickly(token: str) -> None:
    """A token of any size is shaped in linear time; quadratic time would not end here."""
    shaper = Shaper(most=10**9)

    shaper.feed(token)

    assert len(shaper.held) <= HELD_MOST


@pytest.mark.accept("E10")
@pytest.mark.parametrize(
    ("pieces", "first"),
    [(["Let", " me"], "Let"), (["I", " see"], "I"), (["OWL", "-101"], ""), (["A", "BC123"], ""), (["**", "Hi"], "")],
)
def test_the_first_plain_word_may_leave_before_the_blank_behind_it(pieces: list[str], first: str) -> None:
    """A first word of letters is spoken the same whatever follows; what may be a code or a marker waits."""
    shaper = Shaper()

    early = shaper.feed(pieces[0]) + shaper.hurry()

    assert first == early
    assert "".join(pieces).replace("**", "") == early + shaper.feed(pieces[1]) + shaper.finish() or not first
