"""A stage for one turn: the pure object between a table in memory, scripted models and a patient caller, in virtual
time. What was asked for, and what came of it, is kept with its time, counted from the start of the turn.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ringfold.core import commands as c
from ringfold.core import events as ev
from ringfold.core.agent import Agent
from ringfold.core.ids import AgentId, Key, OrganizationId
from ringfold.core.session import Snapshot
from ringfold.core.turn import Turn
from ringfold.core.turn_start import Start
from ringfold.errors import DependencyError, FloorLost, SessionMissing
from tests.memory import MemorySessions

T0 = 1_790_000_100_000
"""When the frame reaches the function, epoch milliseconds."""
CALL = "CA1"
LINK = (1, "c1=")
RID = "r1"
PROMPT = ev.frame_key(1, T0 - 3, ev.PROMPT, "m1")
AGENT = Agent(AgentId("agt_1"), OrganizationId("org_1"), "Olive", "Be kind.", tools=("look", "change", "end_call"))
SNAPSHOT = Snapshot(AGENT, "+15125550147", "+15125550100")
KINDS = {"look": "read", "look_too": "read", "change": "effect", "change_too": "effect"}
CONTROLS = (
    "end_call",
    "transfer_call",
    "hand_to_agent",
    "play_audio",
    "send_digits",
    "switch_language",
    "collect_digits",
)
KINDS |= {name: name for name in CONTROLS}


class ToolBox:
    """Two tools that read, two with an effect, and the built-in end."""

    def specs(self, agent: Agent) -> list[dict[str, Any]]:
        return [{"toolSpec": {"name": name}} for name in agent.tools]

    def kind(self, agent: Agent, name: str) -> str:
        return KINDS.get(name, "")


Step = str | c.ModelCalled | c.ModelStopped | c.ModelFailed | int
"""What a model does next: it says a piece, calls a tool, stops, fails, or pauses for so many milliseconds."""


def called(name: str, arguments: Any = None, tool_use_id: str = "") -> c.ModelCalled:
    """A tool call; text stands for itself, anything else becomes JSON."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return c.ModelCalled(0, tool_use_id or f"use_{name}", name, text)


def stopped(reason: str = "end_turn") -> c.ModelStopped:
    """The end of a stream."""
    return c.ModelStopped(0, reason, {"inputTokens": 100, "outputTokens": 20})


def failed(code: str = "ThrottlingException") -> c.ModelFailed:
    """A stream that breaks."""
    return c.ModelFailed(0, code)


def model(*steps: Step, first: int = 350, each: int = 40) -> list[tuple[int, Step]]:
    """A model's script: its steps with their times since the request. Without an end it says ``end_turn``."""
    ends = any(isinstance(step, c.ModelStopped | c.ModelFailed) for step in steps)
    timed: list[tuple[int, Step]] = []
    at = first
    for step in [*steps, *(() if ends else (stopped("end_turn"),))]:
        if isinstance(step, int):
            at += step
            continue
        timed.append((at, step))
        at += each
    return timed


def stall(*steps: Step, first: int = 350) -> list[tuple[int, Step]]:
    """A model that goes that far and then says nothing for ever."""
    return model(*steps, stopped(), first=first)[:-1]


@dataclass(frozen=True)
class Sent:
    """A frame that reached Twilio."""

    at: int
    connection_id: str
    frame: Mapping[str, Any]

    @property
    def token(self) -> str:
        return str(self.frame.get("token", ""))


