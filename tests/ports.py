"""Ports for the relay: everything outside it in memory, quick, and kept for looking at."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ringfold.adapters.threads import Threads
from ringfold.bootstrap_relay import RelayService
from ringfold.core.agent import Agent
from ringfold.core.commands import ModelCalled, ModelFailed, ModelSaid, ModelStopped
from ringfold.core.ids import AgentId, OrganizationId
from ringfold.core.session import Snapshot
from ringfold.errors import ConnectionGone
from ringfold.log import Log
from ringfold.ports import RelayPorts
from ringfold.service.relay import Frame, Relay
from ringfold.service.toolrunner import ToolRunner
from ringfold.tools.end_call import END_CALL
from ringfold.tools.registry import Registry, Tool, ToolContext
from tests.memory import MemorySessions

CALL, ACCOUNT = "CA1", "AC1"
_numbers = itertools.count(1)


def snapshot(organization_id: str = "org_1", **agent: Any) -> Snapshot:
    """What a call is answered from."""
    given: dict[str, Any] = {
        "instructions": f"You are the agent of {organization_id}.",
        "tools": ("look", "change", "end_call"),
    }
    made = Agent(AgentId("agt_1"), OrganizationId(organization_id), "Olive", **{**given, **agent})
    return Snapshot(made, "+15125550147", "+15125550100", "Hello.")


class FakeStream:
    """A request to the fake model."""

    def __init__(self, number: int) -> None:
        self.number, self.sent, self.closed = number, threading.Event(), threading.Event()

    def close(self) -> None:
        self.closed.set()


@dataclass
class FakeModel:
    """Gives its answers in turn, then the last one again.

    Attributes:
        answers: Each a list of texts, tool calls, failures, and pauses in seconds.
        requests: (model id, request) of each.
    """

    answers: list[list[Any]] = field(default_factory=lambda: [["Hello there. ", "How can I help?"]])
    requests: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    streams: list[FakeStream] = field(default_factory=list)
    warmed: int = 0

    def stream(self, number: int) -> FakeStream:
        self.streams.append(FakeStream(number))
        return self.streams[-1]

    def run(self, stream: Any, model_id: str, request: Mapping[str, Any], emit: Callable[[Any], None]) -> None:
        self.requests.append((model_id, request))
        stream.sent.set()
        steps = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        for step in steps:
            if isinstance(step, float):
                stream.closed.wait(step)
            if stream.closed.is_set():
                return
            if isinstance(step, str):
                emit(ModelSaid(stream.number, step))
            elif isinstance(step, ModelCalled | ModelFailed):
                emit(replace(step, stream=stream.number))
                if isinstance(step, ModelFailed):
                    return
        reason = "tool_use" if any(isinstance(step, ModelCalled) for step in steps) else "end_turn"
        emit(ModelStopped(stream.number, reason, {"inputTokens": 50, "outputTokens": 9}))

    def warm(self) -> None:
        self.warmed += 1


@dataclass
class FakeLinks:
    """Connections by id; ``gone`` ones are closed."""

    posts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    warmed: int = 0

    def post(self, connection_id: str, frame: str) -> None:
        if connection_id in self.gone:
            raise ConnectionGone
        self.raw.append(frame)
        self.posts.append((connection_id, json.loads(frame)))

    def warm(self) -> None:
        self.warmed += 1

    def heard(self, connection_id: str | None = None) -> str:
        """What was said on a connection, or on all."""
        tokens = [frame.get("token", "") for link, frame in self.posts if connection_id in (None, link)]
        return "".join(tokens).strip()


@dataclass
class FakeWatchdog:
    armed: list[tuple[str, str, int, Any, Any]] = field(default_factory=list)

    def arm(self, call_sid: str, key: str, delay_s: int, event: Any, link: Any) -> None:
        self.armed.append((call_sid, key, delay_s, event, link))


@dataclass
class FakeDispatch:
    jobs: list[tuple[str, str, int]] = field(default_factory=list)

    def turn(self, call_sid: str, key: str, part: int) -> None:
        self.jobs.append((call_sid, key, part))


class Rig:
    """A worker: the relay service over ports in memory, with one call open.

    Attributes:
        lines: Parsed log lines.
        ahead_ms: How far its clock is ahead of the real one.
        seen: (tool, arguments, context) of each tool run.
    """

    def __init__(self, *answers: list[Any], level: str = "INFO", turn_dispatch: str = "inline", **agent: Any) -> None:
        self.lines: list[dict[str, Any]] = []
        self.raw_lines: list[str] = []
        self.ahead_ms = 0
        self.seen: list[tuple[str, Mapping[str, Any], ToolContext]] = []
        self.sessions = MemorySessions()
        self.sessions.open_call(CALL, snapshot(**agent))
        self.model = FakeModel(list(answers)) if answers else FakeModel()
        self.links, self.watchdog, self.dispatch = FakeLinks(), FakeWatchdog(), FakeDispatch()
        self.log = Log(level, self._write)
        threads = Threads()
        registry = Registry.of([END_CALL, self._tool("look", effect=False), self._tool("change", effect=True)])
        tools = ToolRunner(registry, threads, self.log)
        self.ports = RelayPorts(
            self.sessions, self.model, self.links, self.watchdog, self.dispatch, tools, threads, self.clock
        )
        self.relay = Relay(tools, self.log, self.clock, ("first", "second"), turn_dispatch)
        self.service = RelayService(self.relay, self.ports, self.log)

    def clock(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def _write(self, line: str) -> None:
        self.raw_lines.append(line)
        self.lines.append(json.loads(line))

    def _tool(self, name: str, *, effect: bool) -> Tool:
        def run(arguments: Mapping[str, Any], context: ToolContext) -> object:
            self.seen.append((name, arguments, context))
            return {"done": name}

        return Tool(name, f"The tool {name}.", {"type": "object", "properties": {}}, run, side_effect=effect)

    def frame(self, kind: str, call_sid: str = CALL, **fields: Any) -> Frame:
        """A frame of that type as the gateway gives it; what the gateway says may be set, the rest is its body."""
        number = next(_numbers)
        about: dict[str, Any] = {
            "call_sid": call_sid,
            "account_sid": ACCOUNT,
            "organization_id": "org_1",
            "conversation_id": "conv_1",
            "generation": 1,
            "connection_id": "c1=",
            "message_id": f"m{number}",
            "at_ms": self.clock(),
            "rid": f"r{number}",
        }
        about |= {name: fields.pop(name) for name in list(fields) if name in about}
        return Frame(**about, body=json.dumps({"type": kind, **fields}))

    def says(self, text: str, **fields: Any) -> Frame:
        """The caller says something; gives the frame."""
        frame = self.frame("prompt", voicePrompt=text, lang="en-US", last=True, **fields)
        self.service.frame(frame)
        return frame

    def sets_up(self, **fields: Any) -> Frame:
        """The link's ``setup``."""
        body = {
            "sessionId": "VX1",
            "callSid": CALL,
            "accountSid": ACCOUNT,
            "from": "+15125550147",
            "to": "+15125550100",
        }
        frame = self.frame("setup", **{**body, "direction": "inbound", "callStatus": "RINGING", **fields})
        self.service.frame(frame)
        return frame

    def item(self, call_sid: str = CALL) -> dict[str, Any]:
        """The session item as it is stored."""
        return self.sessions.items[call_sid]

    def told(self, message: str) -> list[dict[str, Any]]:
        """The log lines with this message."""
        return [line for line in self.lines if line["message"] == message]
