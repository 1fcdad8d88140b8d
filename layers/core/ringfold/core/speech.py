"""The model's text, shaped for the ear while it streams (acceptance E23).

A word is spoken as soon as it is certainly complete: at the blank behind it, or at the comma. So nothing is held but
the word being written, and what may belong to it: a number that may be the beginning of a telephone number, a time
that waits for its "PM", a tag that has not closed. That is never more than `HELD_MOST` characters; beyond it a word is
cut, an address is named by its host and the rest of it dropped.

What is spoken depends on the text alone, never on how it was cut into tokens. Ordinary prose comes out as it went in,
every blank included. Line ends become one blank, with a full stop before it where the layout was the only sign of a
pause: items of a list, headings, rows of a table, paragraphs. Ordered items begin with "First," and so on. Cells of a
table are parted by commas. Tags go, what they enclose stays, except what a model tells itself (``<thinking>``).

How single words are said: `spoken`.
"""

from __future__ import annotations

import re
from typing import Final

from ringfold.core.spoken import say, say_url

HELD_MOST: Final = 64
"""Characters held at most."""
SPOKEN_MOST: Final = 6000
"""Characters of one answer that are spoken at most: more than six minutes. It ends with the sentence."""

_LETTER: Final = "[A-Za-zÀ-ÖØ-öø-ÿ]"  # other scripts take the long way, to the same end
_PROSE: Final = re.compile(rf" *(?:{_LETTER}+(?:['’-]{_LETTER}+)*[.,;:!?]? +)*")
_SPACE: Final = re.compile("[ \n]+")
_WORD: Final = re.compile(
    rf"(?P<closed>(?:{_LETTER}+['’])?{_LETTER}+[,;!?])"  # a word that a mark has closed
    r"|[^ \n<]*?\](?=\()"  # the text of a link
    r"|[^ \n<]+"
)
_TAG: Final = re.compile(r"</?([A-Za-z!?][\w:.-]*)[^<>\n]*>")
_TAG_BEGINS: Final = re.compile(r"<[A-Za-z/!?]")
_TAG_GOES_ON: Final = re.compile(r"</?[A-Za-z!?][\w:.-]*(?:\s+[\w:.-]+\s*=|\s*--)")
_BLOCK_TAGS: Final = frozenset({"br", "p", "li", "ul", "ol", "div", "tr", "table", "hr", "h1", "h2", "h3", "h4"})
_INNER_TAGS: Final = frozenset({"thinking", "think", "thought", "thoughts", "reasoning", "scratchpad", "reflection"})
_URL_BEGINS: Final = re.compile(
    r"[\"'(\[*_<]*(?=[A-Za-z][A-Za-z0-9+.-]*:/|www\.|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+/)", re.IGNORECASE
)
_URL_INSIDE: Final = re.compile(r"(?<=[^A-Za-z0-9+.-])(?:https?:|www\.)|[A-Za-z0-9+.-]*(?::/{0,2})?$", re.IGNORECASE)
_ENDS: Final = {
    "target": re.compile(r"[)\n]"),
    "tag": re.compile(r"[>\n]"),
    "address": re.compile(r"[ \n\]<>\"]"),
}

_BULLETS: Final = frozenset("-*+•–—·‣◦▪●○■")
_ORDERED: Final = re.compile(r"[*_]*(\d{1,2})[.)][*_]*")
_RULE: Final = re.compile(r"[-*_=~]{3,}|(?:`{3,}|~{3,})[\w+-]*")
_CELL_RULE: Final = re.compile(r"\|?[|:+-]*-{2,}[|:+-]*")
_ORDINALS: Final = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth", "Tenth")

