"""How near two short texts are in meaning, without asking anybody: words by their stems, and parts of words.

Good enough to tell topics apart and to find the same thing said twice. Deterministic, a fraction of a millisecond.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from functools import lru_cache
from typing import Final

DIMENSIONS: Final = 1024
_STOP: Final = frozenset(
    {
        "a", "about", "also", "am", "an", "and", "any", "are", "as", "at", "be", "because", "been", "but", "by",
        "can", "could", "did", "do", "does", "ever", "for", "from", "get", "got", "had", "has", "have", "he", "her",
        "him", "his", "how", "i", "if", "in", "into", "is", "it", "its", "just", "like", "many", "me", "more",
        "much", "my", "need", "needs", "of", "on", "or", "our", "please", "rather", "she", "so", "some", "take",
        "that", "the", "their", "them", "then", "there", "they", "this", "to", "up", "want", "wants", "was", "we",
        "were", "what", "when", "where", "which", "who", "will", "with", "would", "you", "your",
    }
)  # fmt: skip
_NEAR: Final = (
    ("seat", "aisle", "window", "row", "legroom"),
    ("flight", "fly", "plane", "airport", "gate", "boarding", "departure", "arrival"),
    ("late", "delay", "delayed", "postponed", "waiting"),
    ("pay", "payment", "card", "invoice", "bill", "billing", "charge", "refund", "money", "price", "cost", "charged"),
    ("bag", "baggage", "luggage", "suitcase"),
    ("food", "meal", "peanut", "nut", "diet", "vegetarian", "vegan", "allergy", "allergic", "eat", "gluten"),
    ("phone", "call", "text", "email", "mail", "contact", "reach", "message"),
    ("morning", "afternoon", "evening", "night", "early", "schedule", "appointment", "time"),
    ("child", "kid", "daughter", "son", "family", "wife", "husband", "baby"),
    ("language", "spanish", "english", "german", "french", "speak"),
    ("wheelchair", "accessible", "mobility", "assistance", "walk"),
    ("cat", "dog", "pet", "animal"),
)


def similarity(one: str, other: str) -> float:
    """From 0, nothing in common, to 1, the same words."""
    a, b = _vector(one), _vector(other)
    return max(0.0, min(1.0, sum(weight * b.get(at, 0.0) for at, weight in a.items())))


def says_the_same(one: str, other: str) -> bool:
    """Whether two texts have the same words, whatever their endings and order, and those that say nothing aside."""
    return _stems(one) == _stems(other)


def embed(text: str) -> list[float]:
    """A text as a vector of unit length (all zeros for a text without words); its products are similarities."""
    vector = [0.0] * DIMENSIONS
    for at, weight in _vector(text).items():
        vector[at] = weight
    return vector


@lru_cache(maxsize=4096)
def _vector(text: str) -> dict[int, float]:
    weights: Counter[int] = Counter()
    for stem in _stems(text):
        weights[_slot(f"w:{stem}")] += 4
        for at in range(len(stem) - 2):
            weights[_slot(f"p:{stem[at : at + 3]}")] += 1
        for topic in _TOPICS.get(stem, ()):
            weights[_slot(f"t:{topic}")] += 8
    length = math.sqrt(sum(weight * weight for weight in weights.values()))
    return {at: weight / length for at, weight in weights.items()} if length else {}


def _stems(text: str) -> list[str]:
    return sorted(_stem(word) for word in re.findall(r"[^\W_]+", text.casefold()) if word not in _STOP)


def _slot(feature: str) -> int:
    return zlib.crc32(feature.encode()) % DIMENSIONS


def _stem(word: str) -> str:
    for ending in ("ings", "ing", "ies", "ied", "ers", "er", "ed", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


_TOPICS: Final = {_stem(word): (topic[0],) for topic in _NEAR for word in topic}
