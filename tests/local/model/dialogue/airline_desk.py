"""A small airline behind the tools, and a player of transcripts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.model.dialogue.engine import answer
from ringfold.core.speech import Shaper
from tests.local.model.builders import AIRLINE_TOOLS, VOICE, a_request

JANE: dict[str, Any] = {
    "found": True,
    "confirmation_code": "ABC123",
    "passenger_name": "Jane Smith",
    "seat": "22E",
    "cabin": "economy",
    "checked_bags": 1,
    "refundable": False,
    "flight_number": "OWL-101",
    "origin_city": "Austin",
    "destination_city": "Seattle",
    "departure_date": "2026-11-21",
    "flight_status": "delayed",
    "delay_minutes": 120,
    "delay_reason": "late arrival of the incoming aircraft",
    "scheduled_departure": "1:45 PM",
    "estimated_departure": "3:45 PM",
    "estimated_arrival": "6:20 PM",
    "gate": "B14",
    "terminal": "2",
    "rebooking_options": ["OWL-105 today at 6:30 PM"],
}
SEATS = (
    {"seat": "2D", "type": "aisle", "cabin": "first"},
    {"seat": "12A", "type": "window", "cabin": "economy"},
    {"seat": "14F", "type": "window", "cabin": "economy"},
    {"seat": "14C", "type": "aisle", "cabin": "economy"},
)


@dataclass
class Desk:
    """Answers tool calls; ``broken`` maps a tool to what it answers instead, each time it is called."""

    facts: dict[str, Any] = field(default_factory=lambda: dict(JANE))
    broken: dict[str, list[tuple[Mapping[str, Any], str]]] = field(default_factory=dict)

    def run(self, name: str, arguments: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
        """Result and status of a call."""
        if self.broken.get(name):
            return self.broken[name].pop(0)
        return getattr(self, f"_{name}", self._other)(arguments), "success"

    def _lookup_reservation(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        if arguments.get("confirmation_code") != self.facts["confirmation_code"]:
            return {"found": False, "error": "no reservation found with that confirmation code"}
        return dict(self.facts)

    def _lookup_available_seats(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        wanted = {"type": arguments.get("preference"), "cabin": arguments.get("cabin")}
        fitting = [seat for seat in SEATS if all(not value or seat[key] == value for key, value in wanted.items())]
        return {"found": True, "flight_number": arguments["flight_number"], "seats": fitting}

    def _change_seat(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        previous, self.facts["seat"] = self.facts["seat"], arguments["seat"]
        return {"changed": True, "seat": arguments["seat"], "previous_seat": previous}

    def _other(self, _: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"ok": True}


@dataclass
class Line:
    """A line of a transcript: who, and what they say or do."""

    who: str
    text: str


class Player:
    """Plays a transcript against the dialogue.

    ``CALLER`` speaks. ``TOOL name {input}`` is the next tool call expected (or how it begins, before ``…``).
    ``AGENT a … b`` holds the parts the words of that round must contain, in order. ``HEARD text`` cuts the agent's
    last words to this beginning.

    With ``spoken``, the agent's words come back as they do in a call: shaped for the ear.
    """

    def __init__(
        self, desk: Desk | None = None, system: str = VOICE, tools: Any = AIRLINE_TOOLS, *, spoken: bool = False
    ) -> None:
        self.desk = desk or Desk()
        self.messages: list[dict[str, Any]] = []
        self.rounds: list[Line] = []
        self._system = system
        self._tools = tools
        self._calls = 0
        self._spoken = spoken

    def play(self, transcript: str) -> None:
        """Play all of it; a line that is not met fails, and so does a tool call nobody expected."""
        for raw in transcript.strip().splitlines():
            who, _, text = raw.strip().partition(" ")
            if who == "CALLER":
                assert [] == self.rounds, f"not expected before {text!r}"
                self._say(text)
            elif who == "HEARD":
                self._cut(text)
            else:
                self._expect(Line(who, text))
        assert [] == [line for line in self.rounds if line.who == "TOOL"]

    def _expect(self, expected: Line) -> None:
        assert self.rounds, f"nothing more came, expected {expected}"
        actual = self.rounds.pop(0)
        if expected.who == "TOOL" and actual.who == "AGENT":  # words before a call need no mention
            actual = self.rounds.pop(0)
        assert expected.who == actual.who, actual
        if expected.who == "TOOL":
            wanted, more = expected.text.removesuffix(" …"), expected.text.endswith(" …")
            assert wanted == (actual.text[: len(wanted)] if more else actual.text)
            return
        at = 0
        for part in expected.text.replace("…", "\n").split("\n"):
            at = actual.text.find(part.strip(), at)
            assert at >= 0, f"{part!r} is not in {actual.text!r}"

    def _say(self, text: str) -> None:
        if self.messages and self.messages[-1]["role"] == "user":
            self.messages[-1]["content"].append({"text": text})
        else:
            self.messages.append({"role": "user", "content": [{"text": text}]})
        while self._round():
            pass

    def _round(self) -> bool:
        reply = answer(a_request(*self.messages, system=self._system, tools=self._tools))
        content: list[dict[str, Any]] = [{"text": self._shaped(reply.text)}] if reply.text else []
        results = []
        if reply.text:
            self.rounds.append(Line("AGENT", reply.text))
        for call in reply.calls:
            self.rounds.append(Line("TOOL", f"{call.name} {json.dumps(dict(call.input))}"))
            self._calls += 1
            result, status = self.desk.run(call.name, call.input)
            tool_use_id = f"t{self._calls}"
            content.append({"toolUse": {"toolUseId": tool_use_id, "name": call.name, "input": dict(call.input)}})
            told = {"toolUseId": tool_use_id, "content": [{"json": dict(result)}], "status": status}
            results.append({"toolResult": told})
        self.messages.append({"role": "assistant", "content": content})
        if results:
            self.messages.append({"role": "user", "content": results})
        return bool(results) and reply.calls[0].name not in {"end_call", "transfer_call"}

    def _cut(self, heard: str) -> None:
        self.rounds.clear()
        block = self.messages[-1]["content"][-1]
        heard = self._shaped(heard).rstrip("-") if self._spoken else heard
        assert block["text"].startswith(heard), block["text"]
        block["text"] = heard

    def _shaped(self, text: str) -> str:
        if not self._spoken:
            return text
        shaper = Shaper()
        return shaper.feed(text) + shaper.finish()
