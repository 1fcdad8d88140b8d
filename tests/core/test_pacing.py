"""When words leave: a model, a network and a voice on a virtual clock."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.pacing import CHARACTERS_PER_SECOND, LEAD_MS, LONGEST_WORD, START_MS, Pacer, count_clauses

REPLY = (
    "Sure, let me have a look at that for you, Mr. Smith. Your flight is delayed until 2:35 p.m. today; I am sorry "
    "about that! The fee is 3.5 percent – is there anything else that I can do for you?"
)
first_word, *other_words = REPLY.split(" ")
tokens_of_reply = [first_word, *(f" {word}" for word in other_words)]

words = st.sampled_from(
    ["a", "I", "to", "the", "flight", "Boston", "reservation", "12", "Dr.", "3.5", "p.m.", "–", "don't"]
)
marks = st.sampled_from(["", "", "", "", "", ",", ".", "!", "?", ";", ":"])
token_streams = st.lists(st.tuples(words, marks).map(lambda pair: f" {pair[0]}{pair[1]}"), min_size=1, max_size=60).map(
    lambda tokens: [tokens[0].lstrip(), *tokens[1:]]
)


@dataclass
class Frame:
    """One post: when it started and landed, and what else was pending then."""

    text: str
    started_ms: int
    landed_ms: int


@dataclass
class Run:
    """A reply from the model's first token to the last post."""

    gaps_ms: list[int]
    tokens: list[str]
    post_ms: int = 20
    frames: list[Frame] = field(default_factory=list)
    waits: list[tuple[int, int, str]] = field(default_factory=list)
    """From when to when nothing was in flight and the speaker slept, and what was pending meanwhile."""

    def play(self) -> Run:
        """Run the speaker's loop: wake at a token, at a landing, or when the pacer says so."""
        pacer, now, left, flying = Pacer(), 0, list(zip(self.gaps_ms, self.tokens, strict=True)), None
        arrives = left[0][0] if left else None
        while arrives is not None or flying or not pacer.empty:
            times = [arrives, flying.landed_ms if flying else pacer.due_at()]
            woken = max(now, min((t for t in times if t is not None), default=now))
            if not flying:
                self.waits.append((now, woken, pacer.pending))
            now = woken
            if flying and flying.landed_ms <= now:
                pacer.posted(flying.text, now)
                flying = None
            while arrives is not None and arrives <= now:
                pacer.add(left.pop(0)[1], now)
                arrives = arrives + left[0][0] if left else None
            text = pacer.take(now, in_flight=flying is not None, model_done=arrives is None)
            if text is not None:
                assert flying is None
                flying = Frame(text, now, now + self.post_ms)
                self.frames.append(flying)
        return self


def run(token_ms: int, post_ms: int = 20, tokens: list[str] = tokens_of_reply) -> list[str]:
    """The frames of a reply from a steady model."""
    return [frame.text for frame in Run([token_ms] * len(tokens), tokens, post_ms).play().frames]


@pytest.mark.accept("E10")
def test_the_first_word_leaves_at_once() -> None:
    """The first frame goes with the first complete word, not with the first clause."""
    pacer = Pacer()
    pacer.add("Your", 0)
    assert pacer.take(0, in_flight=False, model_done=False) is None
    pacer.add(" flight", 10)

    assert "Your " == pacer.take(10, in_flight=False, model_done=False)


@pytest.mark.parametrize(
    ("text", "first"), [("Sure,", "Sure,"), ("Sure, I", "Sure, "), ("No! ", "No! "), ("12", None), ("3.", None)]
)
def test_a_mark_completes_a_word_where_it_cannot_stand_inside_one(text: str, first: str | None) -> None:
    """A comma behind letters is enough; a point behind a figure may be a decimal one."""
    pacer = Pacer()
    pacer.add(text, 0)

    assert first == pacer.take(0, in_flight=False, model_done=False)


def test_one_post_at_a_time() -> None:
    """Nothing leaves while a post is in flight, not even the end; and nobody is woken for it."""
    pacer = Pacer()
    pacer.add("One. Two. ", 0)
    assert "One. Two. " == pacer.take(0, in_flight=False, model_done=False)
    pacer.add("Three. Four.", 5)

    assert pacer.due_at() is None
    assert pacer.take(5, in_flight=True, model_done=True) is None
    pacer.posted("One. Two. ", 20)
    assert "Three. Four." == pacer.take(20, in_flight=False, model_done=True)


def test_words_follow_before_the_voice_runs_dry() -> None:
    """Short of a clause's end, the next words leave a lead before what was sent is spoken."""
    pacer = Pacer()
    pacer.add("Your flight to ", 0)
    sent = pacer.take(0, in_flight=False, model_done=False)
    assert sent is not None
    pacer.posted(sent, 100)
    pacer.add("Boston is del", 150)
    due = 100 + START_MS + len(sent) * 1000 // CHARACTERS_PER_SECOND - LEAD_MS

    assert due == pacer.due_at()
    assert pacer.take(due - 1, in_flight=False, model_done=False) is None
    assert "Boston is " == pacer.take(due, in_flight=False, model_done=False)


