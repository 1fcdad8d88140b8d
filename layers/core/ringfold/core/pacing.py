"""When the words leave: the first at once, the rest just ahead of the voice (design D4).

A frame holds everything up to the end of the last clause at hand. It holds whole words short of that only when it is
the first of the reply, or when what was sent will have been spoken before the clause is complete. So a model that is
several times quicker than the voice costs at most a post per clause and two more, one that is slower is passed on word
by word, and one that is only just quicker lies between.

Time is a parameter, integer milliseconds of any clock.
"""

from __future__ import annotations

import re
from typing import Final

CHARACTERS_PER_SECOND: Final = 15
"""How fast a voice speaks."""
LEAD_MS: Final = 300
"""How long before the voice would run dry the next words leave: a post and Twilio's own way to the TTS."""
START_MS: Final = 300
"""How long after the first frame the voice begins; 320 ms and more were observed. So a short first word ("I", "Yes,")
does not force the next few out one by one."""
LONGEST_WORD: Final = 200
"""A run without a break is cut at this length; no human word is."""
LONG_CLAUSE: Final = 40
"""From this length on a comma or a dash is worth a frame."""

_CLOSING: Final = "\"'”’»)\\]"
# Strong ends, weak ones (`weak`: comma and dash), and full-width ones, which no blank follows.
_END: Final = re.compile(
    rf"[.!?;:…]+[{_CLOSING}]*\s+|\n\s*|[。！？；：]+|(?P<weak>,[{_CLOSING}]*\s+|\s[–—-]+\s+|—|[，、])"
)
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(])(?:mr|mrs|ms|dr|prof|st|jr|sr|vs|approx|dept|est|fig|no|tel|ext|e\.g|i\.e|[ap]\.m|u\.s)\.\s+$",
    re.IGNORECASE,
)
_LOOK_BACK: Final = 12  # longer than any abbreviation, and than a mark with what closes behind it
_SPEAKABLE: Final = re.compile(r"[^\W_]")


class Pacer:
    """Decides for one reply which of the pending text leaves now.

    The speaker calls `add` for whatever comes out of the shaper, and `take` after that, after a post has landed, at
    `due_at`, and when the model is done; what `take` returns it posts as it stands, and tells `posted` once the
    post has landed (or may have: a timed-out post counts as said). The frames joined are the text added, except
    that blanks at the very end are kept back: no frame is blank.
    """

    __slots__ = (
        "_at_once", "_away", "_clause", "_cut", "_dry_at", "_lead_ms", "_per_second", "_scanned", "_start_ms",
        "_started", "_text",
    )  # fmt: skip

    def __init__(
        self,
        *,
        characters_per_second: int = CHARACTERS_PER_SECOND,
        lead_ms: int = LEAD_MS,
        start_ms: int = START_MS,
    ) -> None:
        self._per_second = characters_per_second
        self._lead_ms = lead_ms
        self._start_ms = start_ms
        self._text = ""
        self._at_once = 0
        self._started = False
        self._away = False  # a frame was taken and is not posted yet
        self._dry_at: int | None = None  # when the voice will have spoken everything that was posted
        self._scanned = 0  # how far the pending text was searched for ends of clauses
        self._cut = 0  # the end of the last clause found there
        self._clause = 0  # where the current clause began; negative when in a frame that has left

    @property
    def pending(self) -> str:
        """What was added and has not left."""
        return self._text

    @property
    def empty(self) -> bool:
        """Whether nothing is pending but blanks, which never leave by themselves."""
        return not self._text or self._text.isspace()

    def drain(self) -> str:
        """Take back what has not left, blanks and all."""
        text, self._text = self._text, ""
        self._scanned = self._cut = self._clause = 0
        return text

    def add(self, text: str, now_ms: int, *, at_once: bool = False) -> None:
        """Take text from the shaper; ``at_once``: the first word, which need not wait for the blank behind it."""
        del now_ms  # the voice's clock starts with the first post, not with the first token
        self._text += text
        if at_once:
            self._at_once = len(self._text)

    def take(self, now_ms: int, *, in_flight: bool, model_done: bool) -> str | None:
        """The text to post now, or ``None``; what is returned is no longer pending.

        Args:
            now_ms: The time.
            in_flight: Whether a post is under way: then nothing leaves.
            model_done: Whether nothing will be added any more: then everything leaves.
        """
        if in_flight or not self._text:
            return None
        if model_done:
            return None if self._text.isspace() else self._leave(len(self._text))
        if self._scan():
            return self._leave(self._cut)
        if not self._started:
            return self._leave(self._first())
        if now_ms >= self._due():
            return self._leave(self._whole_words())
        return None

    def due_at(self) -> int | None:
        """When to call `take` again if nothing new comes; a time in the past means at once.

        ``None`` while only more text, the end of the model's answer or the landing of a post can change anything.
        """
        if self._away or not self._text:
            return None
        if self._scan():
            return 0
        if not self._started:
            return 0 if self._first() else None
        return self._due() if self._whole_words() else None

    def posted(self, text: str, now_ms: int) -> None:
        """Tell that a frame has landed, so that the voice's clock runs on."""
        self._away = False
        begins = now_ms + self._start_ms if self._dry_at is None else max(self._dry_at, now_ms)
        self._dry_at = begins + len(text) * 1000 // self._per_second

    def _due(self) -> int:
        return 0 if self._dry_at is None else self._dry_at - self._lead_ms

    def _leave(self, size: int) -> str | None:
        if not size:
            return None
        frame, self._text = self._text[:size], self._text[size:]
        self._started = self._away = True
        self._clause -= size
        self._scanned = max(0, self._scanned - size)
        self._cut = 0
        return frame

    def _scan(self) -> int:
        """Where the last clause at hand ends, 0 if none does; reads only what is new."""
        text = self._text
        if self._scanned < len(text):
            for end in _END.finditer(text, self._scanned):
                if _ends(end, self._clause):
                    self._cut = self._clause = end.end()
                self._scanned = end.end()
            self._scanned = max(self._scanned, len(text) - _LOOK_BACK)
        return self._cut if self._cut and _SPEAKABLE.search(text, 0, self._cut) else 0

    def _first(self) -> int:
        """How much leaves first: whole words, or what was said to leave at once."""
        return max(self._whole_words(), self._at_once)

    def _whole_words(self) -> int:
        """How much of the pending text is complete words, 0 if there is none to be spoken."""
        text = self._text
        size = len(text) if _complete(text) else max(text.rfind(" "), text.rfind("\n")) + 1
        if _SPEAKABLE.search(text, 0, size):
            return size
        return LONGEST_WORD if len(text) > LONGEST_WORD else 0


def _complete(text: str) -> bool:
    """Whether a word ends with the text: at a mark that stands in no number or name, or in a script without blanks."""
    last = text[-1]
    if last in ",;!?…":
        return text[-2:-1].isalpha()
    return "\u2e80" <= last < "\uac00" or "\uf900" <= last < "\uff70"


def count_clauses(text: str) -> int:
    """How many clauses a text has: the measure for its posts."""
    clause = count = 0
    for end in _END.finditer(text):
        if _ends(end, clause):
            count += bool(_SPEAKABLE.search(text, clause, end.end()))
            clause = end.end()
    return count + bool(_SPEAKABLE.search(text, clause))


def _ends(end: re.Match[str], clause: int) -> bool:
    """Whether a mark really ends the clause that began at ``clause``."""
    if end["weak"] is not None:
        return end.end() - clause >= LONG_CLAUSE
    if not end.group().startswith("."):
        return True
    return not _ABBREVIATION.search(end.string[max(0, end.start() - _LOOK_BACK) : end.end()])