# What may go on behind a blank, and how.
_OPEN_NUMBER: Final = re.compile(r"\+\d{1,4}|\(\d{3}\)|\d{3,4}|1|0\d:[0-5]\d|\d{1,2}:00|[$€£¥₹]\d[\d,]*(?:\.\d{1,2})?")
_PHONE_SO_FAR: Final = re.compile(
    r"\+\d{1,4}(?: \(?\d{1,4}\)?(?:[.-]\d{2,4})*)+|(?:1 )?(?:\(\d{3}\)|\d{3})(?: \d{3}(?:[ .-]\d{4})?)?"
    r"|\d{4}(?: \d{4}){1,3}"
)
_PHONE_WHOLE: Final = re.compile(r"(?:1 )?(?:\(\d{3}\)|\d{3}) \d{3}[ .-]\d{4}|\+\d[\d ().-]{8,}\d|\d{4}(?: \d{4}){2,3}")
_TIME_WHOLE: Final = re.compile(r"\d{1,2}:\d\d [ap]\.?m\.?", re.IGNORECASE)
_PRICE_WHOLE: Final = re.compile(r"[$€£¥₹][\d,.]+ (?:thousand|million|billion)")
_NUMBER: Final = re.compile(r"[(*_]*(\d[\d,]*(?:\.\d+)?)")
_PAUSED: Final = frozenset(".,;:!?…")
_SENTENCE_END: Final = re.compile(r"[.!?。…](?=\s|$)")


def _speakable(character: str) -> str:
    """What may stand in speech for a character: itself, a blank, a line end, or nothing for what cannot be heard.

    Not printable, for Python, are blanks other than the space, controls, marks of direction, surrogates, private and
    unassigned characters. Two of them hold words together in Persian and in Indic scripts.
    """
    if character.isprintable() or character in "\n\u200c\u200d":
        return character
    if character in "\v\f\u0085\u2028\u2029":
        return "\n"
    return " " if character != "\r" and character.isspace() and character not in "\x1c\x1d\x1e\x1f" else ""


def _first_wide(word: str) -> int | None:
    """Where a script begins that puts no blanks between words: Thai to Burmese, Khmer, Han, kana, full-width forms."""
    for place, c in enumerate(word):
        if c >= "\u0e00" and (
            c < "\u10a0" or "\u1780" <= c < "\u1800" or "\u2e80" <= c < "\ua4d0" or "\uf900" <= c < "\uff70"
        ):
            return place
    return None


