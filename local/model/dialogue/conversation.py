"""The messages of a request taken apart into exchanges: what the caller said, what was looked up, what was answered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from local.model.request import ConverseRequest

NOTE: Final = re.compile(r"^\s*[(\[](?P<note>[^)\]]*)[)\]]\s*$")
KEYS: Final = re.compile(r"press|key|dtmf|digit", re.IGNORECASE)
CONTINUE: Final = re.compile(r"continue|go on|carry on|resume", re.IGNORECASE)
SMS: Final = re.compile(r"\b(sms|text message|texting|whatsapp)\b", re.IGNORECASE)
VOICE: Final = re.compile(r"\b(voice|phone call|speaking with a caller|spoken)\b", re.IGNORECASE)


@dataclass(frozen=True)
class ToolRound:
    """One tool call and what came back; ``result`` is ``None`` until it has."""

    name: str
    input: Mapping[str, Any]
    result: Any = None
    failed: bool = False


@dataclass
class Exchange:
    """One utterance and all that followed until the next.

    Attributes:
        caller: What the caller said, without notes of the system.
        keys: What they typed on the keypad.
        note: A remark of the system in the caller's place, such as a request to go on.
        agent: What the agent said and the caller heard, over all rounds.
    """

    caller: str = ""
    keys: str = ""
    note: str = ""
    rounds: list[ToolRound] = field(default_factory=list)
    agent: str = ""


@dataclass(frozen=True)
class Conversation:
    """All the dialogue knows; the last exchange is the one to be answered."""

    system: str
    tools: Mapping[str, Mapping[str, Any]]
    exchanges: Sequence[Exchange]

    @property
    def is_sms(self) -> bool:
        """Whether this is a thread of texts; a call otherwise."""
        sms, voice = SMS.search(self.system), VOICE.search(self.system)
        return sms is not None and (voice is None or sms.start() < voice.start())


def read_conversation(request: ConverseRequest) -> Conversation:
    """Take a valid request apart."""
    exchanges: list[Exchange] = []
    pending: dict[str, ToolRound] = {}
    for message in request.messages:
        if message["role"] == "user":
            _read_user(message, exchanges, pending)
        else:
            _read_agent(message, exchanges[-1], pending)
    return Conversation(request.system, request.tools, exchanges)


def _read_user(message: Mapping[str, Any], exchanges: list[Exchange], pending: dict[str, ToolRound]) -> None:
    for block in message["content"]:
        if "toolResult" in block and exchanges:
            asked = pending.pop(block["toolResult"]["toolUseId"], ToolRound("", {}))
            result, failed = _result(block["toolResult"])
            exchanges[-1].rounds.append(ToolRound(asked.name, asked.input, result, failed))
    texts = [block["text"] for block in message["content"] if "text" in block]
    if texts or not exchanges:
        exchanges.append(_read_utterance(texts))


def _read_utterance(texts: Sequence[str]) -> Exchange:
    exchange = Exchange()
    for text in texts:
        note = NOTE.match(text)
        if note and KEYS.search(note["note"]):
            exchange.keys += "".join(re.findall(r"[0-9*#]", note["note"]))
        elif note:
            exchange.note = note["note"]
        else:
            exchange.caller = f"{exchange.caller} {text.strip()}".strip()
    if re.fullmatch(r"[0-9*#]+", exchange.caller):
        exchange.keys, exchange.caller = exchange.caller, ""
    return exchange


def _read_agent(message: Mapping[str, Any], exchange: Exchange, pending: dict[str, ToolRound]) -> None:
    for block in message["content"]:
        if "text" in block:
            exchange.agent = f"{exchange.agent} {block['text'].strip()}".strip()
        elif "toolUse" in block:
            use = block["toolUse"]
            pending[use["toolUseId"]] = ToolRound(use["name"], use["input"])


def _result(block: Mapping[str, Any]) -> tuple[Any, bool]:
    parts = [content.get("json", content.get("text")) for content in block["content"]]
    value: Any = parts[0] if len(parts) == 1 else parts
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = {"text": value}
    return value, block.get("status") == "error"
