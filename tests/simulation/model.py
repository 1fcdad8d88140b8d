"""The model, simulated: words that are told apart by their number, tool calls, and every way to fail."""

from __future__ import annotations

import json
import random
from typing import Any

from ringfold.core import commands as c
from tests.simulation.plan import Plan

VOCABULARY = ("owl", "seat", "flight", "gate", "the", "window", "delayed", "and", "leaves", "today")
LONG, MOST_TEXTS = 30, 12
"""So many texts are as long as the plan says, of very long ones two; then it comes to the point."""


class Model:
    """Writes what a stream will yield: (delay, event) pairs."""

    def __init__(self, plan: Plan, rng: random.Random) -> None:
        self.plan, self.random = plan, rng
        self.asked = 0
        self.texts = 0
        self.legal_errors: list[str] = []

    def answer(self, command: c.OpenModel, *, farewell: bool) -> list[tuple[float, Any]]:
        """The events of one stream and when they come, counted from the request."""
        self.asked += 1
        check_legal(command.request["messages"], self.legal_errors)
        fault, first = self.plan.model_fault, command.model_id == "first"
        if fault == "dead" or (fault == "first_dead" and first):
            return [(20, c.ModelFailed(command.stream, "Throttling"))]
        if fault == "stall" or (fault == "first_stall" and first):
            return []
        if fault == "empty" and first:
            return self._timed([c.ModelStopped(command.stream, "end_turn")])
        asked_tool = any("toolResult" in block for block in command.request["messages"][-1]["content"])
        if not asked_tool and self.random.random() < self.plan.tools:
            return self._timed(self._call(command.stream, farewell=farewell))
        self.texts += 1
        most = 2 if self.plan.reply_words[0] > LONG else MOST_TEXTS
        words = self.plan.reply_words if self.texts <= most else (2, 6)
        return self._timed(self._text(command.stream, self.random.randint(*words), broken=fault == "die"))

    def _timed(self, events: list[Any]) -> list[tuple[float, Any]]:
        at = self.random.uniform(*self.plan.model_first_ms)
        timed = []
        for event in events:
            timed.append((at, event))
            at += self.random.uniform(*self.plan.model_token_ms)
        return timed

    def _call(self, stream: int, *, farewell: bool) -> list[Any]:
        number = 100 + self.asked
        name = self.random.choice(["look", "change", "look", "missing"])
        if farewell and self.random.random() < self.plan.farewell:
            name = self.plan.last_tool
        events: list[Any] = [c.ModelSaid(stream, f"Checking {number}.")] if self.random.random() < 0.5 else []
        # Never the same arguments twice: the same idempotency key twice is then our doing.
        said = {"end_call": "farewell", "transfer_call": "announcement"}.get(name)
        arguments = {said: f"w{number}goodbye0"} if said else {"a": self.asked}
        events.append(c.ModelCalled(stream, f"t{self.asked}x{stream}", name, json.dumps(arguments)))
        return [*events, c.ModelStopped(stream, "tool_use")]

    def _text(self, stream: int, words: int, *, broken: bool) -> list[Any]:
        number = 100 + self.asked
        events: list[Any] = []
        for i in range(words):
            end = "." if i % 7 == 6 or i + 1 == words else ""
            word = f"w{number}{self.random.choice(VOCABULARY)}{i}"
            events.append(c.ModelSaid(stream, (" " if i else "") + word + end))
        if broken:
            return [*events[: max(1, len(events) // 2)], c.ModelFailed(stream, "StreamEnded")]
        return [*events, c.ModelStopped(stream, "end_turn")]


def check_legal(messages: list[dict[str, Any]], errors: list[str]) -> None:
    """What Converse demands of a request's messages."""
    if not messages or messages[0]["role"] != "user" or messages[-1]["role"] != "user":
        errors.append("does not begin and end with the user")
    open_calls: set[str] = set()
    for before, message in zip([None, *messages], messages, strict=False):
        if before is not None and before["role"] == message["role"]:
            errors.append("roles do not alternate")
        results = {b["toolResult"]["toolUseId"] for b in message["content"] if "toolResult" in b}
        if results != open_calls:
            errors.append(f"tool calls {open_calls} answered by {results}")
        open_calls = {b["toolUse"]["toolUseId"] for b in message["content"] if "toolUse" in b}
        if any("text" in block and not block["text"].strip() for block in message["content"]):
            errors.append("blank text")
        if not message["content"]:
            errors.append("empty message")
    if open_calls:
        errors.append("a tool call without a result")
