"""A whole call under a seeded scheduler: the real relay service over in-memory ports, in virtual time.

Every port call is a step: it takes effect at one random moment and its answer comes back at a later one, unless its
invocation has been killed in between. A kill comes no earlier than an invocation's first request: before it nothing
in the world knows of the frame (docs/adr, "What a crash may cost"). Twilio, the caller, the gateway, the table, the queue and the model are small
models here; what runs over them is ``ringfold.service.relay`` and ``ringfold.core`` as they are deployed.
"""

from __future__ import annotations

import copy
import heapq
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ringfold.core import commands as c
from ringfold.core.agent import Agent
from ringfold.core.events import FLOOR
from ringfold.core.ids import AgentId, OrganizationId
from ringfold.core.session import Snapshot, new_item
from ringfold.core.turn import Turn
from ringfold.log import Log
from ringfold.service.driver import Beside, Sleep
from ringfold.service.relay import Frame, Relay

CALL, ACCOUNT = "CA" + "0" * 32, "AC" + "0" * 32
GREETING = "Hello, this is Owl."
EPOCH = 1_790_000_000_000
RATE = 15 / 1000  # characters a millisecond
AGENT = Agent(AgentId("a"), OrganizationId("o"), "Owl", "You are Owl.", tools=("look", "change", "end_call"))


@dataclass
class Plan:
    """What makes one run differ from another; drawn from the seed, or set by a test."""

    utterances: int = 2
    ties: bool = False
    shuffle_ms: int = 40
    duplicate: bool = False
    crash_at: int | None = None
    barge_in: float = 0.5
    silent_barge_in: bool = False
    model_first_ms: tuple[int, int] = (20, 900)
    model_token_ms: tuple[int, int] = (5, 120)
    reply_words: tuple[int, int] = (3, 25)
    tools: float = 0.3
    farewell: float = 0.0
    drop_link: bool = False
    tokens_played: bool = True
    model_fault: str = ""
    table_down_ms: int = 0
    fixed_pauses: tuple[int, ...] = ()


@dataclass(order=True)
class _Due:
    at: float
    order: int
    run: Callable[[], None] = field(compare=False)


@dataclass
class Invocation:
    """One running invocation: its program, or the turn it is driving."""

    number: int
    name: str
    program: Any
    turn: Turn | None = None
    dead: bool = False
    waiting: set[int] = field(default_factory=set)
    requests: int = 0
    streams: dict[int, bool] = field(default_factory=dict)


@dataclass
class Chunk:
    """A frame of speech at Twilio: who said it, and how much has been spoken."""

    reply: str
    text: str
    landed: float
    loud: bool


class ToolBox:
    """The agent's tools: one that reads, one with an effect, and the built-in end."""

    def specs(self, agent: Agent) -> list[dict[str, Any]]:
        return [{"toolSpec": {"name": n, "description": n, "inputSchema": {"json": {}}}} for n in agent.tools]

    def kind(self, agent: Agent, name: str) -> str:
        return {"look": "read", "change": "effect", "end_call": "end_call"}.get(name, "")


