"""Faults that need the whole running system and had no proof elsewhere: rows 23, 30, 32, 38 and 41 of docs/faults.md.

The model is the scripted one, told what to say, so that the words of one answer can be told from those of another.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bench.peer import Peer, running_line
from local.carrier import CarrierCall, Manners
from local.carrier.exchange import directory_of
from tests.e2e.system import System, running_system

pytestmark = pytest.mark.slow

LATE_S = 0.31
"""A superseded reply may still start a post this long behind what superseded it; with what a loaded machine adds."""
STORY_TOKEN_MS = 40
QUICK = Manners(agent_chars_per_s=90, onset_s=0.05, action_delay_s=0.1, failed_action_delay_s=0.1, status_delay_s=0.1)
FROZEN_S = 5.0


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system of this file's own: its workers are frozen and killed."""
    with running_system(tmp_path_factory.mktemp("rows")) as running:
        yield running


@pytest.fixture(autouse=True)
def _well(system: System) -> Iterator[None]:
    yield
    system.settle()
    worker_faults(system, "relay_connect", {})


def story(word: str, count: int = 70) -> str:
    """An answer that can be told from any other: its words all begin alike."""
    return " ".join(f"{word}{i}" + ("." if i % 10 == 9 else "") for i in range(count))


def teach(system: System, *lessons: tuple[str, list[str]], first_token_ms: int = 100) -> None:
    """Whoever says something with this in it is answered with these, one after the other."""
    rules = [{"when_contains": heard, "script": [{"text": text} for text in texts]} for heard, texts in lessons]
    pace = {"first_token_ms": first_token_ms, "token_ms": STORY_TOKEN_MS}
    system.put("/local/model/behaviour", {**pace, "rules": rules})


def worker_faults(system: System, function: str, faults: dict[str, Any]) -> None:
    system.put(f"/local/workers/{function}/faults", faults)


def workers(system: System, function: str, *, busy: bool = False) -> list[int]:
    """The worker processes of a function; those that have an event only, if told."""
    pools = httpx.get(system.url + "/local/workers", trust_env=False, timeout=10).json()["pools"]
    pool = next(each for each in pools if each["function"].endswith(function))
    return [each["pid"] for each in pool["workers"] if each["request_id"] or not busy]


@asynccontextmanager
async def calling(system: System) -> AsyncIterator[Peer]:
    """A call that is up."""
    peer = await Peer(running_line(system.home / "run.json"), caller=f"+1555{secrets.randbelow(10**7):07d}").ring()
    await asyncio.sleep(0.3)
    try:
        yield peer
    finally:
        await peer.hang_up()


async def words_of(peer: Peer, seconds: float, until: str = "\0") -> list[tuple[float, str]]:
    """What is spoken in the next seconds, with its times; or up to a word."""
    end, found = time.perf_counter() + seconds, []
    while (left := end - time.perf_counter()) > 0:
        try:
            frame = await peer.receive(left)
        except TimeoutError:
            break
        if frame["type"] == "text" and frame["token"].strip():
            found.append((time.perf_counter(), frame["token"]))
            if until in frame["token"]:
                break
    return found


async def barge_in(peer: Peer, heard: list[tuple[float, str]], text: str) -> float:
    """Twilio purges, tells what was heard, and what the caller said; when."""
    told = "".join(token for _, token in heard)
    at = await peer.send(type="interrupt", utteranceUntilInterrupt=told[: len(told) // 2], durationUntilInterruptMs=900)
    await peer.say(text)
    return at


# -- row 23: frames replayed -----------------------------------------------------------------------------------------

UTTERANCES = [f"Point number {i} of my list." for i in range(25)]


async def replay(peer: Peer) -> None:
    """Five hundred frames: of every utterance the partial transcripts again, and its words."""
    for text in UTTERANCES:
        for i in range(19):
            await peer.send(type="prompt", voicePrompt=text[: i + 3], lang="en-US", last=False)
        await peer.say(text)


async def reconnect(peer: Peer) -> None:
    """The link breaks; the action callback opens another."""
    assert peer.socket is not None
    peer.socket.transport.abort()
    fields = {"SessionStatus": "failed", "SessionId": "VX" + secrets.token_hex(16), "SessionDuration": "9"}
    _, twiml = await asyncio.to_thread(peer.webhook, peer.action, CallStatus="in-progress", **fields)
    await peer.open(twiml, "IN_PROGRESS")


def asked_last(system: System, utterance: str) -> str:
    """All that the caller has said, as the model was told with the newest request that ends in an utterance."""
    records = httpx.get(system.url + "/local/model/requests", trust_env=False).json()["requests"]
    newest = next(each for each in reversed(records) if utterance in each["utterance"])
    url = f"{system.url}/local/model/requests/{newest['request_id']}"
    messages = httpx.get(url, trust_env=False).json()["messages"]
    said = [message["content"] for message in messages if message["role"] == "user"]
    return " ".join(part["text"] for content in said for part in content if "text" in part)


@pytest.mark.accept("E16")
@pytest.mark.parametrize("answered", [True, False])
async def test_five_hundred_frames_replayed_are_answered_once_and_in_order(system: System, answered: bool) -> None:
    """Row 23: what was answered before the link broke is not answered again; what was not, once; the order is kept."""
    teach(system, ("list", [story("alpha", 12), story("bravo", 12), story("charlie", 12)]), ("bag", ["Your bag is here."]))
    async with calling(system) as peer:
        for text in UTTERANCES:
            await peer.say(text)
        before = await words_of(peer, 4, until="alpha11") if answered else []
        await reconnect(peer)
        await replay(peer)
        after = await words_of(peer, 6)
        await peer.say("And my bag?")
        bag = await words_of(peer, 8, until="here")
        told = asked_last(system, "bag")
    print(before, after, bag)

    numbers = [int(number) for number in re.findall(r"Point number (\d+)", told)]
    assert list(range(25)) == numbers
