"""The talk clock: when queued text is spoken, and how much of it was heard. Pure; time is an argument.

Text collects until it makes a chunk: a sentence, or the end of the talk cycle. A voice with nothing to say does not
wait for the full stop, though: a moment (``onset_s``) after the first characters came it speaks what whole words there
are. Chunks are played one after another at a steady rate. A word counts as heard once half of it has sounded, so what
was heard is always a run of whole words from the beginning of what was sent.

A talk cycle (here: an utterance) ends with ``last``, or with a purge.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal

Interruptible = Literal["none", "dtmf", "speech", "any"]
Kind = Literal["text", "play", "digits"]

SENTENCE_END: Final = re.compile(r"[.!?…;][\"'”’)\]]*\s+")
WORD: Final = re.compile(r"\S+")
DRY_S: Final = 0.05
SPELLING_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Style:
    """How a piece may be cut off."""

    interruptible: Interruptible = "any"
    preemptible: bool = False


@dataclass(slots=True)
class Utterance:
    """One talk cycle of the agent: what was sent, what of it was heard."""

    number: int
    sent: str = ""
    heard_chars: int = 0
    open: bool = True
    done: bool = False
    began_s: float | None = None

    @property
    def heard(self) -> str:
        return self.sent[: self.heard_chars].strip()


@dataclass(slots=True)
class Chunk:
    """A piece of one utterance that is synthesised and played as a whole."""

    utterance: Utterance
    text: str
    style: Style
    start: int
    duration_s: float
    kind: Kind = "text"
    ready_s: float = 0.0
    words: tuple[tuple[str, int, int], ...] = ()
    words_said: int = 0

    def next_word(self) -> tuple[str, int, int] | None:
        """The word to come: itself, and where in the chunk it begins and ends."""
        return self.words[self.words_said] if self.words_said < len(self.words) else None


@dataclass(frozen=True, slots=True)
class Began:
    """The voice starts after silence."""

    utterance: Utterance
    dry_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Word:
    utterance: Utterance
    text: str
    upto: int


@dataclass(frozen=True, slots=True)
class Played:
    """A whole chunk has sounded."""

    utterance: Utterance
    text: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Done:
    """Everything of a closed utterance has sounded."""

    utterance: Utterance


@dataclass(frozen=True, slots=True)
class Fell:
    """The voice falls silent."""


Sound = Began | Word | Played | Done | Fell


@dataclass(frozen=True, slots=True)
class Cut:
    """What a purge leaves: the utterance that was sounding (or would have been next), and what was heard of it."""

    utterance: Utterance | None
    heard: str
    played_s: float


@dataclass(slots=True)
class _Tail:
    """Text that does not make a chunk yet."""

    utterance: Utterance
    text: str
    style: Style
    start: int
    since_s: float
    grown_s: float

    def ready_s(self, onset_s: float) -> float | None:
        """When a voice with nothing else to say may begin with it; a word still being spelled out gets more time."""
        if not self.text.strip():
            return None
        return self.since_s + onset_s if re.search(r"\S\s", self.text) else self.grown_s + onset_s + SPELLING_S


@dataclass(slots=True)
class TalkClock:
    """Plays what it is given; call :meth:`advance` at :meth:`next_s` to learn what sounded."""

    chars_per_s: float = 15.0
    onset_s: float = 0.33
    utterances: list[Utterance] = field(default_factory=list)
    _queue: deque[Chunk] = field(default_factory=deque)
    _tail: _Tail | None = None
    _playing: Chunk | None = None
    _started_s: float = 0.0
    _silent_since_s: float = 0.0
    _sounds: list[Sound] = field(default_factory=list)

    # -- what comes in ---------------------------------------------------------------------------------------------

    def add_text(self, now_s: float, token: str, style: Style, *, last: bool = False) -> Utterance | None:
        """Queue a token. Returns its utterance; ``None`` for an empty token that closes nothing."""
        self._settle(now_s)
        if token:
            self._preempt_for(now_s, style)
        utterance = self._open_utterance(create=bool(token))
        if utterance is None:
            return None
        if token:
            self._append(now_s, utterance, token, style)
        if last:
            self._flush_tail(now_s)
            utterance.open = False
            self._finish_if_played(utterance)
        return utterance

    def add_sound(self, now_s: float, label: str, duration_s: float, style: Style, kind: Kind = "play") -> Utterance:
        """Queue audio or digits behind what is queued already, as an utterance of its own."""
        self._settle(now_s)
        self._preempt_for(now_s, style)
        self._flush_tail(now_s)
        if self.open:
            self.utterances[-1].open = False
            self._finish_if_played(self.utterances[-1])
        utterance = Utterance(len(self.utterances) + 1, sent=label, open=False)
        self.utterances.append(utterance)
        self._queue.append(Chunk(utterance, label, style, 0, duration_s, kind, now_s))
        return utterance

    def purge(self, now_s: float) -> Cut:
        """Throw away everything queued and fall silent, as a barge-in or a hang-up does."""
        self._settle(now_s)
        utterance = self._sounding()
        cut = Cut(None, "", 0.0)
        if utterance is not None:
            played_s = 0.0 if utterance.began_s is None else now_s - utterance.began_s
            cut = Cut(utterance, utterance.heard, played_s)
        if self._playing is not None:
            self._sounds.append(Fell())
            self._silent_since_s = now_s
        self._queue.clear()
        self._tail = self._playing = None
        for each in self.utterances:
            each.open, each.done = False, True
        return cut

    # -- what comes out --------------------------------------------------------------------------------------------

    def advance(self, now_s: float) -> list[Sound]:
        """Everything that sounded until now, since the last call."""
        self._settle(now_s)
        sounds, self._sounds = self._sounds, []
        return sounds

    def next_s(self) -> float | None:
        """When something will sound next; ``None`` while there is nothing to say."""
        if self._playing is not None:
            return self._next_in_chunk(self._playing)
        if self._queue:
            return max(self._queue[0].ready_s, self._silent_since_s)
        return self._tail_ready_s()

    @property
    def speaking(self) -> bool:
        return self._playing is not None

    @property
    def idle(self) -> bool:
        """Nothing sounds and nothing waits to."""
        return self._playing is None and not self._queue and (self._tail is None or not self._tail.text.strip())

    @property
    def open(self) -> bool:
        """A talk cycle has begun and not been closed."""
        return bool(self.utterances) and self.utterances[-1].open

    def can_be_cut_by(self, by: Literal["speech", "dtmf"]) -> bool:
        """Whether what sounds now, or would sound next, gives way to the caller."""
        style = self._playing.style if self._playing else self._queue[0].style if self._queue else None
        if style is None:
            style = self._tail.style if self._tail else Style()
        return style.interruptible in ("any", by)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _settle(self, now_s: float) -> None:
        while (due_s := self.next_s()) is not None and due_s <= now_s:
            if self._playing is not None:
                self._step_chunk(self._playing, due_s)
            else:
                self._begin_next(due_s)

    def _step_chunk(self, chunk: Chunk, due_s: float) -> None:
        if (word := chunk.next_word()) is not None:
            chunk.words_said += 1
            chunk.utterance.heard_chars = chunk.start + word[2]
            self._sounds.append(Word(chunk.utterance, word[0], chunk.utterance.heard_chars))
            return
        self._playing = None
        self._silent_since_s = due_s
        self._sounds.append(Played(chunk.utterance, chunk.text, chunk.kind))
        self._finish_if_played(chunk.utterance)
        self._take_tail_if_dry(due_s)
        if not self._queue or self._queue[0].ready_s > due_s:
            self._sounds.append(Fell())

    def _next_in_chunk(self, chunk: Chunk) -> float:
        if (word := chunk.next_word()) is not None:
            return self._started_s + (word[1] + word[2]) / 2 / self.chars_per_s
        return self._started_s + chunk.duration_s

    def _begin_next(self, due_s: float) -> None:
        if not self._queue:
            self._take_words_of_tail(due_s)
        chunk = self._queue.popleft()
        utterance = chunk.utterance
        gap_s = due_s - self._silent_since_s
        if gap_s > 0 or utterance.began_s is None:
            dry_s = gap_s if utterance.began_s is not None and gap_s > DRY_S else 0.0
            self._sounds.append(Began(utterance, dry_s))
        if utterance.began_s is None:
            utterance.began_s = due_s
        self._playing, self._started_s = chunk, due_s

    def _take_tail_if_dry(self, due_s: float) -> None:
        """What came while the voice was busy needs no onset of its own any more."""
        ready_s = self._tail_ready_s()
        if not self._queue and ready_s is not None and ready_s <= due_s:
            self._take_words_of_tail(due_s)

    def _tail_ready_s(self) -> float | None:
        ready_s = self._tail.ready_s(self.onset_s) if self._tail else None
        return None if ready_s is None else max(ready_s, self._silent_since_s)

    def _take_words_of_tail(self, now_s: float) -> None:
        """Make a chunk of the tail's whole words; a word still being spelled out stays."""
        tail = self._tail
        assert tail is not None
        whole = re.match(r"\s*\S.*\s", tail.text, re.DOTALL)
        self._cut_tail(whole.end() if whole else len(tail.text), now_s)

    def _open_utterance(self, *, create: bool) -> Utterance | None:
        if self.open:
            return self.utterances[-1]
        if not create:
            return None
        utterance = Utterance(len(self.utterances) + 1)
        self.utterances.append(utterance)
        return utterance

    def _append(self, now_s: float, utterance: Utterance, token: str, style: Style) -> None:
        if self._tail is not None and (self._tail.style != style or self._tail.utterance is not utterance):
            self._flush_tail(now_s)
        tail = self._tail or _Tail(utterance, "", style, len(utterance.sent), now_s, now_s)
        tail.text += token
        tail.grown_s = now_s
        utterance.sent += token
        self._tail = tail
        self._cut_sentences(now_s)

    def _cut_sentences(self, now_s: float) -> None:
        while self._tail is not None:
            end = SENTENCE_END.search(self._tail.text)
            if end is None:
                return
            self._cut_tail(end.end(), now_s)

    def _flush_tail(self, now_s: float) -> None:
        if self._tail is not None:
            self._cut_tail(len(self._tail.text), now_s)

    def _cut_tail(self, length: int, now_s: float) -> None:
        tail = self._tail
        assert tail is not None
        text, rest = tail.text[:length], tail.text[length:]
        if text.strip():
            self._queue.append(
                Chunk(
                    tail.utterance,
                    text,
                    tail.style,
                    tail.start,
                    len(text) / self.chars_per_s,
                    ready_s=tail.since_s + self.onset_s,
                    words=tuple((word.group(), word.start(), word.end()) for word in WORD.finditer(text)),
                )
            )
        if rest:
            self._tail = _Tail(tail.utterance, rest, tail.style, tail.start + length, now_s, now_s)
        else:
            self._tail = None

    def _finish_if_played(self, utterance: Utterance) -> None:
        if utterance.open or utterance.done or any(piece.utterance is utterance for piece in self._pieces()):
            return
        utterance.done = True
        self._sounds.append(Done(utterance))

    def _preempt_for(self, now_s: float, style: Style) -> None:
        """A later message cuts what was marked preemptible: all of a closed cycle, in an open one what differs."""

        def gives_way(piece: Chunk | _Tail) -> bool:
            return piece.style.preemptible and not (piece.utterance.open and style.preemptible)

        cut = {id(piece.utterance): piece.utterance for piece in self._pieces() if gives_way(piece)}
        if not cut:
            return
        self._queue = deque(chunk for chunk in self._queue if not gives_way(chunk))
        if self._tail is not None and gives_way(self._tail):
            self._tail = None
        if self._playing is not None and gives_way(self._playing):
            self._playing = None
            self._silent_since_s = now_s
            self._sounds.append(Fell())
        for utterance in cut.values():
            utterance.open = False
            self._finish_if_played(utterance)

    def _pieces(self) -> list[Chunk | _Tail]:
        pieces: list[Chunk | _Tail] = [self._playing] if self._playing else []
        return [*pieces, *self._queue, *([self._tail] if self._tail else [])]

    def _sounding(self) -> Utterance | None:
        if self._playing is not None:
            return self._playing.utterance
        if self._queue:
            return self._queue[0].utterance
        if self._tail is not None:
            return self._tail.utterance
        return self.utterances[-1] if self.utterances and self.utterances[-1].open else None
