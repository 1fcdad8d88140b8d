"""Runs a turn against the real ports: commands go out in threads, outcomes come back through one queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event
from typing import Any, Final

from ringfold.core import commands as c
from ringfold.core.session import SESSION_TTL_S
from ringfold.core.turn import Turn
from ringfold.errors import ConnectionGone, DependencyError, FloorLost, SessionMissing
from ringfold.log import Log, about
from ringfold.ports import RelayPorts

SENT_S: Final = 0.004
"""How long the other requests of a burst wait for the model's to be on the wire."""


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait."""

    ms: int


@dataclass(frozen=True, slots=True)
class Beside:
    """Perform a command nobody waits for beside one whose outcome is wanted; both are on the wire at once."""

    quiet: c.Command
    command: c.Command


Program = Generator[c.Command | Beside | Sleep | Turn, c.Outcome | None, Any]
"""What an invocation does, a step at a time: it yields a command and is sent its outcome, a pause, or a whole turn.
The real driver performs the steps; the seeded scheduler of the tests interleaves those of many invocations."""


class Driver:
    """One turn's hands. Its loop is the only thread that touches the turn."""

    def __init__(self, ports: RelayPorts, call_sid: str, log: Log) -> None:
        self._ports, self._log = ports, log
        self._requests = Requests(ports, call_sid, log)
        self._inbox: SimpleQueue[c.Outcome | None] = SimpleQueue()
        self._streams: dict[int, Any] = {}
        self._busy = 0

    def run(self, turn: Turn) -> None:
        """Drive the turn until it is done; requests that nobody waits for are still awaited, so none is frozen."""
        now = self._ports.clock
        self._perform(turn.start(now()))
        while not turn.done:
            outcome = self._next(turn)
            self._perform(turn.tick(now()) if outcome is None else turn.handle(outcome, now()))
        for stream in self._streams.values():
            stream.close()
        while self._busy:
            if self._inbox.get() is None:
                self._busy -= 1

    def _next(self, turn: Turn) -> c.Outcome | None:
        """The next outcome, or ``None`` when it is time to tick."""
        while True:
            wake = turn.wake_at()
            timeout = None if wake is None else max(0.0, (wake - self._ports.clock()) / 1000)
            try:
                outcome = (
                    self._inbox.get(timeout=timeout) if timeout is None or timeout > 0 else self._inbox.get_nowait()
                )
            except Empty:
                return None
            if outcome is not None:
                return outcome
            self._busy -= 1

    def _perform(self, commands: list[c.Command]) -> None:
        asked = None
        for command in commands:
            if asked is not None:
                # The caller waits for the model: its request leaves before the others' threads compete with it.
                asked.sent.wait(SENT_S)
                asked = None
            match command:
                case c.CloseModel(stream):
                    opened = self._streams.pop(stream, None)
                    if opened is not None:
                        opened.close()
                case c.OpenModel(stream, model_id, request):
                    opened = self._ports.model.stream(stream)
                    self._streams[stream] = asked = opened
                    run = partial(self._ports.model.run, opened, model_id, request, self._inbox.put)
                    self._start(run, c.ModelFailed(stream, "Unexpected"))
                case _:
                    self._start(partial(self._answer, command), _failure_of(command))

    def _start(self, job: Callable[[], None], failure: c.Outcome | None) -> None:
        self._busy += 1

        def work() -> None:
            try:
                job()
            except Exception as exc:  # noqa: BLE001 - a thread's last resort: the turn must hear of it
                self._log.error("a request of the turn failed unexpectedly", **about(exc))
                if failure is not None:
                    self._inbox.put(failure)
            finally:
                self._inbox.put(None)

        self._ports.threads.run(work)

    def _answer(self, command: c.Command) -> None:
        outcome = self._requests.ask(command)
        if outcome is not None:
            self._inbox.put(outcome)


def _failure_of(command: c.Command) -> c.Outcome | None:
    """What the turn is told when a request broke in a way nobody foresaw."""
    match command:
        case c.Append():
            return c.AppendFailed(missing=False)
        case c.Load():
            return c.LoadFailed()
        case c.Poll():
            return c.PollFailed()
        case c.Journal():
            return c.JournalFailed(lost=False)
        case c.PostFrame():
            return c.PostFailed("ambiguous")
        case c.RunTool(tool_use_id):
            return c.ToolReturned(tool_use_id, ok=False, result='{"error": "the tool failed"}')
    return None


