"""Who the agent is, as its system prompt says, and what the prompt lets it tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from local.model.dialogue.codes import find_code
from local.model.dialogue.words import sentences, stems

_NAME: Final = re.compile(
    r"\b(?:[Yy]ou are|[Yy]ou're|[Yy]our name is|named|called|as)\s+(?!The\b|An?\b)([A-Z][a-zé]+)"
    r"(?=[,.]| the | an? | from |$)"
)
_ROLE: Final = re.compile(r"\b[Yy]ou(?: are|'re)\s+(?:[A-Z]\w+,\s+)?(?:the|an?)\s+([^.,;:\n]{3,70})")
_COMPANY: Final = re.compile(r"\b(?:of|for|at|from|with)\s+((?:[A-Z][\w&'-]*)(?:\s+[A-Z][\w&'-]*)*)")
_OWNED: Final = re.compile(r"\b(?:the|an?)\s+((?:[A-Z][\w&'-]*)(?:\s+[A-Z][\w&'-]*)*)\s+[a-z]+")
_ORDER: Final = re.compile(
    r"^(?:you\b|your\b|answer|never|always|keep|ask|do not|don't|use|if|when|speak|be\b|help|offer|say|tell|confirm"
    r"|what you|the caller'?s?\b|respond|greet|make|avoid|only|please|refer|introduce|respect|stay|treat|before|after"
    r"|remember|collect)",
    re.IGNORECASE,
)
_MEMORY: Final = re.compile(
    r"memor|known about|profile|observation|previous|earlier|last (?:call|conversation)|cut off|so far|remember",
    re.IGNORECASE,
)
_EXAMPLE: Final = re.compile(r"such as|for example|e\.g\.|like\b|example", re.IGNORECASE)
_DOMAINS: Final = (
    ("billing", re.compile(r"\b(billing|payments?|invoices?|charges?)\b", re.IGNORECASE)),
    ("sales", re.compile(r"\b(sales|pricing|prospects?|plans?|buy(?:ing)?|purchas\w*)\b", re.IGNORECASE)),
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
        facts: Sentences of the prompt that state something instead of ordering something.
        memory: What the prompt says of the caller or of an earlier call, as text.
    """

    name: str
    role: str
    company: str
    domain: str
    facts: tuple[str, ...]
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

    def find_fact(self, utterance: str) -> str:
        """The sentence of the prompt that answers an utterance best, or ``""``."""
        asked = stems(utterance)
        scored = [(len(asked & _stems_of(fact)), -place, fact) for place, fact in enumerate(self.facts)]
        best = max(scored, default=(0, 0, ""))
        return best[2] if best[0] >= (1 if len(asked) <= 2 else 2) else ""


def read_persona(system: str) -> Persona:
    """Read a system prompt."""
    instructions, memory = _split_memory(system)
    name, role = _NAME.search(instructions), _ROLE.search(instructions)
    company = _COMPANY.search(instructions[: role.end() if role else 200]) or _OWNED.search(instructions)
    head = role[1] if role else instructions[:200]
    domains = [(match.start(), domain) for domain, pattern in _DOMAINS if (match := pattern.search(head))]
    facts = [s for s in sentences(instructions) if not _ORDER.match(s) and len(s.split()) >= 4]
    return Persona(
        name=name[1] if name else "",
        role=role[1].strip() if role else "",
        company=company[1] if company else "",
        domain=min(domains)[1] if domains else "",
        facts=tuple(facts),
        memory=memory,
    )


def _split_memory(system: str) -> tuple[str, str]:
    """Instructions, and the paragraphs that begin by naming what is remembered."""
    told: list[str] = []
    remembered: list[str] = []
    for paragraph in re.split(r"\n\s*\n", system):
        first = paragraph.strip().split("\n", 1)[0]
        heading = first.split(". ", 1)[0]
        is_memory = bool(_MEMORY.search(heading)) and (
            "\n" in paragraph.strip() or ":" in heading or first.startswith("#")
        )
        (remembered if is_memory else told).append(paragraph)
    return "\n".join(told), "\n".join(remembered)


def _stems_of(fact: str) -> frozenset[str]:
    found = stems(fact)
    extra = {near for group in _NEAR for near in group if group & found}
    return found | extra


_NEAR: Final[tuple[frozenset[str], ...]] = (
    frozenset({"hours", "open", "opens", "close", "opene", "monda", "week"}),
    frozenset({"price", "prici", "cost", "costs", "much", "fee", "fees", "plan", "plans", "expen", "month"}),
    frozenset({"addre", "locat", "where", "offic", "store"}),
    frozenset({"paid", "pay", "payme", "invoi", "card", "bill", "billi", "charg"}),
    frozenset({"refun", "money", "retur"}),
    frozenset({"troub", "broke", "error", "issue", "probl", "worki"}),
    frozenset({"trial", "demo", "try"}),
)