class Stage:
    """One turn of one call.

    Attributes:
        models: A script for each request to a model, in order; whoever comes later is met with silence.
        tools: Result, or (milliseconds, result), for each tool by name.
        posts: What becomes of the next posts: ``ok``, ``gone``, ``refused``, ``ambiguous``; then ``ok``.
        told: (milliseconds, command or outcome), in order.
        sent: The frames that reached Twilio.
        spins: How often the turn wanted to be woken at once, again, with nothing new.
    """

    def __init__(
        self,
        *models: Sequence[tuple[int, Step]],
        sessions: MemorySessions | None = None,
        snapshot: Snapshot = SNAPSHOT,
        table_ms: int = 6,
        post_ms: int = 10,
        **start: Any,
    ) -> None:
        self.models = [list(script) for script in models]
        self.tools: dict[str, Any] = {}
        self.posts: list[str] = []
        self.table_ms, self.post_ms = table_ms, post_ms
        self.sessions = sessions or a_call(snapshot)
        event = {"type": ev.PROMPT, "rid": RID, "text": "Hello", "lang": "en-US"}
        begin: dict[str, Any] = {"key": PROMPT, "rid": RID, "event": event, "link": LINK, "models": ("first", "second")}
        self.turn = Turn(Start(**{**begin, **start}), ToolBox())
        self.told: list[tuple[int, c.Command | c.Outcome]] = []
        self.sent: list[Sent] = []
        self.spins = 0
        self.ticks = 0
        self.now = T0
        self._queue: list[tuple[int, int, Callable[[], None]]] = []
        self._order = 0
        self._open: set[int] = set()
        self._asked = 0
        self._begun = False

    # --- time -----------------------------------------------------------------------------------------------------
    def at(self, ms: int, run: Callable[[], None]) -> None:
        """Have something happen so many milliseconds after the start."""
        self._order += 1
        heapq.heappush(self._queue, (T0 + ms, self._order, run))

    def run(self, until: int = 60_000) -> Stage:
        """Play until the turn is done, or until a time; may be called again with a later one."""
        if not self._begun:
            self._begun = True
            self._perform(self.turn.start(self.now))
        while not self.turn.done:
            wake = self.turn.wake_at()
            due = self._queue[0][0] if self._queue else None
            times = [at for at in (wake, due) if at is not None]
            assert times, "the turn waits for nothing"
            if max(self.now, min(times)) > T0 + until:
                break
            if due is not None and (wake is None or due <= wake):
                self.now = max(self.now, due)
                heapq.heappop(self._queue)[2]()
            else:
                self._tick(wake or 0)
        return self

    def _tick(self, wake: int) -> None:
        self.now = max(self.now, wake)
        self.ticks += 1
        commands = self.turn.tick(self.now)
        self._perform(commands)
        again = self.turn.wake_at()
        if not commands and again is not None and again <= self.now:
            self.spins += 1
            assert self.spins < 50, "the turn spins"
            self.now += 1

    @property
    def elapsed(self) -> int:
        """Milliseconds since the start."""
        return self.now - T0

    # --- what the caller does meanwhile ----------------------------------------------------------------------------
    def says(self, text: str, at: int, rid: str = "r2") -> Key:
        """The caller says something more, answered by another invocation; gives its key."""
        key = ev.frame_key(1, T0 + at - 5, ev.PROMPT, f"m{at}")
        event = {"type": ev.PROMPT, "rid": rid, "text": text}
        opened = {"rid": rid, "at": T0 + at, "p": {}, "tools": {}}
        self.at(at, lambda: self._ignore(self.sessions.append(CALL, c.Append(key, event, opened))))
        return key

    def barges_in(self, at: int, heard: str = "") -> Key:
        """The caller cuts the agent short."""
        key = ev.frame_key(1, T0 + at - 5, ev.INTERRUPT, f"i{at}")
        event = {"type": ev.INTERRUPT, "rid": "r9", "heard": heard, "played_ms": 100}
        self.at(at, lambda: self._ignore(self.sessions.append(CALL, c.Append(key, event))))
        return key

    def hangs_up(self, at: int) -> None:
        """The call is marked as ended by the status callback."""
        self.at(at, lambda: self._ignore(self.sessions.end(CALL, "caller_hung_up")))

    def table_down(self, since: int, until: int, *, reads: bool = True) -> None:
        """The table refuses writes, and reads too unless told otherwise."""

        def turn_off(*, down: bool) -> None:
            self.sessions.down, self.sessions.reads_down = down, down and reads

        self.at(since, lambda: turn_off(down=True))
        self.at(until, lambda: turn_off(down=False))

    def _ignore(self, _: object) -> None:
        return

    # --- what has happened ----------------------------------------------------------------------------------------
    def count(self, *kinds: type, before: int = 10**9) -> int:
        """How many commands or outcomes of these kinds there were."""
        return sum(isinstance(entry, kinds) and at < before for at, entry in self.told)

    def times(self, kind: type) -> list[int]:
        """When commands or outcomes of a kind came."""
        return [at for at, entry in self.told if isinstance(entry, kind)]

    def all(self, kind: type) -> list[Any]:
        """The commands or outcomes of a kind."""
        return [entry for _, entry in self.told if isinstance(entry, kind)]

    @property
    def words(self) -> list[Sent]:
        """The frames with something in them to be spoken."""
        return [sent for sent in self.sent if sent.token.strip()]

    @property
    def spoken(self) -> str:
        """What the caller hears."""
        return "".join(sent.token for sent in self.sent).strip()

    @property
    def item(self) -> dict[str, Any]:
        """The session item as it is stored."""
        return self.sessions.items[CALL]

    @property
    def journal(self) -> dict[str, Any]:
        """This turn's entry in it."""
        entry: dict[str, Any] = self.item["replies"][self.turn.key]
        return entry

    # --- the world's side -----------------------------------------------------------------------------------------
    def _perform(self, commands: Sequence[c.Command]) -> None:
        for command in commands:
            self.told.append((self.elapsed, command))
            match command:
                case c.OpenModel(stream):
                    self._open_model(stream)
                case c.CloseModel(stream):
                    self._open.discard(stream)
                case c.PostFrame(connection_id, frame):
                    self._later(self.post_ms, partial(self._land, connection_id, frame))
                case c.RunTool():
                    self._run_tool(command)
                case c.Append() | c.Journal() | c.Poll() | c.Load() | c.Claim():
                    self._later(self.table_ms, partial(self._ask_table, command))

    def _later(self, ms: int, effect: Callable[[], c.Outcome]) -> None:
        """Its effect halfway, its answer at the end."""

        def happen() -> None:
            outcome = effect()
            self.at(self.elapsed + ms - ms // 2, lambda: self._hear(outcome))

        self.at(self.elapsed + ms // 2, happen)

    def _hear(self, outcome: c.Outcome) -> None:
        self.told.append((self.elapsed, outcome))
        self._perform(self.turn.handle(outcome, self.now))

    def _open_model(self, stream: int) -> None:
        self._open.add(stream)
        script = self.models[self._asked] if self._asked < len(self.models) else []
        self._asked += 1
        for at, step in script:
            self.at(self.elapsed + at, partial(self._model_event, stream, step))

    def _model_event(self, stream: int, step: Step) -> None:
        if stream not in self._open:
            return
        if isinstance(step, c.ModelStopped | c.ModelFailed):
            self._open.discard(stream)
        assert not isinstance(step, int)
        self._hear(c.ModelSaid(stream, step) if isinstance(step, str) else replace(step, stream=stream))

    def _land(self, connection_id: str, frame: str) -> c.Outcome:
        fate = self.posts.pop(0) if self.posts else "ok"
        if fate in {"ok", "lost"}:
            self.sent.append(Sent(self.elapsed, connection_id, json.loads(frame)))
        return c.Posted() if fate == "ok" else c.PostFailed("ambiguous" if fate == "lost" else fate)

    def _run_tool(self, command: c.RunTool) -> None:
        planned = self.tools.get(command.name, {"found": command.name})
        ms, result = planned if isinstance(planned, tuple) else (20, planned)
        ok = "error" not in result
        outcome = c.ToolReturned(command.tool_use_id, ok, json.dumps(result))
        self.at(self.elapsed + ms, lambda: self._hear(outcome))

    def _ask_table(self, command: c.Command) -> c.Outcome:
        try:
            match command:
                case c.Append():
                    return c.Appended(self.sessions.append(CALL, command))
                case c.Journal():
                    return c.Journaled(self.sessions.journal(CALL, command))
                case c.Poll():
                    return c.Polled(self.sessions.load(CALL))
                case _:
                    return c.Loaded(*self.sessions.load_fixed(CALL))
        except SessionMissing:
            return _failure(command, missing=True)
        except FloorLost:
            return c.JournalFailed(lost=True)
        except DependencyError:
            return _failure(command, missing=False)


def _failure(command: c.Command, *, missing: bool) -> c.Outcome:
    match command:
        case c.Append():
            return c.AppendFailed(missing=missing)
        case c.Journal():
            return c.JournalFailed(lost=missing)
        case c.Poll():
            return c.PollFailed(missing=missing)
        case _:
            return c.LoadFailed()


def a_call(snapshot: Snapshot = SNAPSHOT) -> MemorySessions:
    """A table with one call in it, its link set up."""
    sessions = MemorySessions()
    item = sessions.open_call(CALL, snapshot)
    item["links"]["g1"] = LINK[1]
    item["events"][ev.frame_key(1, T0 - 5000, ev.SETUP, "m0")] = {"type": ev.SETUP, "rid": "r0", "session_id": "VX1"}
    return sessions


def an_agent(**changes: Any) -> Snapshot:
    """A snapshot whose agent differs in something."""
    return replace(SNAPSHOT, agent=replace(AGENT, **changes))


def warm(sessions: MemorySessions) -> dict[str, Any]:
    """What a worker that handled the call's previous event holds: to be given to a stage."""
    snapshot, segments = sessions.load_fixed(CALL)
    sessions.requests.clear()
    return {"sessions": sessions, "cached": (json_item(sessions), snapshot, segments)}


def json_item(sessions: MemorySessions) -> dict[str, Any]:
    """A copy of the session item."""
    item = sessions.load(CALL)
    sessions.requests.clear()
    return item