class Requests:
    """Performs one command of one call and says what came of it; never raises what a dependency may do."""

    def __init__(self, ports: RelayPorts, call_sid: str, log: Log) -> None:
        self._ports, self._call_sid, self._log = ports, call_sid, log

    def ask(self, command: c.Command) -> c.Outcome | None:
        """Perform a command; ``None`` for those nobody waits for."""
        match command:
            case c.Append():
                return self._append(command)
            case c.Journal():
                return self._written(lambda: self._ports.sessions.journal(self._call_sid, command), "journal")
            case c.Claim(key, part, rid):
                return self._written(lambda: self._ports.sessions.claim(self._call_sid, key, part, rid), "claim")
            case c.EndCall(reason):
                return self._written(lambda: self._ports.sessions.end(self._call_sid, reason), "end call")
            case c.Compact(plan):
                expires_at = self._ports.clock() // 1000 + SESSION_TTL_S
                return self._written(lambda: self._ports.sessions.compact(self._call_sid, plan, expires_at), "compact")
            case c.Poll():
                return self._poll()
            case c.Load():
                return self._load()
            case c.PostFrame(connection_id, frame):
                return self._post(connection_id, frame)
            case c.RunTool():
                return self._ports.tools.run(self._call_sid, command)
        self._send(command)
        return None

    def _send(self, command: c.Command) -> None:
        match command:
            case c.Arm(key, delay_s, event, link):
                self._quietly(lambda: self._ports.watchdog.arm(self._call_sid, key, delay_s, event, link), "arm")
            case c.Dispatch(key, part):
                self._quietly(lambda: self._ports.dispatch.turn(self._call_sid, key, part), "dispatch")
            case c.WarmUp():
                self._ports.threads.run(self._warm_up)
            case _:
                raise AssertionError(command)

    def _warm_up(self) -> None:
        self._quietly(self._ports.connections.warm, "warm-up of the gateway")
        self._quietly(self._ports.model.warm, "warm-up of the model")

    def _quietly(self, call: Callable[[], None], what: str) -> None:
        try:
            call()
        except DependencyError as exc:
            self._log.error(f"{what} failed", error=str(exc))
        except Exception as exc:  # noqa: BLE001 - nobody waits for it, so nobody else would hear of it
            self._log.error(f"{what} failed unexpectedly", **about(exc))

    def _append(self, command: c.Append) -> c.Outcome:
        try:
            return c.Appended(self._ports.sessions.append(self._call_sid, command))
        except SessionMissing:
            return c.AppendFailed(missing=True)
        except DependencyError as exc:
            self._log.warning("append failed", error=str(exc))
            return c.AppendFailed(missing=False)

    def _written(self, write: Callable[[], c.Item], what: str) -> c.Outcome:
        try:
            return c.Journaled(write())
        except (FloorLost, SessionMissing):
            return c.JournalFailed(lost=True)
        except DependencyError as exc:
            self._log.warning(f"{what} failed", error=str(exc))
            return c.JournalFailed(lost=False)

    def _poll(self) -> c.Outcome:
        try:
            return c.Polled(self._ports.sessions.load(self._call_sid))
        except SessionMissing:
            return c.PollFailed(missing=True)
        except DependencyError as exc:
            self._log.warning("poll failed", error=str(exc))
            return c.PollFailed()

    def _load(self) -> c.Outcome:
        try:
            snapshot, segments = self._ports.sessions.load_fixed(self._call_sid)
        except (DependencyError, SessionMissing) as exc:
            self._log.warning("load failed", error=str(exc))
            return c.LoadFailed()
        return c.Loaded(snapshot, segments)

    def _post(self, connection_id: str, frame: str) -> c.Outcome:
        try:
            self._ports.connections.post(connection_id, frame)
        except ConnectionGone:
            return c.PostFailed("gone")
        except DependencyError as exc:
            self._log.warning("post failed", error=str(exc))
            return c.PostFailed("refused" if exc.processed is False else "ambiguous")
        return c.Posted()


def execute(program: Program, ports: RelayPorts, call_sid: str, log: Log) -> None:
    """Run a program of the relay against the real ports."""
    requests = Requests(ports, call_sid, log)
    answer: c.Outcome | None = None
    while True:
        try:
            step = program.send(answer)
        except StopIteration:
            return
        answer = None
        match step:
            case Sleep(ms):
                time.sleep(ms / 1000)
            case Turn():
                Driver(ports, call_sid, log).run(step)
            case Beside(quiet, command):
                sent = Event()
                ports.threads.run(partial(_then_set, requests, quiet, sent))
                answer = requests.ask(command)
                sent.wait()
            case _:
                answer = requests.ask(step)


def _then_set(requests: Requests, command: c.Command, sent: Event) -> None:
    try:
        requests.ask(command)
    finally:
        sent.set()
