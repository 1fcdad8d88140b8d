"""A turn, timed from outside: prompt frame in → first text frame out, less the model's own delay (`make bench`).

Everything runs over real sockets: a peer playing Twilio, the local gateway, the handler in its worker process, the
table engine, and a model of exact pace. Beside it, in the same run, a bare WebSocket echo: compare by the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from bench.model import BenchModel
from bench.peer import Peer
from bench.system import System, running
from ringfold.core.pacing import count_clauses

HEADINGS = (
    "| model | own time p50 ms | p95 ms | to the model + to the caller | × echo | CPU/turn ms (worker) | (gateway) "
    "| posts/reply | clauses + 2 | model requests/turn |"
)
TURNS_A_CALL = 5
"""Measured turns of one call: hurried as they are, a longer call would grow its window beyond that of real ones."""


@dataclass
class Series:
    """What was measured of one kind of model."""

    name: str
    own_ms: list[float] = field(default_factory=list)
    to_model_ms: list[float] = field(default_factory=list)
    to_caller_ms: list[float] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    clauses: int = 0
    requests: list[int] = field(default_factory=list)
    cpu_ms: float = 0.0
    gateway_cpu_ms: float = 0.0
    turns: int = 0


async def measure(
    system: System, model: BenchModel, name: str, turns: int, calls: int = 1, pause_s: float = 0.05
) -> Series:
    """Hold conversations and time every turn but each call's first; CPU is that of the measured turns."""
    series = Series(name)
    spent = [0.0, 0.0]

    def cpu() -> tuple[float, float]:
        return system.cpu_ms("local/worker.py"), system.cpu_ms("-m local")

    async def talk(number: int) -> None:
        await asyncio.sleep(number * 0.7 / calls)
        for _ in range(-(-turns // TURNS_A_CALL)):
            peer = await Peer(system.line, caller=f"+1512555{number:04d}").ring()
            await _turn(peer, model, None)
            before = cpu()
            for _ in range(TURNS_A_CALL):
                await asyncio.sleep(pause_s)
                await _turn(peer, model, series)
            await asyncio.sleep(0.1)
            spent[0] += cpu()[0] - before[0]
            spent[1] += cpu()[1] - before[1]
            await peer.hang_up()

    await asyncio.gather(*(talk(number) for number in range(calls)))
    await asyncio.sleep(0.3)
    count = max(1, series.turns)
    # Calls side by side each see the others' work: their sum counts it once for every call.
    series.cpu_ms, series.gateway_cpu_ms = spent[0] / count / calls, spent[1] / count / calls
    return series


async def _turn(peer: Peer, model: BenchModel, series: Series | None) -> None:
    asked = len(model.asked)
    mark = f"mark-{secrets.token_hex(6)}"
    began = await peer.say(f"Could you tell me how my flight is doing, please? {mark}")
    text, first, count = await peer.reply()
    if series is None or first is None:
        return
    mine = [a for a in model.asked[asked:] if a.mark == mark]
    if mine:
        delay = mine[-1].first_at - mine[-1].at
        series.own_ms.append((first - began - delay) * 1000)
        series.to_model_ms.append((mine[-1].at - began) * 1000)
        series.to_caller_ms.append((first - mine[-1].first_at) * 1000)
    series.requests.append(len(mine))
    series.frames.append(count)
    series.clauses = count_clauses(text)
    series.turns += 1


async def echo(rounds: int = 400) -> list[float]:
    """The baseline: a WebSocket that sends each frame back, in this very process."""

    async def back(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    async with serve(back, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        async with connect(f"ws://127.0.0.1:{port}", compression=None) as socket:
            times = []
            for _ in range(rounds):
                began = time.perf_counter()
                await socket.send(json.dumps({"type": "prompt", "voicePrompt": "hello"}))
                await socket.recv()
                times.append((time.perf_counter() - began) * 1000)
    return times


def p95(values: Sequence[float]) -> float:
    """The 95th percentile."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.95))] if values else float("nan")


def table(series: Sequence[Series], baseline: Sequence[float]) -> str:
    """The figures, as Markdown."""
    base = statistics.median(baseline)
    lines = [
        HEADINGS,
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines.extend(_row(one, base) for one in series)
    lines.append(f"\necho baseline: p50 {base:.3f} ms, p95 {p95(baseline):.3f} ms")
    return "\n".join(lines)


def _row(s: Series, base: float) -> str:
    own = statistics.median(s.own_ms)
    return (
        f"| {s.name} | {own:.1f} | {p95(s.own_ms):.1f} "
        f"| {statistics.median(s.to_model_ms):.1f} + {statistics.median(s.to_caller_ms):.1f} | {own / base:.0f} "
        f"| {s.cpu_ms:.1f} | {s.gateway_cpu_ms:.1f} | {statistics.median(s.frames):.0f} | {s.clauses + 2} "
        f"| {statistics.mean(s.requests):.2f} |"
    )


async def main(turns: int, calls: int) -> None:
    """Measure and print."""
    model = BenchModel()
    await model.start()
    with running({"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"http://127.0.0.1:{model.port}"}) as system:
        done = []
        for name, first, token in (("50 ms, 60 tokens at 10 ms", 50, 10), ("no delay, 60 tokens", 0, 0)):
            model.first_ms, model.token_ms = first, token
            done.append(await measure(system, model, name, turns))
        model.first_ms, model.token_ms, model.tokens = 0, 0, 20
        done.append(await measure(system, model, "no delay, 20 tokens", turns))
        if calls > 1:
            model.first_ms, model.token_ms, model.tokens = 50, 10, 60
            done.append(await measure(system, model, f"50 ms, {calls} calls at once", max(3, turns // 5), calls, 1.5))
        print(table(done, await echo()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--calls", type=int, default=20)
    arguments = parser.parse_args()
    asyncio.run(main(arguments.turns, arguments.calls))
