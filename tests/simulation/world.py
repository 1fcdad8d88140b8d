"""A whole call under a seeded scheduler: the real relay service over in-memory ports, in virtual time.

Every port call is a step: it takes effect at one random moment and its answer comes back at a later one, unless its
invocation has been killed in between. A kill comes no earlier than an invocation's first request: before it nothing
in the world knows of the frame (docs/adr, "What a crash may cost"). Twilio and the caller (``phone.py``), the table,
the gateway, the queue and the model are small models; what runs over them is ``ringfold.service.relay`` and
``ringfold.core`` as they are deployed.
"""

from __future__ import annotations

import heapq
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ringfold.core import commands as c
from ringfold.core.agent import Agent
from ringfold.core.events import FLOOR
from ringfold.core.fold import fold, owns
from ringfold.core.ids import AgentId, OrganizationId
from ringfold.core.session import Snapshot
from ringfold.core.turn import Turn
from ringfold.errors import DependencyError
from ringfold.log import Log
from ringfold.service.driver import Beside, Sleep
from ringfold.service.relay import Frame, Relay
from tests.simulation.model import Model
from tests.simulation.phone import GREETING, Phone
from tests.simulation.plan import Plan, draw
from tests.simulation.table import ACCOUNT, CALL, Table, copied

EPOCH = 1_790_000_000_000
FILLERS = ("fillera fillerb fillerc.", "fillerd fillere fillerf.")
AGENT = Agent(
    AgentId("a"), OrganizationId("o"), "Owl", "You are Owl.", tools=("look", "change", "end_call"), fillers=FILLERS
)
MAX_STEPS = 60_000


@dataclass
class Stream:
    """One model stream of an invocation."""

    opened: float
    closed: float | None = None


@dataclass
class Posted:
    """One frame of speech that was sent: when it left, when it landed (``None``: never), and whose it was."""

    started: float
    landed: float | None
    run: int
    reply: str
    text: str
    certain: bool = True


@dataclass
class Invocation:
    """One running invocation: its program, or the turn it is driving.

    Attributes:
        superseded: When a floor event was stored that took the floor from its reply.
    """

    number: int
    name: str
    program: Any
    turn: Turn | None = None
    dead: bool = False
    ended: bool = False
    requests: int = 0
    streams: dict[int, Stream] = field(default_factory=dict)
    superseded: float | None = None
    polls: list[float] = field(default_factory=list)


class ToolBox:
    """The agent's tools: one that reads, one with an effect, and the built-in end."""

    def specs(self, agent: Agent) -> list[dict[str, Any]]:
        return [{"toolSpec": {"name": n, "description": n, "inputSchema": {"json": {}}}} for n in agent.tools]

    def kind(self, agent: Agent, name: str) -> str:
        return {"look": "read", "change": "effect", "end_call": "end_call", "transfer_call": "transfer_call"}.get(
            name, ""
        )


