"""Who the agent is, as its system prompt says, and what the prompt lets it tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from local.model.dialogue.codes import find_code
from local.model.dialogue.prompt import Condition, conditions_of, facts_of, split_memory, unwrap
from local.model.dialogue.words import normalise, stems

_NAME: Final = re.compile(
    r"\b(?:[Yy]ou are|[Yy]ou're|[Yy]our name is|named|called|as)\s+(?!The\b|An?\b)([A-Z][a-zé]+)"
    r"(?=[,.]| the | an? | from | at | of | for | with | who |$)"
)
_ROLE: Final = re.compile(r"\b[Yy]ou(?: are|'re)\s+(?:[A-Z]\w+,\s+)?(?:the|an?)\s+([^.,;:\n]{3,70})")
_COMPANY: Final = re.compile(r"\b(?:of|for|at|from|with)\s+(?:the\s+)?((?:[A-Z][\w&'-]*)(?:\s+[A-Z][\w&'-]*)*)")
_OWNED: Final = re.compile(r"\b(?:the|an?)\s+((?:[A-Z][\w&'-]*)(?:\s+[A-Z][\w&'-]*)*)\s+[a-z]+")
_EXAMPLE: Final = re.compile(r"such as|for example|e\.g\.|like\b|example", re.IGNORECASE)
_DOMAINS: Final = (
    ("billing", re.compile(r"\b(billing|payments?|invoices?|charges?)\b", re.IGNORECASE)),
    ("sales", re.compile(r"\b(sales|sells|pricing|prospects?|plans?|buy(?:ing)?|purchas\w*)\b", re.IGNORECASE)),
    ("support", re.compile(r"\b(support|technical|troubleshoot\w*|issues?|problems?)\b", re.IGNORECASE)),
)


@dataclass(frozen=True)
class Persona:
    """What a system prompt tells about the agent.

    Attributes:
        name: First name, or ``""``.
        role: For example ``billing assistant of SkyOwl Airlines``, or ``""``.
        company: Whom it works for, or ``""``.
        domain: ``billing``, ``sales``, ``support`` or ``""``.
        instructions: The prompt without what it remembers, its lines unwrapped.
        facts: Sentences of the prompt that state something instead of ordering something.
        conditions: What it says is to be said about certain things.
        memory: What the prompt says of the caller or of an earlier call, as text.
    """

    name: str
    role: str
    company: str
    domain: str
    instructions: str
    facts: tuple[str, ...]
    conditions: tuple[Condition, ...]
    memory: str

    @property
    def remembered_code(self) -> str:
        """A confirmation code out of the memory, or ``""``."""
        lines = [line for line in self.memory.splitlines() if not _EXAMPLE.search(line)]
        return next((code for line in reversed(lines) if (code := find_code(line, expected=True))), "")

    @property
    def remembered_preference(self) -> str:
        """``window`` or ``aisle``, if the memory says the caller prefers it."""
        found = re.search(r"(?:prefer|like)\w*\b.{0,30}\b(window|aisle)", self.memory, re.IGNORECASE)
        return found[1].lower() if found else ""

    @property
    def remembered_name(self) -> str:
        """The caller's first name out of the memory, or ``""``."""
        found = re.search(r"(?:[Cc]ustomer|[Cc]aller|[Nn]ame)(?:'s name)?(?: is|:)?\s+([A-Z][a-z]+)\b", self.memory)
        return found[1] if found else ""

    def find_condition(self, utterance: str) -> str:
        """What the prompt wants said about something the utterance names, or ``""``."""
        asked = stems(utterance)
        return next((rule.text for rule in self.conditions if asked & stems(rule.about)), "")

    def find_fact(self, utterance: str) -> str:
        """The sentence of the prompt that answers an utterance best, or ``""``."""
        asked = stems(utterance) | {stem for word, stem in ASKS.items() if word in normalise(utterance).split()}
        scored = [(len(asked & _stems_of(fact)), -place, fact) for place, fact in enumerate(self.facts)]
        best = max(scored, default=(0, 0, ""))
        return best[2] if best[0] >= (1 if len(asked) <= 2 else 2) else ""


def read_persona(system: str) -> Persona:
    """Read a system prompt."""
    told, memory = split_memory(system)
    instructions = unwrap(told)
    name, role = _NAME.search(instructions), _ROLE.search(instructions)
    company = _COMPANY.search(instructions[: role.end() if role else 200]) or _OWNED.search(instructions)
    head = role[1] if role else instructions[:200]
    domains = [(match.start(), domain) for domain, pattern in _DOMAINS if (match := pattern.search(head))]
    return Persona(
        name=name[1] if name else "",
        role=role[1].strip() if role else "",
        company=company[1] if company else "",
        domain=min(domains)[1] if domains else "",
        instructions=instructions,
        facts=facts_of(instructions),
        conditions=conditions_of(instructions),
        memory=memory,
    )


def _stems_of(fact: str) -> frozenset[str]:
    found = stems(fact)
    extra = {near for group in _NEAR for near in group if group & found}
    return found | extra


ASKS: Final = {"where": "locat", "when": "hours", "much": "price"}
"""Question words, and the stem that stands for what they ask."""
_NEAR: Final[tuple[frozenset[str], ...]] = (
    frozenset({"hours", "open", "opens", "close", "opene", "monda", "week"}),
    frozenset({"price", "prici", "cost", "costs", "much", "fee", "fees", "plan", "plans", "expen", "month"}),
    frozenset({"addre", "locat", "stree", "store", "avenu"}),
    frozenset({"fly", "flies", "fligh"}),
    frozenset({"paid", "pay", "payme", "invoi", "card", "bill", "billi", "charg"}),
    frozenset({"refun", "money", "retur"}),
    frozenset({"troub", "broke", "error", "issue", "probl", "worki"}),
    frozenset({"trial", "demo", "try"}),
)
