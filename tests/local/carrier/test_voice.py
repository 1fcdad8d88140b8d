"""The talk clock: what is spoken when, and what was heard."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from local.carrier.voice import Done, Fell, Played, Style, TalkClock, Word

ANY = Style()


def spoken(clock: TalkClock, until_s: float) -> list[str]:
    return [sound.text for sound in clock.advance(until_s) if isinstance(sound, Word)]


def test_words_come_at_the_rate_of_speech() -> None:
    """After the onset, fifteen characters take a second."""
    clock = TalkClock(chars_per_s=15, onset_s=0.5)
    clock.add_text(0, "Twelve chars and some more words.", ANY, last=True)

    assert [] == spoken(clock, 0.4)
    assert ["Twelve", "chars", "and"] == spoken(clock, 0.5 + 1.05)


def test_speech_starts_before_the_sentence_is_complete() -> None:
    """A voice with nothing to say speaks the whole words it has, and keeps the word being spelled out."""
    clock = TalkClock(onset_s=0.3)
    clock.add_text(0, "Let me che", ANY)

    assert ["Let", "me"] == spoken(clock, 1)
    clock.add_text(1, "ck that. ", ANY)
    assert ["check", "that."] == spoken(clock, 4)


def test_a_single_word_without_an_end_is_spoken_at_last() -> None:
    """A word nothing follows is not held back for ever."""
    clock = TalkClock()
    clock.add_text(0, "Hello", ANY)

    assert ["Hello"] == spoken(clock, 2)


def test_running_dry_is_noticed() -> None:
    """When the voice has to wait in the middle of a talk cycle the gap is told."""
    clock = TalkClock(onset_s=0)
    clock.add_text(0, "One two. ", ANY)
    clock.advance(3)
    clock.add_text(3, "Three.", ANY, last=True)

    gaps = [sound.dry_s for sound in clock.advance(9) if hasattr(sound, "dry_s")]
    assert [round(3 - 9 / 15, 3)] == [round(gap, 3) for gap in gaps]


def test_a_purge_keeps_whole_words_and_falls_silent() -> None:
    """What was heard is the words whose half has sounded; what comes later begins a new utterance."""
    clock = TalkClock(chars_per_s=10, onset_s=0)
    clock.add_text(0, "aaaa bbbb cccc dddd", ANY, last=True)
    clock.advance(0.9)

    cut = clock.purge(0.9)

    assert "aaaa bbbb" == cut.heard
    assert 0.9 == cut.played_s
    assert not clock.speaking
    assert clock.idle
    clock.add_text(1, "late", ANY, last=True)
    assert ["late"] == spoken(clock, 5)
    assert 2 == clock.utterances[-1].number


def test_a_later_message_cuts_a_preemptible_one() -> None:
    """A preemptible filler gives way to the answer without an interrupt."""
    clock = TalkClock(onset_s=0)
    clock.add_text(0, "One moment while I look that up for you. ", Style(preemptible=True))
    clock.advance(0.4)
    clock.add_text(0.4, "Here it is.", ANY, last=True)
    sounds = clock.advance(9)

    assert ["Here", "it", "is."] == [sound.text for sound in sounds if isinstance(sound, Word)]
    assert "One" == clock.utterances[0].heard
    assert "Here it is." == clock.utterances[1].heard


def test_tokens_of_one_preemptible_message_do_not_cut_each_other() -> None:
    """A filler streamed in pieces is spoken whole."""
    clock = TalkClock(onset_s=0)
    for token in ("One ", "moment ", "please."):
        clock.add_text(0, token, Style(preemptible=True))

    assert ["One", "moment", "please."] == spoken(clock, 9)


def test_sounds_wait_behind_speech() -> None:
    """Digits and audio are queued behind what was said before."""
    clock = TalkClock(onset_s=0)
    clock.add_text(0, "Dialling. ", ANY)
    clock.add_sound(0, "[keys 9]", 0.5, Style("none"), "digits")
    sounds = clock.advance(5)

    assert ["Dialling. ", "[keys 9]"] == [sound.text for sound in sounds if isinstance(sound, Played)]
    assert 2 == sum(isinstance(sound, Done) for sound in sounds)


@given(
    st.lists(st.tuples(st.text("ab ., \n", max_size=8), st.floats(0, 0.8), st.booleans()), max_size=20),
    st.lists(st.floats(0, 40), max_size=8),
)
def test_heard_is_always_a_growing_run_of_whole_words(
    tokens: list[tuple[str, float, bool]], looks: list[float]
) -> None:
    """Whenever one looks, what was heard is a prefix of what was sent, ends with a word, and never shrinks."""
    clock, now_s = TalkClock(), 0.0
    for token, pause_s, last in tokens:
        now_s += pause_s
        clock.add_text(now_s, token, ANY, last=last)
    before: dict[int, int] = {}
    for look_s in sorted(looks):
        clock.advance(now_s + look_s)
        for utterance in clock.utterances:
            assert utterance.sent.lstrip().startswith(utterance.heard)
            rest = utterance.sent[utterance.heard_chars :]
            assert not utterance.heard_chars or not rest or rest[0].isspace()
            assert before.get(utterance.number, 0) <= utterance.heard_chars
            before[utterance.number] = utterance.heard_chars


@given(st.lists(st.tuples(st.text("ab .,", max_size=8), st.floats(0, 3)), max_size=20))
def test_in_the_end_everything_is_heard(tokens: list[tuple[str, float]]) -> None:
    """A closed utterance nobody interrupts is heard to its end, and the voice falls silent once."""
    clock, now_s = TalkClock(), 0.0
    for token, pause_s in tokens:
        now_s += pause_s
        clock.add_text(now_s, token, ANY)
    clock.add_text(now_s, "", ANY, last=True)

    sounds = clock.advance(now_s + 1000)

    assert [each.sent.strip() for each in clock.utterances] == [each.heard for each in clock.utterances]
    assert clock.idle
    assert clock.next_s() is None
    assert not any(isinstance(sound, Fell) for sound in clock.advance(now_s + 2000))
    assert len(clock.utterances) == sum(isinstance(sound, Done) for sound in sounds)


@given(st.text("abc .", min_size=1, max_size=60), st.floats(0, 10))
def test_a_purge_reports_exactly_what_the_words_said(text: str, at_s: float) -> None:
    """The heard text of an interrupt is the words told until then."""
    clock = TalkClock()
    clock.add_text(0, text, ANY, last=True)
    words = spoken(clock, at_s)

    cut = clock.purge(at_s)

    assert words == (cut.heard.split() if cut.utterance is not None else words)