class World:
    """One call, one seed."""

    def __init__(self, seed: int, plan: Plan | None = None) -> None:
        self.seed, self.random = seed, random.Random(seed)
        self.plan = plan or draw(self.random)
        self.now = 0.0
        self.offset = 0  # how far the clock of whoever acts now is off
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._log: list[tuple[float, str | tuple[int, c.Command]]] = []
        self.table = Table(EPOCH)
        self.phone = Phone(self)
        self.model = Model(self.plan, self.random)
        self.snapshot = Snapshot(AGENT, "+15550100", "+15550101", GREETING, number={"transfer_number": "+15125550190"})
        self.errors: list[str] = []
        log = Log("ERROR", self.errors.append)
        # Two workers, as at Lambda: an invocation finds one of them, with whatever it holds of the call.
        self.workers = [
            Relay(ToolBox(), log, self.clock, ("first", "second"), turn_dispatch=self.plan.turn_dispatch)
            for _ in range(2)
        ]
        self.invocations: list[Invocation] = []
        self.steps = 0
        self.crashes = 0
        self.crashed_at: float | None = None
        self.posts: list[Posted] = []
        self.sent: list[tuple[float, int, str]] = []
        self.delivered: list[tuple[float, float, str]] = []
        self.effects: dict[str, int] = {}
        self.faults: list[str] = []
        self.ended_at: float | None = None
        self.spins = 0
        self.armed = 0

    # --- time -----------------------------------------------------------------------------------------------------
    def clock(self) -> int:
        return EPOCH + int(self.now) + self.offset

    def at(self, delay: float, run: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._queue, (self.now + max(0.0, delay), self._order, run))

    def run(self) -> None:
        """Let the call happen until nothing is left to happen."""
        self.at(0, self.phone.begin)
        for _ in range(MAX_STEPS):
            if not self._queue or self._queue[0][0] > self.plan.until_ms:
                break
            self.now, _, due = heapq.heappop(self._queue)
            due()
        else:
            self.faults.append(f"it goes on and on: {MAX_STEPS} steps")
        self.phone.play_on()

    def note(self, text: str | tuple[int, c.Command]) -> None:
        self._log.append((self.now, text))

    @property
    def log(self) -> list[str]:
        """What has happened, a line each; a command is told only when somebody reads it."""
        told = ((at, what if isinstance(what, str) else f"[{what[0]}] {_brief(what[1])}") for at, what in self._log)
        return [f"{at:9.1f}  {what}" for at, what in told]

    # --- what the phone asks for ----------------------------------------------------------------------------------
    def frame(self, kind: str, generation: int, body: dict[str, Any]) -> None:
        """A frame leaves Twilio; the gateway stamps it and starts an invocation, some time."""
        stamp = self.clock()
        used = {at for _, at, what in self.sent if what == kind}
        if self.plan.ties and self.sent and self.now - self.sent[-1][0] < 6 and self.sent[-1][1] not in used:
            stamp = self.sent[-1][1]  # a tie within a burst; two utterances never share a millisecond
        self.sent.append((self.now, stamp, kind))
        number = len(self.sent)
        frame = Frame(
            CALL,
            ACCOUNT,
            "o",
            "v",
            generation,
            f"conn{generation}",
            f"m{self.random.randrange(10**6)}",
            stamp,
            "",
            json.dumps(body),
        )
        text = body.get("voicePrompt") or body.get("utteranceUntilInterrupt") or body.get("digit") or body.get("value")
        self.note(f"Twilio sends {kind} {text or ''!r}")
        twice = self.plan.duplicate and kind in ("prompt", "interrupt", "dtmf") and self.random.random() < 0.5
        wide = self.plan.shuffle_ms if kind != "info" else 60
        for copy_number in range(2 if twice else 1):
            delay = self.random.choice([0, 1, self.random.uniform(0, wide)])
            self.at(delay, lambda rid=f"r{number}.{copy_number}", sent=self.now: self._deliver(frame, rid, kind, sent))

    def _deliver(self, frame: Frame, rid: str, kind: str, sent: float) -> None:
        self.delivered.append((sent, self.now, kind))
        self._invoke(f"{kind} {rid}", self.random.choice(self.workers).frame(replace(frame, rid=rid)))

    def new_link(self, generation: int) -> None:
        self.table.item["link_gen"] = generation

    def hung_up(self) -> None:
        """Twilio's status callback says so, a little later."""
        self.ended_at = self.now

        def end() -> None:
            self.table.end("caller_hung_up")
            self._fence()

        self.at(self.random.uniform(5, 2000), end)

    # --- invocations ----------------------------------------------------------------------------------------------
    def _invoke(self, name: str, program: Any) -> None:
        run = Invocation(len(self.invocations), name, program)
        self.invocations.append(run)
        self.note(f"[{run.number}] begins: {name}")
        self._step(run, None)

    def _step(self, run: Invocation, answer: Any) -> None:
        """Let a program go on until its next request."""
        if run.dead:
            return
        try:
            step = run.program.send(answer)
        except (StopIteration, DependencyError) as exc:
            run.ended = True
            self.note(f"[{run.number}] ends {exc}")
            return
        if isinstance(step, Sleep):
            self.at(step.ms, lambda: self._step(run, None))
        elif isinstance(step, Turn):
            run.turn = step
            self._perform(run, step.start(self.clock()))
        elif isinstance(step, Beside):
            self._both(run, step)
        else:
            self._request(run, step, lambda outcome: self._step(run, outcome))

    def _both(self, run: Invocation, step: Beside) -> None:
        """Two requests at once; the program goes on when both have been answered."""
        done: dict[bool, Any] = {}

        def gather(outcome: Any, *, wanted: bool) -> None:
            done[wanted] = outcome
            if len(done) == 2:
                self._step(run, done[True])

        self._request(run, step.quiet, lambda outcome: gather(outcome, wanted=False))
        self._request(run, step.command, lambda outcome: gather(outcome, wanted=True))

    def _perform(self, run: Invocation, commands: list[c.Command]) -> None:
        turn = run.turn
        assert turn is not None
        for command in commands:
            if run.dead:
                return
            if isinstance(command, c.OpenModel):
                self._open_model(run, command)
            elif isinstance(command, c.CloseModel):
                self._close(run.streams[command.stream])
            else:
                self._request(run, command, lambda outcome: self._outcome(run, turn, outcome))
        if run.dead:
            return
        if turn.done:
            run.turn = None
            for stream in run.streams.values():
                self._close(stream)
            self.at(0, lambda: self._step(run, None))
            return
        wake = turn.wake_at()
        if wake is not None and wake <= self.clock():
            self.spins += 1
        if wake is not None:
            self.at(max(0.5, wake - EPOCH - self.offset - self.now), lambda: self._tick(run, turn))

    def _tick(self, run: Invocation, turn: Turn) -> None:
        wake = turn.wake_at()
        if run.dead or turn.done or run.turn is not turn or wake is None or wake > self.clock():
            return
        self._perform(run, turn.tick(self.clock()))

    def _outcome(self, run: Invocation, turn: Turn, outcome: Any) -> None:
        if outcome is not None and not run.dead and run.turn is turn:
            self._perform(run, turn.handle(outcome, self.clock()))

    def _request(self, run: Invocation, command: c.Command, answer: Callable[[Any], None]) -> None:
        """One port call: its effect some time, its answer some time later; a crash may come before either."""
        if run.dead:
            return
        self.steps += 1
        crash = self.plan.crash_at == self.steps
        frames = run.name.split(" ")[0] in ("prompt", "dtmf", "interrupt", "handed")
        if run.requests and ((crash and self.random.random() < 0.5) or (self.plan.deaf and frames)):
            self._kill(run, f"before {type(command).__name__}")
            return
        run.requests += 1
        if isinstance(command, c.Poll):
            run.polls.append(self.now)
        first = run.requests == 1
        effect, back = self._times(command)
        started = self.now

        def take_effect() -> None:
            if run.dead and not crash and not first and self.random.random() < 0.5:
                return  # it never left; the other half of the time it did, though its sender is dead
            outcome = self._effect(run, command, started)
            if crash:
                self._kill(run, f"after {type(command).__name__}")
                return
            self.at(back, lambda: None if run.dead else answer(outcome))

        self.at(effect, take_effect)

    def _times(self, command: c.Command) -> tuple[float, float]:
        rng = self.random
        if isinstance(command, c.RunTool):
            return 1.0, min(rng.uniform(*self.plan.tool_ms), float(command.timeout_ms))
        wide = self.plan.post_ms if isinstance(command, c.PostFrame) else 12
        return rng.choice([0.3, 1, rng.uniform(1, max(12, 0.4 * wide))]), rng.choice([0.3, 1, rng.uniform(1, wide)])

    def _kill(self, run: Invocation, where: str) -> None:
        if not run.dead:
            run.dead = True
            self.crashes += 1
            self.crashed_at = self.now
            self.note(f"[{run.number}] is killed {where}")

    # --- the ports ------------------------------------------------------------------------------------------------
    def table_is_down(self) -> bool:
        since, how_long = self.plan.table_down
        return since <= self.now < since + how_long

    def _effect(self, run: Invocation, command: c.Command, started: float) -> Any:
        if self.ended_at is None and (self.table.item.get("ended") or self.table.item.get("handoff")):
            self.ended_at = self.now
        self.note((run.number, command))
        match command:
            case c.PostFrame(connection_id, frame):
                return self._post(run, connection_id, json.loads(frame), started)
            case c.RunTool():
                return self._tool(command)
            case c.Arm(key, delay_s, event, link):
                return self._arm(key, delay_s, event, link)
            case c.Dispatch(key, part):
                return self._dispatch(key, part)
            case c.WarmUp():
                return None
        if self.table_is_down():
            self.note(f"[{run.number}] is refused by the table")
            return _refusal(command)
        return self._table(run, command)

    def _table(self, run: Invocation, command: c.Command) -> Any:
        match command:
            case c.Append(event=event):
                outcome = self.table.append(command)
                if event["type"] in FLOOR:
                    self._fence()
                return outcome
            case c.Journal(key=key, sets=sets):
                written = self.table.journal(command)
                intent = any(path.startswith("tools.") and "r" not in value for path, value in sets.items())
                if intent and isinstance(written, c.Journaled) and not self._has_floor(key):
                    self.faults.append(f"[{run.number}] an effect was allowed without the floor")
                return written
            case c.EndCall(reason):
                return self.table.end(reason)
            case c.Claim():
                return self.table.claim(command)
            case c.Compact(plan):
                return self.table.compact(plan)
            case c.Poll():
                return c.Polled(self.table.read())
            case c.Load():
                return c.Loaded(self.snapshot, copied(self.table.history))
        raise AssertionError(command)

    def _has_floor(self, key: str) -> bool:
        view = fold(self.table.item, GREETING)
        view.ended = ""  # the farewell's own mark
        return owns(view, key)

    def _fence(self) -> None:
        """A floor event has been stored, or the call has ended: whose reply has lost the floor by it?"""
        view = fold(self.table.item, GREETING)
        for run in self.invocations:
            if run.turn is None or run.dead or run.turn.view is None or run.superseded is not None:
                continue
            ours = view.ended in ("agent_ended", "handoff") and view.reply(run.turn.key) is not None
            if not ours and not owns(view, run.turn.key):
                run.superseded = self.now

    def _post(self, run: Invocation, connection_id: str, frame: dict[str, Any], started: float) -> Any:
        """A post reaches Twilio, or the gateway refuses it, or nobody knows."""
        reply = run.turn.key if run.turn is not None else f"[{run.number}]"
        post = Posted(started, None, run.number, reply, str(frame.get("token", "")))
        self.posts.append(post)
        if self.random.random() < self.plan.refused:
            return c.PostFailed("refused")
        unclear = self.random.random() < self.plan.ambiguous
        post.certain = not unclear
        if not (unclear and self.random.random() < 0.5):
            if not self.phone.land(reply, connection_id, frame):
                return c.PostFailed("gone")
            post.landed = self.now
        return c.PostFailed("ambiguous") if unclear else c.Posted()

    def _arm(self, key: str, delay_s: int, event: Any, link: Any) -> None:
        self.armed += 1
        rid = f"w{self.armed}"
        program = self.random.choice(self.workers).look(CALL, key, copied(event) if event else None, link, rid)
        late = self.random.choice([0, 100, 300])
        self.at(delay_s * 1000 + late, lambda: self._invoke(f"watchdog {rid}", program))

    def _dispatch(self, key: str, part: int) -> None:
        for copy_number in range(self.plan.dispatch_copies):
            rid = f"d{self.steps}.{copy_number}"
            program = self.random.choice(self.workers).handed_over(CALL, key, part, rid)
            late = self.random.uniform(5, self.plan.dispatch_late_ms)
            self.at(late, lambda rid=rid, program=program: self._invoke(f"handed over {rid}", program))

    def _tool(self, command: c.RunTool) -> c.ToolReturned:
        if command.name == "change":
            self.effects[command.idempotency_key] = self.effects.get(command.idempotency_key, 0) + 1
        return c.ToolReturned(command.tool_use_id, ok=True, result=json.dumps({"done": command.name}))

    # --- the model ------------------------------------------------------------------------------------------------
    def _open_model(self, run: Invocation, command: c.OpenModel) -> None:
        run.streams[command.stream] = Stream(self.now)
        last = self.phone.said and len(self.phone.said) >= self.plan.utterances
        for delay, event in self.model.answer(command, farewell=bool(last)):
            self.at(delay, lambda event=event: self._model_event(run, event))

    def _close(self, stream: Stream) -> None:
        if stream.closed is None:
            stream.closed = self.now

    def _model_event(self, run: Invocation, event: Any) -> None:
        stream = run.streams[event.stream]
        if run.dead or run.turn is None or stream.closed is not None:
            return
        if isinstance(event, c.ModelStopped | c.ModelFailed):
            self._close(stream)
        self._perform(run, run.turn.handle(event, self.clock()))


def _refusal(command: c.Command) -> Any:
    match command:
        case c.Append():
            return c.AppendFailed(missing=False)
        case c.Poll():
            return c.PollFailed()
        case c.Load():
            return c.LoadFailed()
    return c.JournalFailed(lost=False)


def _brief(command: c.Command) -> str:
    match command:
        case c.Append(key, event):
            return f"append {event['type']} {key}"
        case c.Journal(key, sets):
            return f"journal {key} {json.dumps(dict(sets))[:160]} guard={command.guard} ended={command.ended}"
        case c.PostFrame(connection, frame):
            return f"post {connection} {frame}"
    return type(command).__name__
