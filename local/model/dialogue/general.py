"""An agent of any other trade: says what its system prompt says, asks the next sensible question, promises nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from local.model.dialogue import manners
from local.model.dialogue.heard import says
from local.model.dialogue.intake import intake, pending_question
from local.model.dialogue.lines import say
from local.model.dialogue.manners import Rule
from local.model.dialogue.reply import Reply
from local.model.dialogue.talk import Talk
from local.model.dialogue.words import normalise

CARD: Final = re.compile(r"(?:\d[ -]?){13,19}")
QUESTION: Final = re.compile(r"\?|^(what|when|where|who|which|how|do|does|is|are|can|could|tell me)\b")


@dataclass(frozen=True)
class Subject:
    """Something callers of one trade bring up, and the two steps of an answer to it."""

    domain: str
    pattern: re.Pattern[str]
    ask: str
    settle: str


def _subject(domain: str, pattern: str, ask: str, settle: str) -> Subject:
    return Subject(domain, re.compile(pattern), ask, settle)


SUBJECTS: Final[tuple[Subject, ...]] = (
    _subject(
        "billing", r"\b(payment method|credit card|new card|card on file|bank account|update my (card|payment))\b",
        "I can help with your payment method. Is it a new card, or a different bank account?",
        "Thanks. I won't take the number over the phone; you can enter it safely under billing in your account.",
    ),
    _subject(
        "billing", r"\b(charged|charge|overcharged|double|twice|wrong amount|too much|dispute)\b",
        "I'm sorry about that. Which charge is it, and roughly how much?",
        "Thank you. I can't reverse a charge myself, but with that a colleague in billing can look into it.",
    ),
    _subject(
        "billing", r"\b(invoice|bill|receipt|statement)\b",
        "Sure. Which month's invoice is it about?",
        "Got it. You'll find that invoice under billing in your account; is something on it unclear?",
    ),
    _subject(
        "billing", r"\b(refund|money back)\b",
        "I can take down a refund request. What was the payment for?",
        "Thanks. I can't promise a refund myself, but that is what a colleague needs to decide on it.",
    ),
    _subject(
        "sales", r"\b(price|pricing|cost|how much|plans?|quote|subscription)\b",
        "Happy to help with pricing. How many people would be using it?",
        "Thanks, that helps. I'd suggest a short call with one of our sales people for an exact quote.",
    ),
    _subject(
        "sales", r"\b(demo|trial|try it|see it|buy|purchase|order|sign up|interested)\b",
        "Great, I'd love to help with that. What would you like to use it for?",
        "That sounds like a good fit. What's the best time for a colleague to show it to you?",
    ),
    _subject(
        "support", r"\b(log ?in|password|sign in|locked out|account access)\b",
        "Let's get you back in. Do you see an error message when you sign in?",
        "Thanks. Please try the reset link on the sign-in page first; does the e-mail arrive?",
    ),
    _subject(
        "support", r"\b(not work(ing)?|broken|error|crash\w*|bug|problem|issue|slow|down|stopped|fail\w*|cannot)\b",
        "I'm sorry it's giving you trouble. What exactly happens, and since when?",
        "Thanks, that's useful. Have you tried restarting it once? If that doesn't help, a colleague can look at it.",
    ),
)  # fmt: skip
DEFAULT_ASK: Final = (
    "I can help with that. Could you tell me a little more?",
    "Sure. What exactly would you like to know?",
    "Of course. Tell me a bit more about it, please.",
)
DEFAULT_SETTLE: Final = (
    "Thank you, I understand. I don't have more on that here, but a colleague can follow up. Is there anything else?",
    "Thanks for explaining. That's as far as I can take it myself; is there anything else I can help with?",
)


def card_number(talk: Talk) -> Reply | None:
    """A card number was read out."""
    return Reply(say(talk, "no_cards")) if CARD.search(talk.now.caller) or len(talk.now.keys) > 12 else None


def abilities(talk: Talk) -> Reply | None:
    """The caller asks what can be done here."""
    if "abilities" not in talk.manners:
        return None
    return Reply(say(talk, "abilities", role=f"the {talk.persona.role}" if talk.persona.role else "an assistant"))


def known_fact(talk: Talk) -> Reply | None:
    """The system prompt knows the answer."""
    if not (QUESTION.search(talk.words) or talk.now.caller.rstrip().endswith("?")):
        return None
    fact = talk.persona.find_fact(talk.now.caller)
    return Reply(f"{fact} {pending_question(talk)}".strip()) if fact else None


def condition(talk: Talk) -> Reply | None:
    """The system prompt has a rule for what the caller named, and it was not applied just now."""
    text = talk.persona.find_condition(talk.now.caller)
    if not text or says(talk.last_agent, text, 24):
        return None
    after = intake(talk)
    return Reply(f"{text} {after.text if after else ''}".strip())


def waiting(talk: Talk) -> Reply | None:
    """Manners that are no answer to a question of the list."""
    if set(talk.manners) & {"hold", "cancel", "thinking"}:
        return next((reply for rule in manners.AFTER if (reply := rule(talk)) is not None), None)
    return manners.hello(talk)


def subject(talk: Talk) -> Reply | None:
    """A subject of the trade: first the question that belongs to it, then what can be done."""
    found = _find_subject(talk.words, talk.persona.domain)
    if found is None:
        return None
    return Reply(found.settle if _asked(talk, found.ask) else found.ask)


def settle(talk: Talk) -> Reply | None:
    """The caller answered the question about their subject."""
    if not talk.before or not talk.words or talk.manners:
        return None
    for found in SUBJECTS:
        if _asked(talk, found.ask):
            return Reply(found.settle)
    if any(_asked(talk, ask) for ask in DEFAULT_ASK):
        return Reply(DEFAULT_SETTLE[talk.choose("settle", len(DEFAULT_SETTLE))])
    return None


def ask_more(talk: Talk) -> Reply | None:
    """Something said at some length that no table knows."""
    if len(talk.words.split()) < 3 or "off_topic" in talk.manners:
        return None
    return Reply(DEFAULT_ASK[talk.choose("ask", len(DEFAULT_ASK))])


def _asked(talk: Talk, question: str) -> bool:
    """Whether this was the agent's last question; its beginning is enough, for the caller may have cut it short."""
    return says(talk.last_agent, question, 24)


def _find_subject(words: str, domain: str) -> Subject | None:
    fitting = [found for found in SUBJECTS if found.pattern.search(normalise(words))]
    own = [found for found in fitting if found.domain == domain]
    return next(iter(own or fitting), None)


RULES: Final[tuple[Rule, ...]] = (
    *manners.BEFORE,
    card_number,
    abilities,
    known_fact,
    condition,
    waiting,
    intake,
    subject,
    settle,
    *manners.AFTER,
    ask_more,
    manners.off_topic("what we offer"),
    manners.not_understood,
)