class World:
    """One call, one seed."""

    def __init__(self, seed: int, plan: Plan | None = None) -> None:
        self.seed, self.random = seed, random.Random(seed)  # noqa: S311 - a reproducible test, no secret
        self.plan = plan or draw(self.random)
        self.now = 0.0
        self._queue: list[_Due] = []
        self._order = 0
        self.log: list[str] = []
        self.item: dict[str, Any] = new_item(
            call_sid=CALL, account_sid=ACCOUNT, organization_id="o", conversation_id="v", created_ms=EPOCH
        )
        self.item["link_gen"] = 1
        self.history: list[dict[str, Any]] = []
        self.snapshot = Snapshot(AGENT, "+15550100", "+15550101", GREETING)
        self.box = ToolBox()
        self.lines: list[dict[str, Any]] = []
        log = Log("DEBUG", lambda line: self.lines.append(json.loads(line)))
        # Two workers, as at Lambda: an invocation finds one of them, with whatever it holds of the call.
        self.workers = [Relay(self.box, log, self.clock, ("first", "second")) for _ in range(2)]
        self.invocations: list[Invocation] = []
        self.steps = 0
        self.crashes = 0
        self.crashed_at: float | None = None
        self.generation = 1
        self.ended = False
        # Twilio
        self.playing: list[Chunk] = [Chunk("greeting", GREETING, 0.0, loud=True)]
        self.spoken_since = 0.0
        self.heard: list[tuple[str, str]] = []
        self.said_by_caller: list[str] = []
        self.posted: list[tuple[float, str, str, int]] = []
        self.fences: list[tuple[float, int, str]] = []
        self.delivered_at: list[float] = []
        self.effects: dict[str, int] = {}
        self.legal_errors: list[str] = []
        self.spins = 0
        self.armed = 0
        self.words_at: list[float] = []
        self.last_said_at = 0.0
        self.pending_frames = 0

    # --- time -----------------------------------------------------------------------------------------------------
    def clock(self) -> int:
        return EPOCH + int(self.now)

    def at(self, delay: float, run: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._queue, _Due(self.now + max(0.0, delay), self._order, run))

    def run(self, until: float = 120_000) -> None:
        self.at(0, self._set_up)
        steps = 0
        while self._queue and steps < 60_000:
            due = heapq.heappop(self._queue)
            if due.at > until:
                break
            self.now = max(self.now, due.at)
            due.run()
            steps += 1
        self._play_on()

    def note(self, text: str) -> None:
        self.log.append(f"{self.now:9.1f}  {text}")

    # --- Twilio ---------------------------------------------------------------------------------------------------
    def _set_up(self) -> None:
        setup = {"type": "setup", "sessionId": f"VX{self.generation}", "callSid": CALL, "accountSid": ACCOUNT}
        setup |= {"from": "+15550100", "to": "+15550101", "direction": "inbound", "callStatus": "RINGING"}
        self._emit("setup", setup)
        self._schedule_caller(0)

    def _schedule_caller(self, index: int) -> None:
        if index < self.plan.utterances:
            pause = self.plan.fixed_pauses[index] if self.plan.fixed_pauses else self.random.choice(
                [5, 60, 400, 1500, 3000, 6000]
            )
            self.at(pause, lambda: self._caller(index))
        elif self.plan.drop_link:
            self.at(self.random.choice([50, 300, 1200]), self._drop)

    def _caller(self, index: int) -> None:
        """The caller speaks: over the agent, if it is speaking, and then Twilio purges and says so."""
        self._play_on()
        speaking = self._audible()
        if speaking is not None and self.random.random() < self.plan.barge_in:
            heard = self._purge()
            self._emit("interrupt", {
                "type": "interrupt", "utteranceUntilInterrupt": heard, "durationUntilInterruptMs": 100,
            })
            if self.plan.silent_barge_in and index + 1 == self.plan.utterances:
                return
            gap = self.random.choice([0, 0, 0, 5, 30])
            self.at(gap, lambda: self._say(index))
        else:
            self._say(index)

    def _say(self, index: int) -> None:
        if self.ended:
            return
        text = f"utterance number {'one two three four five six seven eight'.split()[index]}"
        self.said_by_caller.append(text)
        self.last_said_at = self.now
        self._schedule_caller(index + 1)
        self._emit("prompt", {"type": "prompt", "voicePrompt": text, "lang": "en-US", "last": True})

    def _drop(self) -> None:
        """The link drops; Twilio comes back on a new one, and may replay what was not acknowledged."""
        if self.ended:
            return
        self._play_on()
        self.note("link drops")
        self.generation += 1
        self.item["link_gen"] = self.generation
        last = self.said_by_caller[-1] if self.said_by_caller else None
        self.at(self.random.choice([30, 200, 900]), lambda: self._reconnect(last))

    def _reconnect(self, last: str | None) -> None:
        setup = {"type": "setup", "sessionId": f"VX{self.generation}", "callSid": CALL, "accountSid": ACCOUNT}
        setup |= {"from": "+15550100", "to": "+15550101", "direction": "inbound", "callStatus": "IN_PROGRESS"}
        self._emit("setup", setup)
        if last is not None and self.random.random() < 0.5:
            self.at(2, lambda: self._emit(
                "prompt", {"type": "prompt", "voicePrompt": last, "lang": "en-US", "last": True}
            ))

    def _emit(self, kind: str, body: dict[str, Any]) -> None:
        """A frame leaves Twilio; the gateway stamps it and starts an invocation, some time."""
        if self.ended and kind != "info":
            return
        stamp = self.clock()
        used = {at for _, at, what in self.fences if what == kind}
        if self.plan.ties and self.fences and self.now - self.fences[-1][0] < 6 and self.fences[-1][1] not in used:
            stamp = self.fences[-1][1]  # a tie within a burst; two utterances never share a millisecond
        self.fences.append((self.now, stamp, kind))
        number = len(self.fences)
        frame = Frame(
            CALL, ACCOUNT, "o", "v", self.generation, f"conn{self.generation}", f"m{self.random.randrange(10**6)}",
            stamp, "", json.dumps(body),
        )
        self.note(f"Twilio sends {kind} {body.get('voicePrompt') or body.get('utteranceUntilInterrupt') or ''!r}")
        copies = 2 if self.plan.duplicate and kind in ("prompt", "interrupt") and self.random.random() < 0.5 else 1
        for copy_number in range(copies):
            wide = self.plan.shuffle_ms if kind != "info" else 60
            delay = self.random.choice([0, 1, self.random.uniform(0, wide)])
            self.pending_frames += 1
            rid = f"r{number}.{copy_number}"
            self.at(delay, lambda f=frame, r=rid, k=kind: self._deliver(f, r, k))

    def _deliver(self, frame: Frame, rid: str, kind: str) -> None:
        from dataclasses import replace

        self.pending_frames -= 1
        worker = self.random.choice(self.workers)
        self._invoke(f"{kind} {rid}", worker.frame(replace(frame, rid=rid)))

    def _audible(self) -> Chunk | None:
        return self.playing[0] if self.playing else None

    def _play_on(self) -> None:
        """Speak what is queued up to now; report whole chunks as played when they begin."""
        while self.playing:
            first = self.playing[0]
            begin = max(self.spoken_since, first.landed)
            end = begin + len(first.text) / RATE
            if end > self.now:
                break
            self.playing.pop(0)
            self.spoken_since = end
            self._hear(first.reply, first.text)

    def _hear(self, reply: str, text: str) -> None:
        if not text:
            return
        self.heard.append((reply, text))
        if self.plan.tokens_played and reply != "greeting":
            self._emit("info", {"type": "info", "name": "tokensPlayed", "value": text})

    def _purge(self) -> str:
        """Barge-in: what is queued is gone; what was heard of the one playing is told, in whole words."""
        first = self.playing[0]
        begin = max(self.spoken_since, first.landed)
        count = int(max(0.0, self.now - begin) * RATE)
        cut = first.text.rfind(" ", 0, count + 1) + 1 if count < len(first.text) else len(first.text)
        partial = first.text[:cut]
        cycle = ""
        for reply, text in reversed(self.heard):
            if reply != first.reply:
                break
            cycle = text + cycle
        self.playing.clear()
        self.spoken_since = self.now
        if partial.strip():
            self.heard.append((first.reply, partial))
        self.note(f"caller barges in after {partial!r}")
        return (cycle + partial).strip()

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
        except StopIteration:
            self.note(f"[{run.number}] ends")
            return
        if isinstance(step, Sleep):
            self.at(step.ms, lambda: self._step(run, None))
        elif isinstance(step, Turn):
            run.turn = step
            self._perform(run, step.start(self.clock()))
        elif isinstance(step, Beside):
            both: list[Any] = []

            def gather(outcome: Any, *, wanted: bool) -> None:
                both.append((wanted, outcome))
                if len(both) == 2:
                    self._step(run, next(value for wanted, value in both if wanted))

            self._request(run, step.quiet, lambda outcome: gather(outcome, wanted=False))
            self._request(run, step.command, lambda outcome: gather(outcome, wanted=True))
        else:
            self._request(run, step, lambda outcome: self._step(run, outcome))

    def _perform(self, run: Invocation, commands: list[c.Command]) -> None:
        turn = run.turn
        assert turn is not None
        for command in commands:
            if run.dead:
                return
            if isinstance(command, c.OpenModel):
                self._open_model(run, command)
            elif isinstance(command, c.CloseModel):
                run.streams[command.stream] = False
            else:
                self._request(run, command, lambda outcome: self._outcome(run, turn, outcome))
        if run.dead:
            return
        if turn.done and run.turn is turn:
            run.turn = None
            for stream in run.streams:
                run.streams[stream] = False
            self.at(0, lambda: self._step(run, None))
            return
        wake = turn.wake_at()
        if wake is not None and wake <= self.clock():
            self.spins += 1
        if wake is not None and not turn.done:
            at = max(self.now + 0.5, wake - EPOCH)
            self.at(at - self.now, lambda: self._tick(run, turn))

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
        if crash and run.requests and self.random.random() < 0.5:
            self._kill(run, f"before {type(command).__name__}")
            return
        run.requests += 1
        first = run.requests == 1
        effect = self.random.choice([0.3, 1, self.random.uniform(1, 12)])
        back = self.random.choice([0.3, 1, self.random.uniform(1, 12)])
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

    def _kill(self, run: Invocation, where: str) -> None:
        if not run.dead:
            run.dead = True
            self.crashes += 1
            self.crashed_at = self.now
            self.note(f"[{run.number}] is killed {where}")

    # --- the ports ------------------------------------------------------------------------------------------------
    def _effect(self, run: Invocation, command: c.Command, started: float) -> Any:
        self.note(f"[{run.number}] {_brief(command)}")
        match command:
            case c.Append() | c.Journal() | c.EndCall() | c.Claim() | c.Compact() if self._table_down():
                return c.AppendFailed(missing=False) if isinstance(command, c.Append) else c.JournalFailed(lost=False)
            case c.Append():
                return self._append(command)
            case c.Journal():
                return self._journal(run, command)
            case c.EndCall(reason):
                self.item.setdefault("ended", reason)
                return c.Journaled(self._copy())
            case c.Claim(key, part, rid):
                claims = self.item["replies"][key]
                if f"claim{part}" in claims:
                    return c.JournalFailed(lost=True)
                claims[f"claim{part}"] = rid
                return c.Journaled(self._copy())
            case c.Compact(plan):
                return self._compact(plan)
            case c.Poll():
                return c.Polled(self._copy())
            case c.Load():
                return c.Loaded(self.snapshot, list(self.history))
            case c.PostFrame(connection_id, frame):
                return self._land(run, connection_id, json.loads(frame), started)
            case c.Arm(key, delay_s, event, link):
                self._arm(key, delay_s, event, link)
            case c.RunTool():
                return self._tool(run, command)
            case c.Dispatch(key, part):
                rid = f"d{self.steps}"
                program = self.random.choice(self.workers).handed_over(CALL, key, part, rid)
                self.at(self.random.uniform(5, 60), lambda: self._invoke(f"handed over {rid}", program))
        return None

    def _table_down(self) -> bool:
        return bool(self.plan.table_down_ms) and 1000 < self.now < 1000 + self.plan.table_down_ms

    def _copy(self) -> dict[str, Any]:
        return copy.deepcopy(self.item)

    def _append(self, command: c.Append) -> Any:
        item = self.item
        item["events"].setdefault(command.key, dict(command.event))
        if command.reply is not None:
            item["replies"].setdefault(command.key, copy.deepcopy(dict(command.reply)))
        if command.closes is not None and command.closes in item["replies"]:
            item["replies"][command.closes]["st"] = "stopped"
        if command.link is not None:
            item["links"].setdefault(f"g{command.link[0]}", command.link[1])
        if command.event["type"] in FLOOR:
            item.setdefault("floor_keys", set()).add(command.key)
        return c.Appended(self._copy())

    def _journal(self, run: Invocation, command: c.Journal) -> Any:
        item = self.item
        if command.guard is not None and (len(item.get("floor_keys", ())) != command.guard or item.get("ended")):
            return c.JournalFailed(lost=True)
        reply = item["replies"][command.key]
        for path, value in command.sets.items():
            group, _, leaf = path.partition(".")
            if leaf:
                reply.setdefault(group, {})[leaf] = value
            else:
                reply[group] = value
        if command.ended:
            item.setdefault("ended", command.ended)
        if command.end_sent:
            item["end_sent"] = True
        return c.Journaled(self._copy())

    def _compact(self, plan: c.Plan) -> Any:
        if self.item["mark"] != plan.old_mark:
            return c.JournalFailed(lost=True)
        self.history.append({"mark": plan.new_mark, "entries": copy.deepcopy(list(plan.entries))})
        for key in plan.events:
            self.item["events"].pop(key, None)
            self.item.get("floor_keys", set()).discard(key)
        for key in plan.replies:
            self.item["replies"].pop(key, None)
        self.item |= {"mark": plan.new_mark, "folded": plan.number + 1}
        return c.Journaled({})

    def _land(self, run: Invocation, connection_id: str, frame: dict[str, Any], started: float) -> Any:
        """A post reaches Twilio."""
        if connection_id != f"conn{self.generation}":
            return c.PostFailed("gone")
        self._play_on()
        reply = run.turn.key if run.turn is not None else f"[{run.number}]"
        if frame["type"] == "end":
            self.ended = True
            return c.Posted()
        if frame["type"] == "text" and frame["token"]:
            self.posted.append((started, reply, frame["token"], run.number))
            self.delivered_at.append(self.now)
            self.words_at.append(self.now)
            if not self.playing:
                self.spoken_since = self.now
            self.playing.append(Chunk(reply, frame["token"], self.now, loud=frame.get("interruptible") is not False))
            self._watch_playing()
        return c.Posted()

    def _watch_playing(self) -> None:
        last = self.playing[-1]
        left = sum(len(chunk.text) for chunk in self.playing) / RATE - (self.now - self.spoken_since)
        self.at(max(1.0, left) + 1, self._play_on)
        del last

    def _arm(self, key: str, delay_s: int, event: Any, link: Any) -> None:
        self.armed += 1
        rid = f"w{self.armed}"
        worker = self.random.choice(self.workers)
        late = self.random.choice([0, 100, 300])
        event = json.loads(json.dumps(event))
        program = worker.look(CALL, key, event, link, rid)
        self.at(delay_s * 1000 + late, lambda: self._invoke(f"watchdog {rid}", program))

    def _tool(self, run: Invocation, command: c.RunTool) -> Any:
        if command.name == "change":
            self.effects[command.idempotency_key] = self.effects.get(command.idempotency_key, 0) + 1
        return c.ToolReturned(command.tool_use_id, True, json.dumps({"done": command.name}))

    # --- the model ------------------------------------------------------------------------------------------------
    def _open_model(self, run: Invocation, command: c.OpenModel) -> None:
        run.streams[command.stream] = True
        check_legal(command.request["messages"], self.legal_errors)
        fault = self.plan.model_fault
        if fault == "dead" or (fault == "first_dead" and command.model_id == "first"):
            self.at(20, lambda: self._model_event(run, c.ModelFailed(command.stream, "Throttling")))
            return
        if fault == "stall" or (fault == "first_stall" and command.model_id == "first"):
            return
        first = self.random.uniform(*self.plan.model_first_ms)
        last = command.request["messages"][-1]["content"]
        asked_tool = any("toolResult" in block for block in last)
        events: list[Any] = []
        number = self.random.randrange(1000)
        if not asked_tool and self.random.random() < self.plan.tools:
            name = self.random.choice(["look", "change", "look", "missing"])
            if len(self.said_by_caller) == self.plan.utterances and self.random.random() < self.plan.farewell:
                name = "end_call"
            if self.random.random() < 0.5:
                events.append(c.ModelSaid(command.stream, f"Checking {number}."))
            arguments = json.dumps({"farewell": f"w{number}goodbye0"} if name == "end_call" else {"a": 1})
            events.append(c.ModelCalled(command.stream, f"t{self.steps}x{command.stream}", name, arguments))
            events.append(c.ModelStopped(command.stream, "tool_use"))
        elif fault == "empty" and command.model_id == "first":
            events.append(c.ModelStopped(command.stream, "end_turn"))
        else:
            words = self.random.randint(*self.plan.reply_words)
            vocabulary = "owl seat flight gate the window delayed and leaves today".split()
            text = [f"w{number}{self.random.choice(vocabulary)}{i}" for i in range(words)]
            for i, word in enumerate(text):
                end = "." if i % 7 == 6 or i + 1 == words else ""
                events.append(c.ModelSaid(command.stream, (" " if i else "") + word + end))
            if fault == "die":
                events = events[: max(1, len(events) // 2)]
                events.append(c.ModelFailed(command.stream, "StreamEnded"))
            else:
                events.append(c.ModelStopped(command.stream, "end_turn"))
        delay = first
        for event in events:
            self.at(delay, lambda e=event: self._model_event(run, e))
            delay += self.random.uniform(*self.plan.model_token_ms)

    def _model_event(self, run: Invocation, event: Any) -> None:
        if run.dead or run.turn is None or not run.streams.get(event.stream):
            return
        self._perform(run, run.turn.handle(event, self.clock()))


def _brief(command: c.Command) -> str:
    match command:
        case c.Append(key, event):
            return f"append {event['type']} {key}"
        case c.Journal(key, sets):
            return f"journal {key} {json.dumps(dict(sets), default=str)[:160]} guard={command.guard} ended={command.ended}"
        case c.PostFrame(connection, frame):
            return f"post {connection} {frame}"
    return type(command).__name__


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
        for block in message["content"]:
            if "text" in block and not block["text"].strip():
                errors.append("blank text")
        if not message["content"]:
            errors.append("empty message")
    if open_calls:
        errors.append("a tool call without a result")


def draw(rng: random.Random) -> Plan:
    """A plan of everything that may happen, from a seed."""
    plan = Plan(
        utterances=rng.choice([1, 2, 2, 3]),
        ties=rng.random() < 0.3,
        shuffle_ms=rng.choice([10, 40, 40, 400, 3000]),
        duplicate=rng.random() < 0.3,
        barge_in=rng.choice([0.0, 0.7, 1.0]),
        silent_barge_in=rng.random() < 0.15,
        model_first_ms=rng.choice([(5, 60), (50, 400), (400, 900)]),
        model_token_ms=rng.choice([(0, 5), (5, 60), (60, 300)]),
        tools=rng.choice([0.0, 0.3, 0.8]),
        farewell=rng.choice([0.0, 0.0, 0.6]),
        drop_link=rng.random() < 0.12,
        model_fault=rng.choice(["", "", "", "", "first_dead", "first_stall", "empty", "die"]),
    )
    if rng.random() < 0.5:
        plan.crash_at = rng.randint(1, 60)
    return plan
