"""Confirmation codes, flights and seats as people say and spell them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from local.model.dialogue.words import STOP_WORDS, normalise, with_digits

CODE_LENGTH: Final = 6
LONGEST_CHUNK: Final = 4
NATO: Final = {
    "alpha": "A", "alfa": "A", "bravo": "B", "charlie": "C", "delta": "D", "echo": "E", "foxtrot": "F", "golf": "G",
    "hotel": "H", "india": "I", "juliet": "J", "juliett": "J", "kilo": "K", "lima": "L", "mike": "M", "november": "N",
    "oscar": "O", "papa": "P", "quebec": "Q", "romeo": "R", "sierra": "S", "tango": "T", "uniform": "U", "victor": "V",
    "whiskey": "W", "xray": "X", "yankee": "Y", "zulu": "Z",
}  # fmt: skip
SOUNDS: Final = {
    "ay": "A", "bee": "B", "be": "B", "cee": "C", "see": "C", "sea": "C", "dee": "D", "ee": "E", "ef": "F", "eff": "F",
    "gee": "G", "aitch": "H", "eye": "I", "jay": "J", "kay": "K", "el": "L", "em": "M", "en": "N", "pee": "P",
    "cue": "Q", "queue": "Q", "are": "R", "ar": "R", "ess": "S", "tea": "T", "tee": "T", "you": "U", "vee": "V",
    "ex": "X", "why": "Y", "zee": "Z", "zed": "Z", "won": "1", "to": "2", "too": "2", "for": "4", "ate": "8",
}  # fmt: skip
REPEATS: Final = {"double": 2, "triple": 3}
ONE_OF_THEM: Final = re.compile(
    r"\b(first|1st|second|2nd|third|3rd|last|other|that|this|which|either|any|former|latter) 1\b"
)
NUMBERED: Final = re.compile(r"\b(?:number|option|choice) ([1-3])\b")
NOT_THAT_SEAT: Final = re.compile(r"\b(?:instead of|rather than|from|not)(?: seat)? \d{1,2} ?[a-l]\b")
SEAT: Final = re.compile(r"\b([1-9]|[1-5]\d|60)\s?([a-l])\b(?!\s?m\b)")
SEAT_LIKE: Final = re.compile(r"\d{1,2}[A-L]")
SEAT_DIGIT_BY_DIGIT: Final = re.compile(r"\b([1-5])\s([0-9])\s([a-l])\b(?!\s?m\b)")
FLIGHT: Final = re.compile(r"\b(owl)\s?(\d(?:\s?\d){1,3})\b")
ORDINALS: Final = {
    "first": 0, "1st": 0, "former": 0, "second": 1, "2nd": 1, "latter": 1, "third": 2, "3rd": 2, "last": -1,
}  # fmt: skip
_PLACE: Final = rf"({'|'.join(ORDINALS)})(?! (?:class|time|name|thing|of all)\b)\b"
ORDINAL: Final = re.compile(  # not "hold on a second", "first tell me …"
    rf"\bthe (?:very )?{_PLACE}|\b{_PLACE} (?:one|1|seat|option|choice)\b"
    rf"|^(?:(?:yes|yeah|please|ok|okay|um|uh|well) )*{_PLACE}(?: (?:please|thanks|thank you))?$"
)
NO_CODE: Final = STOP_WORDS | {
    "row",
    "seat",
    "gate",
    "keys",
    "room",
    "flight",
    "pm",
    "noon",
    "until",
    "after",
    "than",
    "last",
}
_AS_IN: Final = re.compile(r"\b([a-z]) (?:as in|like|for|is for) [a-z]{2,}\b")


@dataclass(frozen=True)
class _Atom:
    """A word that may be part of a code: its characters, and whether it can hardly be anything else."""

    characters: str
    strong: bool


def find_code(text: str, *, expected: bool = False) -> str:
    """The six-character confirmation code in an utterance, or ``""``.

    Args:
        text: What was said, for example ``it's A B C one two three`` or ``abc 1-2-3``.
        expected: Whether the caller was just asked for it; then letters may also come as sounds (``bee``, ``see``).
    """
    shouted = re.findall(r"\b[A-Z]{6}\b", text) if not text.isupper() or expected else []
    words = normalise(re.sub(r"\b([xX])-ray\b", "xray", text))
    words = FLIGHT.sub(" | ", with_digits(_AS_IN.sub(r"\1", words)))
    best = ""
    for run in _runs(words.split(), expected=expected):
        best = _code_in(run, expected=expected) or best
    return best or (shouted[0] if shouted else "")


def is_spelled(text: str) -> bool:
    """Whether an utterance is nothing but letters, digits and their sounds."""
    words = with_digits(normalise(text)).split()
    atoms = [_atom(word, expected=True) for word in words]
    return len(words) >= 4 and all(atom and (atom.strong or len(atom.characters) == 1) for atom in atoms)


def find_partial(text: str) -> str:
    """Characters of a code that came out too short or too long, for an answer to ``what is your code``; or ``""``."""
    words = with_digits(_AS_IN.sub(r"\1", normalise(text))).split()
    runs = ["".join(atom.characters for atom in run) for run in _runs(words, expected=True)]
    fitting = [run for run in runs if 3 <= len(run) <= 10 and len(run) != CODE_LENGTH and any(c.isdigit() for c in run)]
    return max(fitting, key=len, default="")


def find_seat(text: str, *, expected: bool = False) -> str:
    """A seat such as ``14F``, or ``""``."""
    words = ONE_OF_THEM.sub(r"\1", with_digits(normalise(text)))
    if expected:
        words = " ".join(SOUNDS.get(word, word) if word not in {"for", "to", "too", "are", "you"} else word
                         for word in words.split()).lower()  # fmt: skip
    words = " ".join(NATO.get(word, word) for word in words.split()).lower()
    words = NOT_THAT_SEAT.sub(" ", words)
    split = SEAT_DIGIT_BY_DIGIT.search(words)
    if split:
        return f"{split[1]}{split[2]}{split[3].upper()}"
    found = SEAT.findall(words)
    return f"{found[-1][0]}{found[-1][1].upper()}" if found else ""


def find_flight(text: str) -> str:
    """A SkyOwl flight such as ``OWL-101``, or ``""``."""
    found = FLIGHT.search(with_digits(normalise(text)))
    return f"OWL-{found[2].replace(' ', '')}" if found else ""


def find_ordinal(text: str) -> int | None:
    """Which one of a list: 0 for ``the first one``, -1 for ``the last``."""
    words = normalise(text)
    if re.search(r"\bother one\b", words):
        return 1
    numbered = NUMBERED.search(with_digits(words))
    if numbered:
        return int(numbered[1]) - 1
    found = ORDINAL.search(words)
    return ORDINALS[next(place for place in found.groups() if place)] if found else None


def _runs(words: list[str], *, expected: bool) -> list[list[_Atom]]:
    """Stretches of words that may spell something."""
    runs: list[list[_Atom]] = [[]]
    repeat = 1
    for word in words:
        if word in REPEATS:
            repeat = REPEATS[word]
            continue
        atom = _atom(word, expected=expected)
        if atom is None:
            runs.append([])
        else:
            runs[-1].append(_Atom(atom.characters * repeat, atom.strong))
        repeat = 1
    return [run for run in runs if run]


def _atom(word: str, *, expected: bool) -> _Atom | None:
    if len(word) == 1 or word in NATO:
        return _Atom(NATO.get(word, word.upper()), strong=True)
    if word.isdigit():
        return _Atom(word, strong=True)
    if expected and word in SOUNDS:
        return _Atom(SOUNDS[word], strong=False)
    if any(c.isdigit() for c in word) and word.isalnum() and len(word) <= CODE_LENGTH:
        return _Atom(word.upper(), strong=True)
    if word.isalpha() and 2 <= len(word) <= LONGEST_CHUNK and word not in NO_CODE and word not in SOUNDS:
        return _Atom(word.upper(), strong=False)
    return None


def _code_in(run: list[_Atom], *, expected: bool) -> str:
    """The best window of a run that makes six characters; the one with fewest doubtful atoms, then the last."""
    found: list[tuple[int, int, str]] = []
    for start in range(len(run)):
        for end in range(start + 1, len(run) + 1):
            window = run[start:end]
            code = "".join(atom.characters for atom in window)
            whole = len(window) == 1 or not (_goes_on(run[:start][-1:]) or _goes_on(run[end : end + 1]))
            if len(code) == CODE_LENGTH and whole and _credible(window, code, expected=expected):
                found.append((sum(not atom.strong for atom in window), -start, code))
    return min(found)[2] if found else ""


def _goes_on(neighbour: list[_Atom]) -> bool:
    """Whether the spelling goes on beyond the window, which then is only a part of it; "a" and "I" are words."""
    return any(atom.strong and atom.characters not in {"A", "I"} for atom in neighbour)


def _credible(window: list[_Atom], code: str, *, expected: bool) -> bool:
    letters = sum(c.isalpha() for c in code)
    if letters == CODE_LENGTH:  # no digit: only when it was spelled letter by letter
        return all(atom.strong for atom in window)
    if letters == 0:
        return False
    if len(window) > 1 and any(SEAT_LIKE.fullmatch(atom.characters) for atom in window):
        return False
    doubtful = [atom for atom in window if not atom.strong]
    if not doubtful:
        return True
    # "abc 123": letters as one word, then digits. Single sounds only when a code was asked for.
    words = [atom for atom in doubtful if len(atom.characters) > 1]
    if not expected and letters + 1 >= CODE_LENGTH:
        return False
    return len(words) <= 1 and (expected or len(doubtful) == 1) and (not words or window[0] is words[0])