def test_nothing_is_due_while_no_word_is_complete() -> None:
    """With half a word at hand only the model can change anything."""
    pacer = Pacer()
    pacer.add("Hello ", 0)
    pacer.posted(pacer.take(0, in_flight=False, model_done=False) or "", 10)
    pacer.add("Bos", 20)

    assert pacer.due_at() is None


def test_abbreviations_and_figures_end_no_clause() -> None:
    """The point of "Mr.", "p.m." and "3.5" is none of a sentence; short commas are not worth a frame."""
    assert 5 == count_clauses(REPLY)
    assert 1 == count_clauses("Dr. Lee, e.g., is here at 5 p.m. today")
    assert 2 == count_clauses("It was a very long sentence about nothing at all, and it went on")
    assert 2 == count_clauses("One line\nand another")
    assert 2 == count_clauses("好的。请稍等")
    assert 0 == count_clauses(" … ")


@pytest.mark.parametrize("token_ms", [0, 1, 5, 10, 20])
def test_a_quick_model_costs_its_clauses_and_two(token_ms: int) -> None:
    """A quick model's reply is posted clause by clause, with the first words before them."""
    frames = run(token_ms)

    assert REPLY == "".join(frames)
    assert len(frames) <= count_clauses(REPLY) + 2


def test_a_model_without_delay_costs_one_post() -> None:
    """What is complete when it is first seen leaves in one frame."""
    assert [REPLY] == run(0)


def test_a_slow_model_is_passed_on_word_by_word() -> None:
    """When the voice is waiting, every word leaves as soon as it is complete: with the token that closes it."""
    frames = run(1500)

    assert REPLY == "".join(frames)
    assert all(len(frame.replace("–", "").split()) <= 2 for frame in frames)


def test_a_pause_does_not_make_the_rest_cost_more() -> None:
    """After a pause the voice's clock starts again: a quick rest leaves by clauses, not word by word."""
    gaps = [5] * 12 + [8000] + [5] * (len(tokens_of_reply) - 13)

    frames = Run(gaps, tokens_of_reply).play().frames

    assert len(frames) <= count_clauses(REPLY) + 4


@given(token_streams, st.integers(0, 10), st.integers(0, 60))
def test_any_quick_model_costs_its_clauses_and_two(tokens: list[str], token_ms: int, post_ms: int) -> None:
    """Whatever it says, a model ten times as quick as the voice costs at most two posts more than it has clauses."""
    reply = "".join(tokens)

    frames = run(token_ms, post_ms, tokens)

    assert reply == "".join(frames)
    assert len(frames) <= count_clauses(reply) + 2


@given(st.data(), token_streams, st.integers(0, 120))
def test_the_voice_never_waits_for_us(data: st.DataObject, tokens: list[str], post_ms: int) -> None:
    """However the model stutters, no complete word is pending when what was posted has been spoken."""
    gaps = data.draw(st.lists(st.integers(0, 1500), min_size=len(tokens), max_size=len(tokens)))

    played = Run(gaps, tokens, post_ms).play()

    assert "".join(tokens) == "".join(frame.text for frame in played.frames)
    for begin, end, pending in played.waits:
        posted = [frame for frame in played.frames if frame.landed_ms <= begin]
        complete = any(map(str.isalnum, pending[: pending.rfind(" ") + 1]))
        if posted and end > begin and complete:
            assert end <= spoken_out(posted), (begin, end, pending)


@given(token_streams, st.integers(0, 2000))
def test_no_word_is_cut(tokens: list[str], token_ms: int) -> None:
    """Frames part where a blank or a mark does."""
    for frame in run(token_ms, tokens=tokens)[:-1]:
        assert frame[-1] in " ,;!?"


@given(st.lists(st.text(max_size=12), max_size=30), st.integers(0, 500))
def test_frames_joined_are_the_text(tokens: list[str], token_ms: int) -> None:
    """Any text leaves whole and in order, blanks at the very end apart; no frame is blank."""
    frames = run(token_ms, tokens=tokens)

    assert "".join(tokens).startswith("".join(frames))
    assert "".join(tokens)[len("".join(frames)) :].strip() == ""
    assert all(not frame.isspace() for frame in frames)


def test_an_endless_word_is_cut() -> None:
    """A run without any break does not keep the caller waiting for ever."""
    pacer = Pacer()
    pacer.add("x" * (LONGEST_WORD + 1), 0)

    assert LONGEST_WORD == len(pacer.take(0, in_flight=False, model_done=False) or "")


def test_what_has_not_left_can_be_taken_back() -> None:
    """A speaker that changes links takes the rest back; blanks alone count as nothing."""
    pacer = Pacer()
    pacer.add("Hello there", 0)
    pacer.take(0, in_flight=False, model_done=False)

    assert "there" == pacer.drain()
    assert "" == pacer.pending
    pacer.add("  ", 1)
    assert pacer.empty
    assert pacer.take(2, in_flight=False, model_done=True) is None


def spoken_out(frames: list[Frame]) -> int:
    """When a voice that began with the first frame has nothing more to say."""
    until = frames[0].landed_ms + START_MS
    for frame in frames:
        until = max(until, frame.landed_ms) + len(frame.text) * 1000 // CHARACTERS_PER_SECOND
    return until
