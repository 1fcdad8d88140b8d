"""The driver: commands out in threads, outcomes back through one queue, whatever breaks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ringfold.core import commands as c
from ringfold.core import events as ev
from ringfold.core import turn as core_turn
from ringfold.core.ids import Key
from ringfold.core.turn import Turn
from ringfold.core.turn_start import Start
from ringfold.errors import ConnectionGone, DependencyError, FloorLost, SessionMissing
from ringfold.log import Log
from ringfold.service import driver
from ringfold.service.driver import Beside, Driver, Requests, Sleep, execute
from tests.ports import CALL, FakeLinks, Rig

KEY = Key("g0001.1790000000000.3.m1")
EVENT = {"type": ev.PROMPT, "rid": "r1", "text": "canary"}
APPEND = c.Append(KEY, EVENT, {"rid": "r1", "at": 0, "p": {}, "tools": {}}, None, (1, "c1="))
PLAN = c.Plan("", KEY, 0, [], [KEY], [])


class Failing:
    """Any port; every method raises."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def fail(*_: Any, **__: Any) -> Any:
            raise self._error

        return fail


def asked(command: c.Command, error: Exception | None = None) -> tuple[Any, list[dict[str, Any]]]:
    """What comes of one command when its port fails like that, and the log."""
    rig = Rig()
    ports = rig.ports
    if error is not None:
        broken: Any = Failing(error)
        ports = replace(ports, sessions=broken, connections=broken, watchdog=broken, dispatch=broken)
    return Requests(ports, CALL, rig.log).ask(command), rig.lines


