"""How callers call themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

MOST_WORDS: Final = 3
TITLES: Final = frozenset({"mr", "mrs", "ms", "miss", "mister", "dr", "doctor", "professor"})
NOT_NAMES: Final = frozenset(
    {
        "a", "about", "actually", "again", "all", "also", "am", "an", "and", "another", "as", "at", "because",
        "but", "by", "calling", "correct", "fine", "flight", "for", "from", "good", "great", "hello", "here",
        "hey", "hi", "i", "in", "is", "it", "like", "looking", "me", "my", "need", "no", "not", "of", "oh",
        "ok", "okay", "on", "please", "right", "so", "sorry", "speaking", "spelled", "still", "sure", "thank",
        "thanks", "that", "the", "then", "this", "to", "under", "very", "want", "was", "wait", "what", "with",
        "writing", "wrong", "yeah", "yes", "you", "your", "monday", "tuesday", "wednesday", "thursday",
        "friday", "saturday", "sunday", "today", "tomorrow", "tonight",
    }
)  # fmt: skip
WORD: Final = r"[^\W\d_][\w'’-]*\.?"
OWN: Final = re.compile(
    r"(?:\bmy (?:full |first )?name(?:'s| is)|^(?:the )?name(?:'s| is)|\byou(?:'re| are) (?:speaking|talking) "
    r"(?:with|to))\s+",
    re.IGNORECASE,
)
THIS_IS: Final = re.compile(r"\b(?:this is|call me)\s+", re.IGNORECASE)
I_AM: Final = re.compile(r"\b(?:i'm|i am|im)\s+", re.IGNORECASE)
HERE: Final = re.compile(
    rf"(?:^|, |\b(?:hi|hello|hey|good \w+)(?: there)?,? )(?P<name>{WORD}(?: {WORD}){{0,2}}?),? (?:here|calling|"
    r"speaking)\b(?! (?:is|are|in|at)\b)",
    re.IGNORECASE,
)
ASKED: Final = re.compile(
    r"\b(?:your (?:full |first |last |good )?(?:name|surname)|who(?:m)? (?:am i|do i have the pleasure of) "
    r"(?:speaking|talking)|"
    r"who(?:'s| is) (?:this|calling|speaking))\b",
    re.IGNORECASE,
)
ANSWERS: Final = re.compile(
    r"^(?:(?:sure|yes|of course|certainly|okay|ok|hi|hello|it's|it is|that's|i'm|the name is)[,.]? )*", re.IGNORECASE
)
PEOPLE: Final = re.compile(r"(?:ese|ish|[nrtdl]ian|ican)$|^(?:German|French|Greek|Dutch|Swiss|Jewish|Muslim|Catholic)$")
ITS: Final = re.compile(
    r"(?:(?:hi|hello|hey|yes|good \w+)(?: there| again)?[,.!]? )*(?:it's|it is|its) ", re.IGNORECASE
)
GOES_ON: Final = re.compile(r"\s*(?:calling|speaking|here|from)\b", re.IGNORECASE)


def find_name(lines: Sequence[tuple[str, str]]) -> str:
    """The caller's own name as they said it; ``""`` when they did not.

    Args:
        lines: Who spoke, and the words. The agent's tell only whether a name was asked for.
    """
    asked, likely = False, ""
    for role, text in lines:
        if role == "agent":
            asked = ASKED.search(text) is not None
            continue
        for sentence in re.findall(r"(?:(?<=\b[DM]r)\.|(?<=\bM[rs]s)\.|(?<=\bMs)\.|[^.!?])+[.!?]*", text):
            if sentence.endswith("?"):
                continue
            if name := _named(sentence.strip()):
                return name
            likely = likely or _likely(sentence.strip())
        if asked and not likely:
            likely = _answered(text)
        asked = False
    return likely


def _named(sentence: str) -> str:
    """After words that can only introduce a name."""
    own = OWN.search(sentence)
    return _name(sentence[own.end() :], lower=True)[0] if own else ""


def _likely(sentence: str) -> str:
    """After words that introduce many things."""
    this = THIS_IS.search(sentence)
    if this:
        rest = sentence[this.end() :]
        name, _ = _name(rest)
        spoken, tail = _name(rest, lower=True)
        if name or (spoken and GOES_ON.match(tail) and this[0].casefold().startswith("this")):
            return name or spoken
    its = ITS.match(sentence)
    if its:
        rest = sentence[its.end() :]
        name, tail = _name(rest, lower=True)
        sure = len(name.split()) > 1 and rest[:1].isupper()
        if name and (sure or re.match(r"\s*(?:from|here|calling|speaking)\b", tail)):
            return name
    i_am = I_AM.search(sentence)
    if i_am:
        rest = sentence[i_am.end() :]
        name, tail = _name(rest)
        spoken, spoken_tail = _name(rest, lower=True)
        if len(name.split()) > 1 or (name and GOES_ON.match(tail)):
            return name
        if spoken and re.match(r"\s*(?:calling|speaking)\b", spoken_tail):
            return spoken
        if name and re.match(r", (?:we|i|i'm|i'd|my)\b", tail, re.IGNORECASE) and not PEOPLE.search(name):
            return name
    first, tail = _name(
        re.sub(r"^(?:(?:hi|hello|hey|good \w+|morning|evening)[,.!] )+", "", sentence, flags=re.IGNORECASE)
    )
    if len(first.split()) > 1 and re.match(r", (?:i|i'm|i'd|we|my)\b", tail, re.IGNORECASE):
        return first
    here = HERE.search(sentence)
    return _name(here["name"])[0] if here else ""


def _answered(text: str) -> str:
    """The whole of a short answer to the question for the name."""
    first = re.split(r"(?<![DM]r)[.!?](?:\s|$)|, (?:and|i|i'm)\b", ANSWERS.sub("", text.strip()), maxsplit=1)[0]
    name, tail = _name(first, lower=True)
    return name if name and not tail.strip(" ,") else ""


def _name(rest: str, *, lower: bool = False) -> tuple[str, str]:
    """The name a text begins with, and what follows it; in lower case only where nothing else can stand."""
    words: list[str] = []
    while len(words) < MOST_WORDS:
        match = re.match(rf"\s*({WORD})", rest)
        if match is None:
            break
        word = match[1]
        plain = word.rstrip(".").casefold()
        if plain in TITLES and not words:
            rest = rest[match.end() :]
            continue
        capital = word[0].isupper()
        if (
            plain in NOT_NAMES
            or "'" in plain[-3:]
            or not (capital or lower)
            or (words and capital != words[0][0].isupper())
        ):
            break
        words.append(word.rstrip("."))
        rest = rest[match.end() :]
        if word.endswith("."):
            break
    return " ".join(word if word[0].isupper() else word.capitalize() for word in words), rest
