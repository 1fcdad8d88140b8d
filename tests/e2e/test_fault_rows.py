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
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
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
QUICK = Manners(agent_chars_per_s=90, onset_s=0.05, action_delay_s=0.1, failed_action_delay_s=0.1, status_delay_s=0.1)
FROZEN_S = 5.0


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system of this file's own: its workers are frozen and killed."""
    with running_system(tmp_path_factory.mktemp("rows")) as running:
        yield running


@pytest.fixture(scope="module")
def system_async(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system that hands every turn on to another invocation."""
    with running_system(tmp_path_factory.mktemp("async"), TURN_DISPATCH="async") as running:
        yield running


@pytest.fixture(autouse=True)
def _well(system: System) -> Iterator[None]:
    yield
    system.settle()
    worker_faults(system, "relay_connect", {})


def story(word: str, count: int = 70) -> str:
    """An answer that can be told from any other: its words all begin alike."""
    return " ".join(f"{word}{i}" + ("." if i % 10 == 9 else "") for i in range(count))


def teach(system: System, *lessons: tuple[str, list[str]], first_token_ms: int = 100, token_ms: int = 40) -> None:
    """Whoever says something with this in it is answered with these, one after the other."""
    rules = [{"when_contains": heard, "script": [{"text": text} for text in texts]} for heard, texts in lessons]
    pace = {"first_token_ms": first_token_ms, "token_ms": token_ms}
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


async def stamped(system: System, peer: Peer, text: str) -> None:
    """Until the gateway has taken these words, and a millisecond is over."""
    async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
        for _ in range(500):
            query = {"call_sid": peer.call_sid, "kind": "frame_in"}
            taken = text in (await http.get(system.url + "/local/traffic", params=query)).text
            await asyncio.sleep(0.002)
            if taken:
                return
    pytest.fail(f"the gateway never got {text!r}")


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
    teach(
        system, ("list", [story("alpha", 12)] * 60), ("bag", ["Your bag is here."] * 5), first_token_ms=600, token_ms=5
    )
    async with calling(system) as peer:
        for text in UTTERANCES:
            await peer.say(text)
            await stamped(system, peer, text)  # words of one millisecond have no order
        before = await words_of(peer, 8, until="alpha11") if answered else []
        await reconnect(peer)
        await replay(peer)
        after = await words_of(peer, 3)
        await peer.say("And my bag?")
        await words_of(peer, 8, until="here")
        told = asked_last(system, "bag")

    assert answered == (story("alpha", 12).split() == said_of("alpha", before))
    assert ([] if answered else story("alpha", 12).split()) == said_of("alpha", after)
    assert list(range(25)) == [int(number) for number in re.findall(r"Point number (\d+)", told)]


def said_of(word: str, spoken: list[tuple[float, str]]) -> list[str]:
    """The words of one story that were spoken, in order."""
    return [each for each in "".join(token for _, token in spoken).split() if each.startswith(word)]


# -- row 30: frames one at a time ------------------------------------------------------------------------------------


async def talk_over(system: System) -> tuple[float, list[tuple[float, str]]]:
    """Speak over a long answer: when, and what is spoken from then on, up to the end of the new words' answer."""
    teach(system, ("story", [story("alpha", 50)] * 3), ("bag", ["Your bag is here."] * 3))
    async with calling(system) as peer:
        await peer.say("Tell me a story.")
        heard = await words_of(peer, 6, until="alpha8")
        at = await barge_in(peer, heard, "What about my bag?")
        return at, await words_of(peer, 20, until="here")


@pytest.mark.accept("E4")
async def test_frames_one_at_a_time_let_the_caller_in_when_turns_are_handed_on(system_async: System) -> None:
    """Row 30: with ``TURN_DISPATCH=async`` no frame waits for a turn, so a barge-in works as it does in parallel."""
    system_async.put("/local/gateway/faults", {"frames": {"mode": "serial"}})

    at, spoken = await talk_over(system_async)

    assert all(when - at < LATE_S for when, token in spoken if "alpha" in token)
    assert spoken[-1][0] - at < 2.5
    assert "here" in spoken[-1][1]


async def test_frames_one_at_a_time_make_the_caller_wait_when_turns_are_inline(system: System) -> None:
    """Row 30, measured: the barge-in waits for the turn it is meant to stop; it is answered right after it."""
    system.put("/local/gateway/faults", {"frames": {"mode": "serial"}})

    at, spoken = await talk_over(system)

    story_ends = max(when for when, token in spoken if "alpha" in token)
    assert story_ends - at > LATE_S
    assert spoken[-1][0] - story_ends < 2.5
    assert "here" in spoken[-1][1]


# -- row 32: stamps --------------------------------------------------------------------------------------------------


@pytest.mark.accept("E19")
@pytest.mark.parametrize("stamps", ["tied", "swapped", "skewed"])
async def test_words_over_the_agent_are_answered_whatever_the_stamps(system: System, stamps: str) -> None:
    """Row 32: interrupt and words in one burst, stamped alike, the wrong way round, or up to 50 ms off."""
    system.put("/local/gateway/faults", {"frames": {"stamps": stamps, "seed": 3}})

    at, spoken = await talk_over(system)

    assert all(when - at < LATE_S for when, token in spoken if "alpha" in token)
    assert spoken[-1][0] - at < 6
    assert "here" in spoken[-1][1]


# -- row 38: the authorizer ------------------------------------------------------------------------------------------


@asynccontextmanager
async def carried(system: System) -> AsyncIterator[CarrierCall]:
    caller = f"+1555{secrets.randbelow(10**7):07d}"
    async with CarrierCall(
        directory_of(system.run).line(running_line(system.home / "run.json").number, caller), QUICK
    ) as call:
        yield call


async def test_an_authorizer_of_eight_seconds_is_waited_for(system: System) -> None:
    """Row 38: no worker is warm and a new one takes eight seconds; the gateway waits ten, and the caller is greeted."""
    worker_faults(system, "relay_connect", {"start_ms": 8000})
    for pid in workers(system, "relay_connect"):
        os.kill(pid, signal.SIGKILL)
    began = time.perf_counter()
    async with carried(system) as call:
        await call.words_heard(5, within_s=12)
        waited = time.perf_counter() - began

    assert waited > 8
    assert "SkyOwl" in call.heard


async def test_an_authorizer_that_fails_once_costs_the_caller_no_greeting(system: System) -> None:
    """Row 38: the handshake fails, the action callback opens another link, and there the greeting is spoken."""
    worker_faults(system, "relay_connect", {"concurrency": 0})
    async with carried(system) as call:
        await call.record.wait_for(lambda each: each.kind == "webhook" and "action" in each.fields["url"], within_s=8)
        worker_faults(system, "relay_connect", {})
        await call.words_heard(5, within_s=12)

    assert "SkyOwl" in call.heard


async def test_an_authorizer_that_always_fails_is_told_to_the_caller(system: System) -> None:
    """Row 38: after the last attempt the caller hears an apology, not silence."""
    worker_faults(system, "relay_connect", {"concurrency": 0})
    async with carried(system) as call:
        await call.words_heard(4, within_s=8)

    assert "sorry" in call.heard.lower()


# -- row 41: a frozen worker -----------------------------------------------------------------------------------------


async def freeze(system: System, peer: Peer, word: str, *, speaking: bool) -> int:
    """Ask for a story and freeze the worker that answers, while it thinks or speaks; its process id."""
    known = set(workers(system, "relay_message", busy=True))
    await peer.say(f"Tell me the {word} story.")
    await words_of(peer, 6, until=f"{word}3") if speaking else await asyncio.sleep(0.4)
    (pid,) = set(workers(system, "relay_message", busy=True)) - known
    os.kill(pid, signal.SIGSTOP)
    return pid


async def test_a_frozen_worker_wakes_to_silence(system: System) -> None:
    """Row 41: three workers stand still for five seconds, and others speak for them; waking, they post nothing more.

    One while it spoke, one before its first word: the caller goes on. One while it spoke and the caller waited: the
    watchdog answers.
    """
    cases = {"alpha": True, "bravo": False, "charlie": True}
    lessons = [(word, [story(word), *[f"Again {word.upper()}."] * 3]) for word in cases]
    teach(system, *lessons, ("bag", ["Your bag is here."] * 6), first_token_ms=800)
    async with calling(system) as one, calling(system) as two, calling(system) as three:
        peers, frozen = (one, two, three), list[int]()
        try:
            for peer, (word, speaking) in zip(peers, cases.items(), strict=True):
                frozen.append(await freeze(system, peer, word, speaking=speaking))
            await one.say("What about my bag?")
            await two.say("What about my bag?")
            meanwhile = await asyncio.gather(*(words_of(peer, FROZEN_S) for peer in peers))
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        after = await asyncio.gather(*(words_of(peer, 1.5) for peer in peers))

    assert all(meanwhile)
    assert ["superseded"] * 3 == [end_of_longest_turn(system, peer) for peer in peers]
    assert [[], [], []] == [said_of(word, spoken) for word, spoken in zip(cases, after, strict=True)]


def end_of_longest_turn(system: System, peer: Peer) -> str:
    """How the turn ended that took longest of a call's: the frozen one."""
    lines = (system.home / "log" / "relay_message.log").read_text().splitlines()
    logged = [json.loads(line[line.index("{") :]) for line in lines if peer.call_sid in line and '"ended_by"' in line]
    longest = max((line for line in logged if "duration_ms" in line), key=lambda line: int(line["duration_ms"]))
    assert longest["duration_ms"] > FROZEN_S * 1000
    return str(longest["ended_by"])
