"""Plain words out of what speech recognition or a thumb wrote."""

from __future__ import annotations

import re
from typing import Final

CONTRACTIONS: Final = (
    (r"\bcan't\b", "cannot"),
    (r"\bwon't\b", "will not"),
    (r"\blet's\b", "let us"),
    (r"\b(i)'m\b", r"\1 am"),
    (r"n't\b", " not"),
    (r"'re\b", " are"),
    (r"'ve\b", " have"),
    (r"'ll\b", " will"),
    (r"'d\b", " would"),
    (r"\b(what|where|when|who|how|that|it|there|here|he|she|name|flight)'?s\b", r"\1 is"),
    (r"'s\b", ""),
    (r"\bgonna\b", "going to"),
    (r"\bwanna\b", "want to"),
    (r"\bgotta\b", "got to"),
    (r"\blemme\b", "let me"),
)
ONES: Final = {
    "zero": 0, "oh": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "niner": 9,
}  # fmt: skip
TEENS: Final = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS: Final = {
    "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
STOP_WORDS: Final = frozenset(
    {
        "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "could", "do", "does", "for", "from",
        "get", "had", "has", "have", "hello", "hey", "hi", "how", "i", "if", "in", "is", "it", "me", "my", "of",
        "on", "or", "our", "please", "so", "tell", "that", "the", "their", "them", "there", "they", "this",
        "to", "us", "want", "was", "we", "what", "when", "where", "which", "who", "why", "will", "with",
        "would", "you", "your", "am", "im", "need", "like", "know", "about", "not", "no", "yes", "any", "some",
        "just",
    }
)  # fmt: skip


def normalise(text: str) -> str:
    """Lower case, contractions written out, no punctuation, single spaces."""
    text = text.lower().replace("’", "'").replace("‘", "'")
    for pattern, full in CONTRACTIONS:
        text = re.sub(pattern, full, text)
    return " ".join(re.sub(r"[^a-z0-9à-ÿ]+", " ", text).split())


def with_digits(words: str) -> str:
    """The same with number words as digits: ``fourteen f`` → ``14 f``, ``one twenty three`` → ``1 23``."""
    out: list[str] = []
    tens_open = False
    for word in words.split():
        if tens_open and word in ONES and ONES[word]:
            out[-1] = str(int(out[-1]) + ONES[word])
            tens_open = False
            continue
        value = ONES.get(word, TEENS.get(word, TENS.get(word)))
        out.append(word if value is None else str(value))
        tens_open = word in TENS
    return " ".join(out)


def stems(text: str) -> frozenset[str]:
    """The words that carry meaning, cut to their first five letters."""
    return frozenset(word[:5] for word in normalise(text).split() if word not in STOP_WORDS and len(word) > 2)


def sentences(text: str) -> list[str]:
    """The sentences of a text, and its lines."""
    found = re.findall(r"[^.!?\n]+[.!?]*(?=\s|$)|[^\n]+?(?=\n|$)", text)
    return [sentence.strip(" -*•\t") for sentence in found if sentence.strip(" -*•\t")]