# --- one command ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("command", "error", "outcome"),
    [
        (APPEND, SessionMissing(), c.AppendFailed(missing=True)),
        (APPEND, DependencyError("dynamodb", "x"), c.AppendFailed(missing=False)),
        (c.Journal(KEY, {"beat": 1}), FloorLost(), c.JournalFailed(lost=True)),
        (c.Journal(KEY, {"beat": 1}), SessionMissing(), c.JournalFailed(lost=True)),
        (c.Journal(KEY, {"beat": 1}), DependencyError("dynamodb", "x"), c.JournalFailed(lost=False)),
        (c.Claim(KEY, 1, "r1"), FloorLost(), c.JournalFailed(lost=True)),
        (c.EndCall("x"), DependencyError("dynamodb", "x"), c.JournalFailed(lost=False)),
        (c.Compact(PLAN), FloorLost(), c.JournalFailed(lost=True)),
        (c.Poll(), SessionMissing(), c.PollFailed(missing=True)),
        (c.Poll(), DependencyError("dynamodb", "x"), c.PollFailed(missing=False)),
        (c.Load(), SessionMissing(), c.LoadFailed()),
        (c.Load(), DependencyError("dynamodb", "x"), c.LoadFailed()),
        (c.PostFrame("c1=", "{}"), ConnectionGone(), c.PostFailed("gone")),
        (c.PostFrame("c1=", "{}"), DependencyError("gateway", "429", processed=False), c.PostFailed("refused")),
        (c.PostFrame("c1=", "{}"), DependencyError("gateway", "timeout", processed=None), c.PostFailed("ambiguous")),
        (c.Arm(KEY, 4, EVENT, None), DependencyError("sqs", "x"), None),
        (c.Dispatch(KEY, 1), DependencyError("lambda", "x"), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_failure_becomes_the_outcome_it_is(command: c.Command, error: Exception, outcome: Any) -> None:
    """The turn is told; nothing is raised, and what was said is not in the log."""
    answer, lines = asked(command, error)

    assert outcome == answer
    assert "canary" not in str(lines)


def test_every_command_has_its_outcome() -> None:
    """When nothing fails: the item, the snapshot, the landing."""
    rig = Rig()
    requests = Requests(rig.ports, CALL, rig.log)

    outcomes = [
        requests.ask(command)
        for command in (
            APPEND, c.Poll(), c.Load(), c.Journal(KEY, {"beat": 1}), c.Claim(KEY, 1, "r"), c.PostFrame("c1=", "{}"),
            c.RunTool("u", "look", {}, 1000, "key", "org_1", "conv_1"), c.Compact(PLAN), c.EndCall("x"),
        )
    ]  # fmt: skip

    kinds = [
        c.Appended,
        c.Polled,
        c.Loaded,
        c.Journaled,
        c.Journaled,
        c.Posted,
        c.ToolReturned,
        c.Journaled,
        c.Journaled,
    ]
    assert kinds == [type(outcome) for outcome in outcomes]


def test_warming_up_opens_what_the_speaking_path_needs() -> None:
    """Beside everything else: nobody waits."""
    rig = Rig()

    assert Requests(rig.ports, CALL, rig.log).ask(c.WarmUp()) is None

    for _ in range(200):
        if rig.links.warmed and rig.model.warmed:
            break
        time.sleep(0.005)
    assert (1, 1) == (rig.links.warmed, rig.model.warmed)


# --- a whole turn -----------------------------------------------------------------------------------------------------
def a_turn(rig: Rig, **start: Any) -> Turn:
    """A turn whose words came this moment."""
    key = ev.frame_key(1, rig.clock(), ev.PROMPT, "m1")
    begin: dict[str, Any] = {"key": key, "rid": "r1", "event": EVENT, "link": (1, "c1="), "models": ("first", "second")}
    return Turn(Start(**{**begin, **start}), rig.ports.tools)


def drive(rig: Rig, turn: Turn, **ports: Any) -> float:
    """Run it; how long it took, in seconds."""
    since = time.monotonic()
    thread = threading.Thread(target=Driver(replace(rig.ports, **ports), CALL, rig.log).run, args=(turn,), daemon=True)
    thread.start()
    thread.join(12)
    assert not thread.is_alive()
    return time.monotonic() - since


def test_a_turn_is_driven_to_its_end() -> None:
    """Said, journalled, done."""
    rig = Rig()

    drive(rig, a_turn(rig))

    assert "Hello there. How can I help?" == rig.links.heard()
    assert ["done"] == [reply["st"] for reply in rig.item()["replies"].values()]


@pytest.mark.parametrize("port", ["sessions", "connections", "watchdog", "model", "tools"])
def test_a_port_that_breaks_in_a_way_nobody_foresaw_hangs_nothing(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The turn hears of it as a failure, the log of its kind and place, nobody of what it quoted."""
    monkeypatch.setattr(core_turn, "APPEND_BUDGET_MS", 500)
    monkeypatch.setattr(core_turn, "FLUSH_BUDGET_MS", 500)
    look = c.ModelCalled(0, "u1", "look", "{}")
    rig = Rig([look], ["Found it. "], scripted_ms=300, first_token_ms=100)

    class Broken(Failing):
        specs = staticmethod(rig.ports.tools.specs)
        kind = staticmethod(rig.ports.tools.kind)
        stream = staticmethod(rig.ports.model.stream)

    turn = a_turn(rig)
    took = drive(rig, turn, **{port: Broken(RuntimeError("canary"))})

    assert turn.done
    assert took < 4
    errors = [line for line in rig.lines if line["level"] == "ERROR" and line.get("error") == "RuntimeError"]
    assert errors
    assert "canary" not in str(rig.lines)
    assert errors[0]["where"].startswith("test_driver.py:")


def test_requests_nobody_waits_for_are_finished_before_the_worker_is_frozen() -> None:
    """Lambda stops the process the moment the handler returns."""
    rig = Rig()
    armed: list[float] = []

    class Slow:
        def arm(self, *_: Any) -> None:
            time.sleep(0.3)
            armed.append(time.monotonic())

    drive(rig, a_turn(rig), watchdog=Slow())

    assert armed


@pytest.mark.accept("E4")
def test_a_turn_that_loses_the_floor_lets_go_of_a_stalled_model() -> None:
    """The stream is closed, the invocation ends."""
    rig = Rig(["Hello there. ", 30.0, "never"])
    turn = a_turn(rig)
    newer = ev.frame_key(1, rig.clock() + 100, ev.PROMPT, "m2")

    def interfere() -> None:
        for _ in range(400):
            if rig.links.posts:
                break
            time.sleep(0.005)
        rig.sessions.append(CALL, c.Append(newer, {"type": ev.PROMPT, "rid": "r2", "text": "Wait"}))

    threading.Thread(target=interfere, daemon=True).start()
    took = drive(rig, turn)

    assert "superseded" == turn.report.ended_by
    assert took < 2
    assert all(stream.closed.is_set() for stream in rig.model.streams)


def test_the_model_is_asked_before_the_rest_of_the_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller waits for it, not for the watchdog's message."""
    monkeypatch.setattr(driver, "SENT_S", 2.0)
    rig = Rig()
    order: list[str] = []
    held = (rig.sessions.load(CALL), rig.sessions.snapshots[CALL], ())

    class Late:
        stream = staticmethod(rig.model.stream)

        def run(self, stream: Any, *request: Any) -> None:
            time.sleep(0.03)  # a thread that starts slowly is waited for all the same
            order.append("run")
            rig.model.run(stream, *request)

    class Noting:
        def arm(self, *_: Any) -> None:
            order.append("arm")

    drive(rig, a_turn(rig, cached=held), model=Late(), watchdog=Noting())

    assert ["run", "arm"] == order


# --- programs ---------------------------------------------------------------------------------------------------------
def test_a_program_is_sent_what_comes_of_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands, two at once, pauses and whole turns."""
    rig = Rig()
    pauses: list[float] = []
    monkeypatch.setattr("ringfold.service.driver.time.sleep", pauses.append)
    answers: list[Any] = []

    def program() -> Any:
        answers.append((yield Beside(c.Arm(KEY, 4, EVENT, None), APPEND)))
        answers.append((yield Sleep(1500)))
        answers.append((yield c.Poll()))
        answers.append((yield a_turn(rig)))

    execute(program(), rig.ports, CALL, rig.log)

    assert [c.Appended, type(None), c.Polled, type(None)] == [type(answer) for answer in answers]
    assert [1.5] == pauses
    assert 2 == len(rig.watchdog.armed)


def test_two_at_once_are_both_finished() -> None:
    """The quiet one is on the wire before the program goes on."""
    rig = Rig()

    def program() -> Any:
        yield Beside(c.Arm(KEY, 4, EVENT, None), APPEND)
        assert 1 == len(rig.watchdog.armed)

    execute(program(), rig.ports, CALL, rig.log)


def test_a_quiet_request_that_fails_stops_nothing() -> None:
    """Its failure is told in the log."""
    rig = Rig()
    failing: Any = Failing(DependencyError("sqs", "x"))
    answers: list[Any] = []

    def program() -> Any:
        answers.append((yield Beside(c.Arm(KEY, 4, EVENT, None), APPEND)))

    execute(program(), replace(rig.ports, watchdog=failing), CALL, rig.log)

    assert isinstance(answers[0], c.Appended)
    assert 1 == len(rig.told("arm failed"))


def test_nothing_is_posted_by_a_program_that_posts_nothing() -> None:
    """The driver adds no frame of its own."""
    rig = Rig()
    links = FakeLinks()

    execute(iter_nothing(), replace(rig.ports, connections=links), CALL, Log("INFO", rig.raw_lines.append))

    assert [] == links.posts


def iter_nothing() -> Any:
    """A program without steps."""
    yield from ()
