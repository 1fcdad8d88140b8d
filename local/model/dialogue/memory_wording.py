"""What a rule of the memory is, and how the caller's words become a fact in the third person."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from local.model.dialogue.words import STOP_WORDS

Put = Callable[[Mapping[str, str]], tuple[str, str]]
"""The named groups of a match → the fact in the third person, without its full stop, and its subject."""
TOPICS: Final = (
    (
        "contact time",
        (
            r"\b(?:calls?|called|text\w*|e-?mail\w*|reached|contacted)\b.*\b(?:morning|afternoon|evening|weekend|"
            r"after|before)"
        ),
    ),
    ("seat", r"\b(?:aisle|window|middle|exit row|legroom|seats?)\b"),
    ("diet", r"\b(?:vegetarian|vegan|pescatarian|kosher|halal|gluten|lactose|meat|pork|dairy|fish|eat|meals?|diet)\b"),
    ("contact", r"\b(?:texts?|text messages?|sms|e-?mails?|phone calls?|calls?|voicemails?|whatsapp)\b"),
    ("contact time", r"\b(?:mornings?|afternoons?|evenings?|weekends?|weekdays)\b"),
    ("language", r"\b(?:spanish|english|german|french|italian|portuguese|chinese|mandarin|polish|turkish|language)\b"),
    ("doctor", r"\b(?:doctor|dr\.?|dentist|nurse)\b"),
    ("room", r"\b(?:rooms?|floors?|bed|beds|pillows?|view)\b"),
    ("payment", r"\b(?:pay\w*|direct debit|invoices?|credit card|bank transfer|cash|autopay)\b"),
    ("statements", r"\b(?:paper|paperless|statements?|bills?)\b"),
    ("delivery", r"\b(?:deliver\w*|parcels?|packages?|neighbou?r|door|porch|courier)\b"),
    ("flights", r"\b(?:flights?|flying|fly|nonstop|direct|red-?eyes?|airlines?)\b"),
)
IRREGULAR: Final = {"have": "has", "do": "does", "go": "goes", "fly": "flies", "carry": "carries", "am": "is"}
THIRD: Final = (
    (r"\bi'm\b|\bwe're\b|\bi am\b|\bwe are\b", "they are"),
    (r"\bi've\b|\bwe've\b", "they have"),
    (r"\bcan't\b", "cannot"),
    (r"\bwon't\b", "will not"),
    (r"n't\b", " not"),
    (r"\bi\b|\bwe\b", "they"),
    (r"\bme\b|\bus\b", "them"),
    (r"\bmy\b|\bour\b", "their"),
)
TAIL: Final = re.compile(
    r"(?: and (?:want|need|would|wanted|i|we|my|then|can|was|have|is|he|she|asked)\b.*|,? (?:please|thanks?|"
    r"thank you|btw|by the way|lol|though|too|as well|actually|now|right now|you know|if \w.*|"
    r"because .*|so (?!far\b|on\b).*|since (?:i|we|it)\b.*|as always|always have|and|but|so|or|in fact|to be "
    r"honest)|[,:;–—-])\s*$",
    re.IGNORECASE,
)
INSTEAD: Final = re.compile(
    r",? (?:over|rather than|instead of|than|to (?=(?:a|an|the|window|aisle)\b)).*$", re.IGNORECASE
)
I_AM: Final = r"\b(?:i'm|i am|im)(?: also| actually| now| still| an?| a strict| strictly| very| severely| quite)*"
WE_ARE: Final = (
    r"\b(?:i'm|i am|im|we're|we are|my \w+ and i are|i'll be|we'll be|i will be|we will be)(?: also| actually| "
    r"probably| both| all)*"
)


@dataclass(frozen=True)
class Rule:
    """One way to say something worth remembering; ``lasting`` rules do not hold for a single occasion."""

    kind: str
    pattern: re.Pattern[str]
    put: Put
    confidence: float = 0.9
    lasting: bool = False


def third_person(text: str) -> str:
    """The caller's words as somebody else would say them of the caller."""
    text = text.replace("’", "'")
    for pattern, other in THIRD:
        text = re.sub(pattern, other, text, flags=re.IGNORECASE)
    return " ".join(text.split())


def tidy(text: str) -> str:
    """An object without what trails behind it."""
    text, before = text.strip(" .!?"), ""
    while text != before:
        text, before = TAIL.sub("", text).strip(), text
    return " ".join(third_person(text).split()[:14])


def topic(text: str, what: str = "") -> str:
    """What a fact is about, in one or two words; ``what`` is the part of it that says so."""
    for name, pattern in TOPICS:
        if re.search(pattern, text, re.IGNORECASE):
            return name
    return " ".join(content(what or text)[:2]) or "other"


def head(what: str) -> str:
    """The noun of a noun phrase: its last word, or of a compound the last two."""
    return " ".join(
        content(re.split(r" (?:of|from|for|that|which|i|they|to|about|with|on|in|at) ", what)[0])[-1:]
    ) or topic(what)


def content(text: str) -> list[str]:
    words = re.findall(r"[^\W_][\w'-]*", text.casefold())
    return [
        word
        for word in words
        if word not in STOP_WORDS and word not in {"their", "last", "new", "still", "ones", "up", "all"}
    ]


def verb_s(verb: str) -> str:
    first, *rest = verb.casefold().split()
    ending = "es" if first.endswith(("s", "sh", "ch", "x")) else "s"
    return " ".join([IRREGULAR.get(first, first + ending), *rest])


def about(template: str, subject: str = "") -> Put:
    """Fill a template with the groups; without a subject it is found by topic."""

    def put(groups: Mapping[str, str]) -> tuple[str, str]:
        text = template.format_map(groups)
        return text, subject.format_map(groups).casefold() if subject else topic(text, groups.get("what", ""))

    return put


def rule(kind: str, pattern: str, put: Put, confidence: float = 0.9, *, lasting: bool = False) -> Rule:
    return Rule(kind, re.compile(pattern, re.IGNORECASE), put, confidence, lasting)
