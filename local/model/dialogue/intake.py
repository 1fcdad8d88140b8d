"""Agents whose system prompt lists what to find out: ask for one thing after the other, read back, say what follows.

The list is read from the prompt ("Find out, one question at a time: where to, when, how many travelers, and …"), and
where the conversation stands from the questions already asked, so nothing is kept anywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from local.model.dialogue.heard import says
from local.model.dialogue.intents import is_no, is_yes
from local.model.dialogue.lines import say
from local.model.dialogue.reply import Reply
from local.model.dialogue.talk import Talk
from local.model.dialogue.words import normalise

LIST: Final = re.compile(
    r"(?:\bFind out|\bTake (?:requests|orders|reports)|\bCollect|\bAsk (?:the caller )?for)(?:[^:.;]*:)?\s+([^.;]+)"
)
FOLLOW_UP: Final = re.compile(r"\b((?:a colleague|somebody|someone|our team|we will)\b[^.;]+)")
READS_BACK: Final = re.compile(r"\bread (?:it|them|everything|the answers) back\b")
LEAD: Final = re.compile(
    r"^(?:um|uh|well|okay|ok|yes|yeah|sure|hi|hello|it is|it's|that is|that's|i think|i would like to|i'd like to"
    r"|i want to|to|for|on|about|my name is|this is|maybe|there are|we are|there's|you can|my [a-z ]{2,25} is"
    r"|the code is)[\s,]+",
    re.IGNORECASE,
)
MAX_ECHO_WORDS: Final = 8
BEGINNING: Final = 18
"""Characters of a question that tell it from others; its end may not have been heard."""


@dataclass(frozen=True)
class _Kind:
    """A kind of thing to find out: how to ask, and how to see that it was told unasked."""

    item: re.Pattern[str]
    question: str
    told: re.Pattern[str] | None = None


def _kind(item: str, question: str, told: str = "") -> _Kind:
    return _Kind(re.compile(item), question, re.compile(told) if told else None)


WHEN: Final = (
    r"\b(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|today|tomorrow|tonight|next (?:week|month)|january"
    r"|february|march|april|june|july|august|september|october|november|december|\d{1,2}(?:st|nd|rd|th))\b"
)
KINDS: Final[tuple[_Kind, ...]] = (
    _kind(r"^where to", "Where would you like to go?", r"\bto (?:austin|seattle|denver|chicago|boston)\b"),
    _kind(r"^where from", "Where would you leave from?"),
    _kind(r"^(?:when|dates?)$|preferred day|day and time", "What day and time would suit you?", WHEN),
    _kind(
        r"^how many (?P<what>.+)",
        "How many {what} would it be?",
        r"\b(?:\d+|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty) (?:people|of us|travelers|seats)\b",
    ),
    _kind(r"^whether dates are flexible", "Are your dates flexible?", r"\bflexible\b"),
    _kind(r"^whether it hurts", "Does it hurt?", r"\b(?:hurts?|pain|aches?)\b"),
    _kind(r"^whether (?P<what>.+)", "Could you tell me whether {what}?"),
    _kind(r"^(?:the )?(?:caller's )?name$", "May I have your name?", r"\bmy name is\b|\bthis is \w+$"),
    _kind(r"^(?:the )?reason$", "What is it about?", r"\b(?:check ?up|cleaning|filling|tooth|crown|braces)\b"),
    _kind(r"^how to reach", "How can we reach you?", r"\b\d{7,}\b|\bthis number\b"),
    _kind(r"number|code", "What's {item}?", r"\b[a-z]*\d{4,}[a-z]*\b|\b[a-z]{3}\d{3}\b"),
    _kind(r"^what looks wrong", "What looks wrong?", r"\b(?:charged|wrong|too much|twice|missing|overcharged)\b"),
    _kind(r"^what (?P<what>.+)", "What {what}?"),
    _kind(r"", "Could you give me {item}?"),
)


def items_of(prompt: str) -> list[str]:
    """What the prompt says is to be found out; empty when it lists nothing."""
    found = LIST.search(prompt)
    parts = re.split(r",\s*(?:and\s+)?|\s+and\s+(?=how|what|whether|where|when)", found[1].strip()) if found else []
    listed = [part.strip() for part in parts if part.strip()]
    return listed if len(listed) >= 2 else []


def intake(talk: Talk) -> Reply | None:
    """The next question of the list, or the end of it."""
    prompt = talk.persona.instructions
    items = items_of(prompt)
    if not items or not talk.words or "off_topic" in talk.manners:
        return None
    said = " ".join(exchange.agent for exchange in talk.before)
    if says(said, _follow_up(prompt)):
        return None
    open_items = [item for item in items if not says(said, _ask(item), BEGINNING) and not _told(item, talk)]
    if len(open_items) == len(items) and len(talk.words.split()) < 2:
        return None
    if open_items:
        return Reply(f"{say(talk, 'noted' if _ask_count(items, said) else 'gladly')} {_ask(open_items[0])}")
    summary = _summary(items, talk) if READS_BACK.search(prompt) else ""
    return Reply(f"{summary}{_follow_up(prompt)} {say(talk, 'anything_else')}")


def pending_question(talk: Talk) -> str:
    """The question of the list that was asked last and not answered yet, or ``""``."""
    asked = [_ask(item) for item in items_of(talk.persona.instructions)]
    return next((question for question in asked if says(talk.last_agent, question, BEGINNING)), "")


def _ask(item: str) -> str:
    for kind in KINDS:
        found = kind.item.search(item)
        if found:
            return kind.question.format(item=item, **found.groupdict())
    return f"Could you give me {item}?"


def _ask_count(items: list[str], said: str) -> int:
    return sum(says(said, _ask(item), BEGINNING) for item in items)


def _told(item: str, talk: Talk) -> bool:
    told = next(kind.told for kind in KINDS if kind.item.search(item))
    return told is not None and any(told.search(normalise(exchange.caller)) for exchange in talk.conversation.exchanges)


def _follow_up(prompt: str) -> str:
    found = FOLLOW_UP.search(prompt)
    text = found[1].strip() if found else "a colleague will get back to you"
    return f"{text[0].upper()}{text[1:]}."


def _summary(items: list[str], talk: Talk) -> str:
    """The answers in the caller's own words, shortened."""
    questions = [_ask(item) for item in items]
    answers = [
        _echo(later.caller)
        for earlier, later in zip(talk.before, [*talk.before[1:], talk.now], strict=True)
        if any(says(earlier.agent, question, BEGINNING) for question in questions)
        and not later.caller.rstrip().endswith("?")
    ]
    told = [answer for answer in answers if answer]
    return f"So that's {', '.join(told)}. " if told else ""


def _echo(text: str) -> str:
    words = text.strip().rstrip(".!?")
    if len(words.split()) <= 4 and (is_yes(normalise(words)) or is_no(normalise(words))):
        return ""
    while LEAD.match(words):
        words = LEAD.sub("", words, count=1)
    clause = words.split(",")[0] if len(words.split()) > MAX_ECHO_WORDS else words
    return " ".join(clause.split()[:MAX_ECHO_WORDS])