class Shaper:
    """Shapes one answer. Feed it the model's text in pieces of any size; every piece of speech comes out once."""

    __slots__ = (
        "_buffer", "_calm", "_comma", "_english", "_full", "_gap", "_held", "_held_gap", "_kind", "_last", "_left",
        "_most", "_new_line", "_newlines", "_number", "_prefix", "_skip", "_skipped", "_swallow", "_was",
    )  # fmt: skip

    def __init__(self, language: str = "en-US", *, most: int = SPOKEN_MOST) -> None:
        """Begin.

        Args:
            language: BCP 47 tag of what the model writes. Other than English only gets what needs no words: no
                markup, no addresses, codes spelled.
            most: Characters of speech after which the sentence is finished and nothing more is spoken.
        """
        self._english = language[:2].lower() == "en"
        self._most = most
        self._reset()

    def _reset(self) -> None:
        self._left = self._most
        self._full = False
        self._buffer = ""  # not decided yet; begins where a word or a gap begins
        self._calm = False  # in the midst of ordinary prose: the short way is open
        self._skip = ""  # what is being dropped: "target" of a link, "tag", "address", or a closing tag to wait for
        self._skipped = ""  # the last character dropped
        self._held = ""  # a number that may go on behind the blanks in _held_gap
        self._held_gap = ""
        self._last = ""  # the last character spoken
        self._gap = ""  # blanks not spoken yet
        self._newlines = 0  # line ends since the last word
        self._new_line = True  # nothing spoken on this line yet
        self._kind = ""  # of this line: "item", "heading", "table", or "" for prose
        self._was = ""  # of the line before
        self._prefix = ""  # "First," of an ordered item
        self._comma = False  # a table's cell has ended
        self._swallow = False  # the next blanks belong to something dropped
        self._number = ""  # the number just spoken, for a unit behind it

    @property
    def held(self) -> str:
        """What was fed and is neither spoken nor dropped yet."""
        return self._held + self._held_gap + ("" if self._skip else self._buffer)

    @property
    def full(self) -> bool:
        """Whether the answer has grown too long, and nothing more of it will be spoken: stop the model."""
        return self._full

    def feed(self, text: str) -> str:
        """Take a piece of the model's text and return what can be spoken by now."""
        if not text.isprintable():
            text = "".join(map(_speakable, text))
        buffer = self._buffer + text
        out = ""
        if self._calm and (end := _PROSE.match(buffer).end()):  # type: ignore[union-attr]  # matches the empty text too
            out, buffer = buffer[:end], buffer[end:]
            self._last = out[-1]
        self._buffer = buffer
        if buffer and not (self._calm and buffer.isascii() and buffer.isalpha() and len(buffer) <= HELD_MOST):
            out += self._work(final=False)
        return self._within(out) if out else out

    def hurry(self) -> str:
        """Return the answer's very first word although the blank behind it has not come.

        Whoever waits for the first word need not wait for the second: a plain word of letters is spoken the same
        whatever follows, and if more letters follow the voice's side joins them, as it joins tokens.
        """
        word = self._buffer
        plain = word.isascii() and word.isalpha() and word[1:] == word[1:].lower() and (len(word) > 1 or word == "I")
        if self._last or self._held or self._skip or not plain:
            return ""
        return self._within(self._work(final=True))

    def finish(self) -> str:
        """Return what is left, the answer being over. The shaper is as new afterwards."""
        out = self._work(final=True) + self._flush() + self._lone_item()
        if self._skip == "address" and self._skipped in _PAUSED:
            out += self._put(self._skipped)
        if (self._was if self._newlines else self._kind) and self._wants_pause():
            out += "."
        out = self._within(out)
        self._reset()
        return out

    def _within(self, out: str) -> str:
        """Let pass what the answer may still have, and end it with a sentence."""
        if self._full:
            return ""
        left, self._left = self._left, self._left - len(out)
        if self._left > 0:
            return out
        end = _SENTENCE_END.search(out, max(0, left - 1))
        self._full = end is not None or self._left <= -HELD_MOST * 4
        return out[: end.end()] if end else out[: left + HELD_MOST * 4]

    # --- taking the text apart -----------------------------------------------------------------------------------
    def _work(self, *, final: bool) -> str:
        out: list[str] = []
        while self._buffer:
            before = len(self._buffer), self._skip
            if self._skip:
                out.append(self._drop())
            elif gap := _SPACE.match(self._buffer):
                self._buffer = self._buffer[gap.end() :]
                out.append(self._blank(gap.group()))
            elif self._buffer[0] == "<":
                out.append(self._angle(final=final))
            else:
                out.append(self._next_word(final=final))
            if (len(self._buffer), self._skip) == before:
                break
        self._calm = not (
            self._kind
            or self._new_line
            or self._held
            or self._skip
            or self._number
            or self._swallow
            or self._newlines
            or self._comma
        )
        return "".join(out)

    def _next_word(self, *, final: bool) -> str:
        buffer = self._buffer
        found = _WORD.match(buffer, 0, HELD_MOST + 1)  # no further: a token may be of any size
        assert found is not None
        word = found.group()
        if not word.isascii() and (wide := _first_wide(word)) is not None:
            word = word[: wide or 1]
            closed = whole = True
        else:
            closed = found["closed"] is not None
            whole = final or closed or found.end() < len(buffer)
        out = ""
        if self._held and len(self._held) + len(self._held_gap) + len(word) > HELD_MOST:
            out = self._flush()
        if len(word) > HELD_MOST:
            return out + self._cut(word)
        if not whole:
            return out
        self._buffer = buffer[len(word) :]
        spaced = self._buffer.startswith(" ")
        if self._buffer.startswith("(") and word.endswith("]"):
            self._skip = "target"
        return out + self._speak(word, spaced=spaced and not closed)

    def _cut(self, word: str) -> str:
        """A word that is too long: an address is named by its host, anything else goes in pieces."""
        begins = _URL_BEGINS.match(word)
        if begins:
            self._skip = "address"
            self._buffer = self._buffer[HELD_MOST:]
            self._skipped = ""
            address = say_url(word[begins.end() : HELD_MOST], english=self._english, cut=True)
            return self._put(begins.group().strip("[*_<") + address)
        inside = next((m.start() for m in _URL_INSIDE.finditer(word[:HELD_MOST]) if m.start()), HELD_MOST)
        self._buffer = self._buffer[inside:]
        return self._speak(word[:inside], spaced=False)

    def _drop(self) -> str:
        """Go on dropping; what ends an address is kept, and so is a full stop at its very end."""
        pattern = _ENDS.get(self._skip)
        if pattern is None:
            return self._drop_thought()
        end = pattern.search(self._buffer)
        if end is None:
            self._skipped, self._buffer = self._buffer[-1], ""
            return ""
        kept = end.group() not in ")>"
        if self._skip == "address":
            kept = True
            if end.start():
                self._skipped = self._buffer[end.start() - 1]
        self._buffer = self._buffer[end.start() + (not kept) :]
        ended, self._skip = self._skip, ""
        self._swallow = self._swallow or ended == "tag"
        return self._put(self._skipped) if ended == "address" and self._skipped in _PAUSED else ""

    def _drop_thought(self) -> str:
        end = re.search(re.escape(self._skip), self._buffer, re.IGNORECASE)
        if end is None:
            self._buffer = self._buffer[-len(self._skip) :]
            return ""
        self._buffer, self._skip, self._swallow = self._buffer[end.end() :], "", True
        return ""

    def _angle(self, *, final: bool) -> str:
        """A tag, an address in brackets, or a sign."""
        out, head = self._flush(), self._buffer[: HELD_MOST + 1]
        if tag := _TAG.match(head):
            self._buffer = self._buffer[tag.end() :]
            return out + self._tag(tag)
        if head in {"<", "<="} and not final:
            return out
        if not _TAG_BEGINS.match(head):
            return out + self._less(head)
        open_ = len(head) <= HELD_MOST and not re.search(r"[<\n]", head[1:])
        if open_ and not final:
            return out
        if open_ and not re.search(r"\s", head):
            self._buffer = ""
        elif len(head) > HELD_MOST and _TAG_GOES_ON.match(head) and not re.search(r"[<\n]", head[1:]):
            self._skip, self._buffer = "tag", self._buffer[1:]
        else:
            self._buffer = self._buffer[1:]
        return out

    def _less(self, head: str) -> str:
        sign = "<=" if head.startswith("<=") else "<"
        self._buffer = self._buffer[len(sign) :]
        behind = head[len(sign) : len(sign) + 1]
        if not self._english or not behind or not (behind in "$€£-." or behind.isspace() or behind.isdigit()):
            return ""
        before = "" if self._last in {"", " "} or self._gap or self._newlines else " "
        return self._put(before + ("at most" if sign == "<=" else "less than") + ("" if behind.isspace() else " "))

    def _tag(self, tag: re.Match[str]) -> str:
        name, inner = tag[1].lower(), tag.group()[1:-1]
        if not re.search(r"\s", inner) and re.search(r"@|:/|^www\.", inner):
            return self._speak(inner, spaced=False)
        closing = inner.startswith("/")
        if name in _INNER_TAGS and not closing and not inner.endswith("/"):
            self._skip = f"</{name}>"
        elif name in _BLOCK_TAGS:
            return self._line_end(1)
        self._swallow = True
        return ""

    # --- blanks and line ends --------------------------------------------------------------------------------------
    def _blank(self, run: str) -> str:
        blanks, line_end, _ = run.partition("\n")
        out = self._spaces(len(blanks))
        return out + self._line_end(run.count("\n")) if line_end else out

    def _spaces(self, count: int) -> str:
        if self._swallow:  # one blank is enough around what was dropped
            count = min(count, self._last not in {"", " "})
        if not count or self._newlines:
            return ""
        if self._held:
            self._held_gap += " " * count
            return self._flush() if len(self._held) + len(self._held_gap) > HELD_MOST else ""
        if self._kind:
            self._gap = " "
            return ""
        self._last = " "
        return " " * count

    def _line_end(self, count: int) -> str:
        out = self._flush() + self._lone_item()
        if not self._new_line:
            self._was = self._kind
        self._newlines += count
        self._new_line, self._kind, self._gap, self._prefix, self._number, self._comma = True, "", "", "", "", False
        return out

    def _lone_item(self) -> str:
        """Say a number that began a line and was no list's after all: nothing came behind it."""
        number, self._prefix = self._prefix.strip(" ,"), ""
        return self._put(number) if number else ""

    def _lead(self) -> str:
        """What comes between the last word and the next one."""
        if self._newlines:
            pause = "." if (self._was or self._kind or self._newlines > 1) and self._wants_pause() else ""
            return pause + ("" if self._last in {"", " "} else " ")
        if self._comma and self._wants_pause():
            return ", "
        return self._gap

    def _wants_pause(self) -> bool:
        return self._last.isalnum() or self._last in {")", "%"}

    # --- words -----------------------------------------------------------------------------------------------------
    def _speak(self, word: str, *, spaced: bool) -> str:
        """Say a word, or keep it for what may belong to it."""
        if self._new_line:
            word = self._marker(word, spaced=spaced)
        if self._held:
            joined = self._join(word, spaced=spaced)
            if joined is not None:
                return joined
        out = self._flush()
        if not word.strip("|"):
            self._comma, self._swallow = self._comma or bool(word), True
            return out
        closes_heading = self._kind == "heading" and not word.strip("#")
        if closes_heading or (_CELL_RULE.fullmatch(word) and ("|" in word or self._kind == "table")):
            self._swallow = True
            return out
        if spaced and not self._number and _OPEN_NUMBER.fullmatch(word):
            self._held, self._new_line, self._swallow = word, False, False
            return out
        self._comma = self._comma or word.startswith("|")
        out += self._put_word(word.strip("|"))
        self._comma = word.endswith("|")
        return out

    def _marker(self, word: str, *, spaced: bool) -> str:
        """What is left of a line's first word without the layout it stands for; notes the kind of line."""
        if _RULE.fullmatch(word) or (self._kind == "item" and word in {"[x]", "[X]"}):
            return ""
        if word.startswith("|"):
            self._kind = "table"
            return word[1:]
        if word.startswith(">") and not word.startswith(">="):
            return self._marker(word[1:], spaced=spaced) if word[1:] else ""
        ordered = _ORDERED.fullmatch(word) if spaced else None
        if ordered:
            number = int(ordered[1])
            known = self._english and 1 <= number <= len(_ORDINALS)
            self._prefix = f"{_ORDINALS[number - 1]}, " if known else f"{number}, "
        elif word.strip("#") == "" and len(word) <= 6:
            self._kind = "heading"
            return ""
        elif word not in _BULLETS:
            return word
        self._kind = "item"
        return ""

    def _join(self, word: str, *, spaced: bool) -> str | None:
        """Say or keep the number at hand together with this word; ``None`` if they do not belong together."""
        if self._held_gap != " ":
            return None
        core = word.rstrip(".,;:!?)\"'”*_`")
        joined = f"{self._held} {word}"
        if self._english and _TIME_WHOLE.fullmatch(f"{self._held} {core}"):
            spoken = say(f"{self._held} {word if '.' not in core else 'am'}")
            if "." in core:
                spoken = f"{spoken[:-3]} {word}"
        elif self._english and _PRICE_WHOLE.fullmatch(f"{self._held} {core}"):
            spoken = say(joined)
        elif (core != word or not spaced) and _PHONE_WHOLE.fullmatch(f"{self._held} {core}"):
            spoken = say(joined, english=self._english)
        elif spaced and _PHONE_SO_FAR.fullmatch(joined):
            self._held, self._held_gap = joined, ""
            return ""
        else:
            return None
        self._held = self._held_gap = ""
        return self._put(spoken)

    def _flush(self) -> str:
        """Say the number that was kept, as what it is by itself."""
        held, gap = self._held, self._held_gap
        if not held:
            return ""
        self._held = self._held_gap = ""
        if _PHONE_WHOLE.fullmatch(held):
            out = self._put(say(held, english=self._english))
        else:
            first, *others = held.split(" ")
            out = self._put_word(first)
            for other in others:
                out += self._spaces(1) + self._put_word(other)
        return out + self._spaces(len(gap))

    def _put_word(self, word: str) -> str:
        spoken = say(word, after=self._number, english=self._english)
        number = _NUMBER.fullmatch(word)
        out = self._put(spoken)
        self._number = number[1] if number else ""
        return out

    def _put(self, spoken: str) -> str:
        """Speak, with what comes before it; the only place that does."""
        self._number = ""
        if not spoken:
            self._swallow = True
            return ""
        out = self._lead() + self._prefix + spoken
        self._gap = self._prefix = ""
        self._newlines = 0
        self._new_line = self._swallow = self._comma = False
        self._last = out[-1]
        return out
