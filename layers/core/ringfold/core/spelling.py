"""Spoken and written forms made one: the letters and digits of a text, whoever spelt its numbers (design D5, row 21).

A TTS engine normalises before it speaks, so what Twilio reports as heard says "twelve dollars" where we sent "$12",
"twenty twenty-six" for "2026" and "ABC 123" for "A B C 1 2 3". Here both become the same run of characters: case,
blanks and punctuation go, number words become digits ("one oh one", "one hundred one" and "101" are all ``101``) and
symbols become words. Every character knows which written word it came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_WRITTEN: Final = re.compile(r"\S+")
_PIECE: Final = re.compile(
    r"[$€£](?P<money>\d[\d,]*)(?:\.(?P<cents>\d\d))?"
    r"|(?P<number>\d[\d,]*)(?:\.(?P<fraction>\d+))?(?:st|nd|rd|th)?(?![^\W\d_])"
    r"|(?P<digits>\d+)|(?P<letters>[^\W\d_]+)|(?P<symbol>[%&@°+=#])"
)
_MONEY: Final = {"$": "dollars", "€": "euros", "£": "pounds"}
_SYMBOLS: Final = {"%": "percent", "&": "and", "@": "at", "°": "degrees", "+": "plus", "=": "equals", "#": "number"}

_UNITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS: Final = (
    "ten",
    "eleven",
    "twelve",
    *(f"{stem}teen" for stem in ("thir", "four", "fif", "six", "seven", "eigh")),
)
_TENS: Final = tuple(f"{stem}ty" for stem in ("twen", "thir", "for", "fif", "six", "seven", "eigh", "nine"))
_UNIT_TH: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_NUMBER_WORDS: Final[dict[str, int]] = {
    **{word: value for value, word in enumerate([*_UNITS, *_TEENS, "nineteen"])},
    **{word: 10 * (value + 2) for value, word in enumerate(_TENS)},
    **{word: value + 1 for value, word in enumerate(_UNIT_TH)},
    **{f"{word}th": value + 10 for value, word in enumerate([*_TEENS, "nineteen"])},
    **{word[:-1] + "ieth": 10 * (value + 2) for value, word in enumerate(_TENS)},
    "twelfth": 12,
    "oh": 0,
    "hundred": 100,
    "thousand": 1000,
}


@dataclass(frozen=True, slots=True)
class Spelling:
    """A text's letters and digits.

    Attributes:
        characters: Folded letters and digits, nothing else.
        owners: For each character, the index of the written word it belongs to; never falls.
        ends: For each written word, the offset in the text at which it ends, its punctuation included.
    """

    characters: str
    owners: tuple[int, ...]
    ends: tuple[int, ...]


@lru_cache(maxsize=256)
def spell(text: str) -> Spelling:
    """Read a text; the same texts come again with every event of a call, so results are kept."""
    out = _Writer()
    ends = []
    for index, (word, end) in enumerate(_written(text)):
        ends.append(end)
        if word.isalpha():
            out.word(word.casefold(), index)
            continue
        for piece in _PIECE.finditer(word):
            _write(out, piece, index)
    out.close_number()
    return Spelling("".join(out.characters), tuple(out.owners), tuple(ends))


def _written(text: str) -> Iterator[tuple[str, int]]:
    """Each word between blanks and where it ends; in scripts written without blanks every character is one."""
    for found in _WRITTEN.finditer(text):
        word, start = found.group(), found.start()
        if word.isascii():
            yield word, found.end()
            continue
        begin = 0
        for place, character in enumerate(word):
            if "\u2e80" <= character < "\uac00" or "\uf900" <= character < "\uff70":
                if begin < place:
                    yield word[begin:place], start + place
                begin = place + 1
                yield character, start + begin
        if begin < len(word):
            yield word[begin:], found.end()


def _write(out: _Writer, piece: re.Match[str], index: int) -> None:
    kind, text = piece.lastgroup, piece.group()
    if piece["letters"]:
        out.word(text.casefold(), index)
    elif piece["money"]:
        cents = piece["cents"] or ""
        out.put(piece["money"].replace(",", "") + _MONEY[text[0]], index)
        out.put(f"{int(cents)}cents" if cents and int(cents) else "", index)
    elif piece["number"]:
        fraction = piece["fraction"]
        out.put(piece["number"].replace(",", "") + (f"point{fraction}" if fraction else ""), index)
    elif kind == "digits":
        out.put(text, index)
    else:
        out.put(_SYMBOLS[text], index)


class _Writer:
    """Collects characters; number words that follow each other are read as people say numbers."""

    __slots__ = ("_and", "_group", "_room", "_said", "_thousands", "characters", "owners")

    def __init__(self) -> None:
        self.characters: list[str] = []
        self.owners: list[int] = []
        self._said: list[int] = []  # the written words the number being spoken has come from; empty: there is none
        self._thousands = 0
        self._group = 0  # what it has below a thousand
        self._room = 0  # a value below this may still be added
        self._and: int | None = None  # an "and" that may belong to it

    def word(self, word: str, index: int) -> None:
        value = _NUMBER_WORDS.get(word)
        if value is not None:
            self._number(value, index)
        elif word == "and" and self._room >= 100 and self._and is None:
            self._and = index
        else:
            self.put(word, index)

    def put(self, characters: str, index: int) -> None:
        self.close_number()
        self.characters.append(characters)
        self.owners += [index] * len(characters)

    def _number(self, value: int, index: int) -> None:
        if value == 100 and self._said and 0 < self._group < 100:
            self._group, self._room = self._group * 100, 100
        elif value == 1000 and self._said and self._group and not self._thousands:
            self._thousands, self._group, self._room = self._group * 1000, 0, 1000
        elif self._said and 0 < value < min(self._room, 100):
            self._group, self._room = self._group + value, _room_after(value)
        else:
            self.close_number()
            self._group, self._room = value, _room_after(value)
        self._said.append(index)
        self._and = None

    def close_number(self) -> None:
        """Write the number that was being spoken, if any, and an "and" that turned out not to belong to it."""
        if not self._said:
            return
        digits, said, loose = str(self._thousands + self._group), self._said, self._and
        self._thousands, self._group, self._room, self._said, self._and = 0, 0, 0, [], None
        self.characters.append(digits)
        self.owners += [said[k * len(said) // len(digits)] for k in range(len(digits))]
        if loose is not None:
            self.put("and", loose)


def _room_after(value: int) -> int:
    """What may follow inside the same number: nothing below twenty, a unit after tens, the rest after a hundred."""
    return value if value >= 100 else 10 if value >= 20 else 0
