"""Turns in the running system, across its processes: budgets counted, barge-in, crashes, and services that fail.

The model and the table engine stand behind endpoints of the tests' own, so requests are counted and faults are real.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bench.model import BenchModel
from bench.peer import Line, Peer, running_line
from ringfold.core.pacing import count_clauses
from tests.aws import aws_endpoint  # noqa: F401 - a fixture
from tests.e2e.proxy import Proxy
from tests.e2e.system import System, running_system

LATE_MS = 250
"""Nothing of a superseded reply may start later than this behind what superseded it."""
SLACK_MS = 60
"""What the gateway, the socket and a loaded machine may add before a post is seen here."""


@dataclass
class Stage:
    """The system between a model and a table engine of ours."""

    system: System
    line: Line
    model: BenchModel
    table: Proxy


@pytest.fixture(scope="module")
def stage(aws_endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:  # noqa: F811
    """One system for all tests of this file."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    model, table = BenchModel(), Proxy(aws_endpoint)
    for service in (model, table):
        asyncio.run_coroutine_threadsafe(service.start(), loop).result(5)
    environment = {
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"http://127.0.0.1:{model.port}",
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{table.port}",
    }
    with running_system(tmp_path_factory.mktemp("turns"), **environment) as system:
        yield Stage(system, running_line(system.home / "run.json"), model, table)
    for service in (model, table):
        asyncio.run_coroutine_threadsafe(service.stop(), loop).result(5)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


@pytest.fixture(autouse=True)
def _well(stage: Stage) -> Iterator[None]:
    stage.model.first_ms, stage.model.token_ms, stage.model.tokens = 50, 10, 60
    stage.table.refuse, stage.table.slow_s = frozenset(), 0.0
    yield
    stage.table.refuse, stage.table.slow_s = frozenset(), 0.0


def converse(stage: Stage, talk: Callable[[Peer], Awaitable[Any]]) -> Any:
    """Place a call, hold it, hang up."""

    async def call() -> Any:
        peer = await Peer(stage.line).ring()
        await asyncio.sleep(0.4)
        try:
            return await talk(peer)
        finally:
            await peer.hang_up()

    return asyncio.run(call())


async def frames_for(peer: Peer, seconds: float) -> list[tuple[float, dict[str, Any]]]:
    """Every frame of the next seconds, with its time."""
    until, found = time.perf_counter() + seconds, []
    while (left := until - time.perf_counter()) > 0:
        with contextlib.suppress(TimeoutError):
            frame = await peer.receive(left)
            found.append((time.perf_counter(), frame))
    return found


@pytest.mark.accept("E3")
@pytest.mark.accept("E10")
def test_a_plain_turn_costs_one_write_one_model_request_and_one_post_before_the_first_word(stage: Stage) -> None:
    """On a warm worker nothing else stands between the caller's words and the agent's first."""

    async def talk(peer: Peer) -> tuple[float, float, str, int]:
        await peer.say("Hello, who is there?")
        await peer.reply()
        await asyncio.sleep(0.5)
        began = await peer.say("And how is my flight?")
        text, first, count = await peer.reply()
        assert first is not None
        return began, first, text, count

    began, first, text, count = converse(stage, talk)

    table = [p.operation for p in stage.table.passed if began <= p.at <= first]
    asked = [a for a in stage.model.asked if began <= a.at <= first]
    assert ["UpdateItem"] == table
    assert 1 == len(asked)
    assert count <= count_clauses(text) + 2


@pytest.mark.accept("E4")
@pytest.mark.accept("E20")
@pytest.mark.parametrize("what", ["interrupt and prompt", "prompt"])
@pytest.mark.parametrize("token_ms", [20, 400])
def test_after_a_barge_in_at_most_one_more_post_starts_and_none_late(stage: Stage, what: str, token_ms: int) -> None:
    """The superseded reply falls silent, also while its model is slow; its stream is closed."""
    stage.model.token_ms = token_ms
    cancelled = stage.model.cancelled

    async def talk(peer: Peer) -> tuple[float, list[tuple[float, dict[str, Any]]]]:
        await peer.say("Tell me everything about it.")
        before = await frames_for(peer, 1.0)
        heard = "".join(frame["token"] for _, frame in before)
        stage.model.first_ms = 900
        now = time.perf_counter()
        if "interrupt" in what:
            await peer.send(
                type="interrupt", utteranceUntilInterrupt=heard.rsplit(" ", 1)[0], durationUntilInterruptMs=400
            )
        await peer.say("Stop. What about my bag?")
        return now, await frames_for(peer, 0.85)

    now, after = converse(stage, talk)

    spoken = [(at - now) * 1000 for at, frame in after if frame["token"]]
    assert len(spoken) <= 1
    assert all(at <= LATE_MS + SLACK_MS for at in spoken)
    assert stage.model.cancelled > cancelled


