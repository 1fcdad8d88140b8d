"""Many calls at once for minutes, callers pausing as people do: every turn answered, no reply cut, memory flat.

.venv/bin/python -m bench.soak --calls 50 --minutes 5
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import time
from dataclasses import dataclass, field

from bench.peer import Peer
from bench.system import System, running
from bench.turn import p95

QUESTIONS = (
    "Hi, can you look up my reservation ABC123?",
    "Is my flight delayed?",
    "What gate does it leave from?",
    "Could I get a window seat?",
    "No, leave it as it is, thank you.",
    "What about my bags?",
    "When do we board?",
    "Could you say that again, please?",
)


@dataclass
class Tally:
    """What happened."""

    turns: int = 0
    unanswered: int = 0
    cut: int = 0
    foreign: int = 0
    first_ms: list[float] = field(default_factory=list)
    posts: list[int] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    workers: list[int] = field(default_factory=list)
    calls: int = 0


async def caller(system: System, number: int, until: float, tally: Tally) -> None:
    """One caller: calls, asks, listens to the end, pauses, asks again; hangs up after a while and calls again."""
    rng = random.Random(number)
    await asyncio.sleep(rng.uniform(0, 8))
    while time.monotonic() < until:
        peer = await Peer(system.line, caller=f"+1512556{number:04d}").ring()
        tally.calls += 1
        await asyncio.sleep(rng.uniform(1, 4))
        for question in QUESTIONS[: rng.randint(3, len(QUESTIONS))]:
            if time.monotonic() > until:
                break
            await ask(peer, question, tally)
            await asyncio.sleep(rng.uniform(1.5, 7))
        await peer.hang_up()


async def ask(peer: Peer, question: str, tally: Tally) -> None:
    """One turn, listened to as a caller would: the text is spoken at 15 characters a second."""
    tally.turns += 1
    began = await peer.say(question)
    text, first, frames = "", None, 0
    while True:
        try:
            frame = await peer.receive(8)
        except TimeoutError:
            tally.unanswered += first is None
            tally.cut += first is not None
            return
        if "type" not in frame:
            tally.foreign += 1
            continue
        frames += 1
        text += frame.get("token", "")
        if first is None and frame.get("token"):
            first = time.perf_counter()
            tally.first_ms.append((first - began) * 1000)
        if frame.get("last") and first is not None:
            break
    tally.posts.append(frames)
    tally.cut += text.rstrip()[-1:] not in ".?!"
    spoken_s = len(text) / 15
    with contextlib.suppress(TimeoutError):
        late = await peer.receive(min(spoken_s, 4.0))
        tally.foreign += late.get("type") != "text" or bool(late.get("token"))


async def watch(system: System, until: float, tally: Tally) -> None:
    """Memory of all processes, every ten seconds."""
    while time.monotonic() < until:
        await asyncio.sleep(10)
        tally.memory_mb.append(round(await asyncio.to_thread(system.memory_mb, "")))
        tally.workers.append(len([c for c in system.processes().values() if "worker.py" in c]))


async def main(calls: int, minutes: float) -> int:
    """Run and print; the exit status tells whether every turn was answered whole."""
    tally = Tally()
    with running() as system:
        until = time.monotonic() + minutes * 60
        before = system.cpu_ms("")
        await asyncio.gather(watch(system, until, tally), *(caller(system, i, until, tally) for i in range(calls)))
        cpu = system.cpu_ms("") - before
        log = (system.home / "log" / "relay_message.log").read_text().splitlines()
    finished = [json.loads(line) for line in log if '"turn finished"' in line]
    ends: dict[str, int] = {}
    for line in finished:
        ends[line["ended_by"]] = ends.get(line["ended_by"], 0) + 1
    print(f"| calls at once | {calls} | for {minutes} min, {tally.calls} calls in all |")
    print("|---|---|---|")
    print(f"| turns | {tally.turns} | unanswered {tally.unanswered}, cut {tally.cut}, foreign frames {tally.foreign} |")
    print(f"| first word ms | p50 {statistics.median(tally.first_ms):.0f} | p95 {p95(tally.first_ms):.0f} |")
    print(f"| posts a reply | {statistics.mean(tally.posts):.1f} | how turns ended: {ends} |")
    print(f"| memory MB, by the minute | {tally.memory_mb[::6]} | worker processes {tally.workers[::6]} |")
    print(
        f"| CPU | {cpu / max(1, tally.turns):.0f} ms a turn | {cpu / (minutes * 600):.0f} % of one core, everything |"
    )
    asked = sum(line["ModelsAsked"] for line in finished)
    print(f"| model requests a turn | {asked / max(1, len(finished)):.2f} | tool rounds and dropped guesses included |")
    return int(bool(tally.unanswered or tally.cut or tally.foreign))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=5)
    arguments = parser.parse_args()
    raise SystemExit(asyncio.run(main(arguments.calls, arguments.minutes)))
