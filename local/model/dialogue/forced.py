"""A request that insists on a tool call (``toolChoice``): fill the schema from the words as well as can be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from local.model.dialogue.calls import make_call
from local.model.dialogue.general import SUBJECTS
from local.model.dialogue.memory import RECORD, recorded
from local.model.dialogue.reply import Call, Reply
from local.model.dialogue.talk import Talk
from local.model.dialogue.words import normalise, sentences, stems


def forced_call(talk: Talk, choice: str) -> Reply:
    """Call the chosen tool; of ``any`` the first offered."""
    name = choice if choice != "any" else next(iter(talk.conversation.tools))
    if name == RECORD:
        return Reply("", (Call(name, recorded(talk.now.caller)),))
    known = make_call(talk, name, confirmation_code=talk.known_code, seat=talk.seat, preference=talk.preference).input
    spec = talk.conversation.tools[name]
    schema: Mapping[str, Any] = spec["inputSchema"]["json"]
    told = f"{spec.get('description', '')}\n{talk.conversation.system}"
    values = {
        field: known.get(field, _value(talk, field, schema.get("properties", {}).get(field, {}), told))
        for field in schema.get("required", [])
    }
    return Reply("", (Call(name, {**known, **values}),))


def _value(talk: Talk, field: str, schema: Mapping[str, Any], told: str) -> Any:
    if "enum" in schema:
        return _best_option(
            talk, [str(option) for option in schema["enum"]], f"{schema.get('description', '')}\n{told}"
        )
    kind = schema.get("type", "string")
    if kind in {"integer", "number"}:
        return 1
    if kind == "boolean":
        return True
    if kind == "array":
        return []
    return talk.now.caller or field


def _best_option(talk: Talk, options: list[str], told: str) -> str:
    """The option whose name, and whose description in the prompt, shares most words with the utterance."""
    asked = stems(talk.now.caller) | _related(talk.now.caller)

    def score(option: str) -> int:
        about = [line for line in sentences(told) if option.lower() in line.lower()]
        return 3 * len(asked & stems(option.replace("_", " "))) + len(asked & stems(" ".join(about)))

    return max(options, key=score)


def _related(words: str) -> frozenset[str]:
    """The trades a word belongs to, so that "payment" finds a billing agent whose prompt does not say so."""
    return frozenset(subject.domain[:5] for subject in SUBJECTS if subject.pattern.search(normalise(words)))