@pytest.mark.accept("E22")
@pytest.mark.parametrize("after_ms", [12, 120, 700])
def test_words_come_within_six_seconds_of_a_killed_worker(stage: Stage, after_ms: int) -> None:
    """A worker killed while it stores, thinks or speaks: the watchdog answers for it."""
    stage.model.first_ms, stage.model.token_ms = 400, 60

    async def talk(peer: Peer) -> float | None:
        await peer.say("What is the status of my flight?")
        await asyncio.sleep(after_ms / 1000)
        killed = time.perf_counter()
        for pid in workers(stage.system):
            os.kill(pid, signal.SIGKILL)
        for at, frame in await frames_for(peer, 6.5):
            if frame.get("type") == "text" and frame["token"].strip() and at - killed > 0.2:
                return at - killed
        return None

    waited = converse(stage, talk)

    assert waited is not None
    assert waited <= 6


@pytest.mark.accept("E22")
@pytest.mark.accept("N2")
def test_a_table_that_refuses_writes_for_two_seconds_costs_no_utterance(stage: Stage) -> None:
    """The append is tried again until it is taken, and the caller is answered."""

    async def talk(peer: Peer) -> float | None:
        stage.table.refuse = frozenset({"UpdateItem"})
        began = await peer.say("Hello?")
        asyncio.get_running_loop().call_later(2.0, setattr, stage.table, "refuse", frozenset())
        _, first, _ = await peer.reply(6)
        return None if first is None else first - began

    waited = converse(stage, talk)

    assert waited is not None
    assert 2 <= waited <= 6


@pytest.mark.accept("E22")
def test_a_table_that_is_gone_is_told_to_the_caller(stage: Stage) -> None:
    """Nobody can know who has the floor; the caller hears a sentence all the same."""

    async def talk(peer: Peer) -> float | None:
        stage.table.refuse = frozenset({"UpdateItem", "GetItem", "Query"})
        began = await peer.say("Hello?")
        _, first, _ = await peer.reply(6.5)
        stage.table.refuse = frozenset()
        return None if first is None else first - began

    waited = converse(stage, talk)

    assert waited is not None
    assert waited <= 6


@pytest.mark.accept("E19")
def test_a_hang_up_in_the_midst_of_a_token_ends_the_reply_quietly(stage: Stage) -> None:
    """Posts to a link that is gone are no error: the turn ends, and so does the call."""
    stage.model.token_ms = 40
    path = stage.system.home / "log" / "relay_message.log"
    before = len(path.read_text())

    async def talk(peer: Peer) -> None:
        await peer.say("Tell me a long story.")
        await frames_for(peer, 0.5)
        assert peer.socket is not None
        await peer.socket.close(1000)
        await asyncio.sleep(1.5)

    converse(stage, talk)

    log = path.read_text()[before:]
    assert '"level":"ERROR"' not in log
    assert any(end in log for end in ('"ended_by":"link_lost"', '"ended_by":"ended"'))


def workers(system: System) -> list[int]:
    """The worker processes of the system: leaves that run the worker script."""
    home = str(system.home).encode()
    parents: dict[int, int] = {}
    mine: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            pid = int(stat.parent.name)
            parents[pid] = int(stat.read_text().rpartition(")")[2].split()[1])
            if b"local/worker.py" in (stat.parent / "cmdline").read_bytes():
                mine.append(pid)
    root = next(pid for pid in parents if _home_of(pid) == home and pid not in mine and parents[pid] == os.getpid())
    below = {pid for pid in mine if _under(pid, root, parents)}
    return [pid for pid in below if pid not in {parents[p] for p in below}]


def _home_of(pid: int) -> bytes:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return b""
    return next((v.partition(b"=")[2] for v in environment if v.startswith(b"RINGFOLD_HOME=")), b"")


def _under(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        if pid == root:
            return True
        pid = parents[pid]
    return False
