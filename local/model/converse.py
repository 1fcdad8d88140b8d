"""Pieces of an answer as Converse writes them: events of a stream, or one JSON body."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from local.model.pieces import Finish, Piece, Text, ToolInput, ToolStart

Event = tuple[str, dict[str, Any]]

# Bedrock pads its events so that their size does not betray the length of a token; clients ignore the field.
_PADDING: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass
class EventWriter:
    """Turns pieces into stream events; keeps the index and the kind of the open block."""

    index: int = 0
    started: bool = False
    open_block: str = ""
    latency_ms: int = 0
    tokens: int = field(default=0, init=False)

    def write(self, piece: Piece) -> list[Event]:
        """The events one piece stands for, in order."""
        events: list[Event] = []
        if not self.started:
            self.started = True
            events.append(("messageStart", _padded({"role": "assistant"}, 1)))
        match piece:
            case Text(text=text):
                if self.open_block != "text":
                    events += self._close()
                    self.open_block = "text"  # text blocks start with their first delta
                events.append(self._delta({"text": text}, len(text)))
            case ToolStart(tool_use_id=tool_use_id, name=name):
                events += self._close()
                self.open_block = "toolUse"
                start = {"toolUse": {"toolUseId": tool_use_id, "name": name}}
                events.append(("contentBlockStart", _padded({"contentBlockIndex": self.index, "start": start}, 3)))
            case ToolInput(fragment=fragment):
                events.append(self._delta({"toolUse": {"input": fragment}}, len(fragment)))
            case Finish():
                events += self._close()
                events.append(("messageStop", _padded({"stopReason": piece.stop_reason}, 5)))
                events.append(("metadata", _padded({"usage": usage(piece), "metrics": self._metrics()}, 7)))
        return events

    def _delta(self, delta: dict[str, Any], length: int) -> Event:
        self.tokens += 1
        return "contentBlockDelta", _padded({"contentBlockIndex": self.index, "delta": delta}, length)

    def _close(self) -> list[Event]:
        if not self.open_block:
            return []
        closed = self.index
        self.open_block = ""
        self.index += 1
        return [("contentBlockStop", _padded({"contentBlockIndex": closed}, 2))]

    def _metrics(self) -> dict[str, int]:
        return {"latencyMs": self.latency_ms}


def usage(finish: Finish) -> dict[str, int]:
    """Token counts as Converse reports them."""
    return {
        "inputTokens": finish.input_tokens,
        "outputTokens": finish.output_tokens,
        "totalTokens": finish.input_tokens + finish.output_tokens,
    }


def build_response(pieces: Iterable[Piece], latency_ms: int) -> dict[str, Any]:
    """The body of a ``Converse`` answer, from the pieces the stream would have had."""
    content: list[dict[str, Any]] = []
    fragments: list[str] = []
    finish = Finish("end_turn", 0, 0)
    for piece in pieces:
        match piece:
            case Text(text=text) if content and "text" in content[-1]:
                content[-1]["text"] += text
            case Text(text=text):
                content.append({"text": text})
            case ToolStart(tool_use_id=tool_use_id, name=name):
                fragments = []
                content.append({"toolUse": {"toolUseId": tool_use_id, "name": name, "input": {}}})
            case ToolInput(fragment=fragment):
                fragments.append(fragment)
                content[-1]["toolUse"]["input"] = _parse_input("".join(fragments))
            case Finish():
                finish = piece
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": finish.stop_reason,
        "usage": usage(finish),
        "metrics": {"latencyMs": latency_ms},
    }


def _parse_input(text: str) -> Any:
    # Unfinished or broken JSON is left as text: Converse's shape has room for any document.
    try:
        return json.loads(text)
    except ValueError:
        return text


def _padded(fields: dict[str, Any], seed: int) -> dict[str, Any]:
    return {**fields, "p": _PADDING[: 4 + (seed * 7) % 24]}
