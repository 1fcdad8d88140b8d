"""A system prompt taken apart: sentences that state something, limits, and rules of the form "for this, say that"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from local.model.dialogue.words import sentences

ORDER: Final = re.compile(
    r"^(?:(?:you|your|answer|never|always|keep|ask|do not|don't|use|if|when|speak|be|help|offer|say|tell|confirm|find"
    r"|take|collect|give|promise|refer|respond|greet|make|avoid|only|please|introduce|respect|stay|treat|before|after"
    r"|remember|read|repeat|what you|the caller|the call|for|to|how you)\b|the caller's)",
    re.IGNORECASE,
)
LIMIT: Final = re.compile(r"\bYou (cannot|can't|have no|do not|don't) ([^:.;]+)")
OPEN_HOURS: Final = re.compile(r",\s*(open [^.;]+)")
CONDITION: Final = re.compile(r"\bFor (?P<about>[^.]+?),? (?P<verb>offer|say that|tell them) (?P<what>[^.]+)\.")
MEMORY: Final = re.compile(
    r"memor|known about|profile|observation|previous|earlier|last (?:call|conversation)|cut off|so far|remember",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Condition:
    """What the prompt says is to be said about something."""

    about: str
    text: str


def unwrap(text: str) -> str:
    """Join lines that were only broken to fit a page."""
    return re.sub(r"(?<![.:!?\n])\n(?!\s*[-*#•\n]|\s*\w+: )[ \t]*", " ", text)


def split_memory(system: str) -> tuple[str, str]:
    """Instructions, and the paragraphs that begin by naming what is remembered."""
    told: list[str] = []
    remembered: list[str] = []
    for paragraph in re.split(r"\n\s*\n", system):
        text = paragraph.strip()
        first = text.split("\n", 1)[0]
        heading = first.split(". ", 1)[0]
        is_memory = MEMORY.search(heading) and ("\n" in text or ":" in heading or first.startswith("#"))
        (remembered if is_memory else told).append(text)
    return "\n\n".join(told), "\n".join(remembered)


def facts_of(instructions: str) -> tuple[str, ...]:
    """Sentences an agent may say as they are."""
    found = [s for s in sentences(instructions) if not ORDER.match(s) and len(s.split()) >= 4 and '"' not in s]
    hours = OPEN_HOURS.search(instructions)
    return (*found, *([f"We're {hours[1]}."] if hours else []), *_limits(instructions))


def conditions_of(instructions: str) -> tuple[Condition, ...]:
    """Rules such as "For questions about invoices, say that billing takes care of it."""
    return tuple(
        Condition(found["about"], _spoken(found["verb"], found["what"])) for found in CONDITION.finditer(instructions)
    )


def _limits(instructions: str) -> Iterator[str]:
    for verb, rest in LIMIT.findall(instructions):
        limit = rest.strip().replace(" and cannot", " and I cannot")
        yield f"I {verb} {limit}, I'm afraid."


def _spoken(verb: str, what: str) -> str:
    first, _, second = what.partition(" and say that ")
    start = f"I can offer you {first}." if verb == "offer" else f"{first[0].upper()}{first[1:]}."
    return f"{start} {second[0].upper()}{second[1:]}.".replace("They ", "You ") if second else start
