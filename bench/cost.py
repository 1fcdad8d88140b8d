"""What AWS asks for a call-minute and for a text answered, at list prices, without the model and without Twilio.

    .venv/bin/python -m bench.cost

The whole system runs, a peer plays calls of real pace (six turns a minute),
and what would be billed is read off the requests (bench/README.md says how). Status 1 above the budget.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import re
import shutil
import sys
import tempfile
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.model import BenchModel
from bench.peer import ROOT, Line, Peer
from bench.system import System, running
from bench.table_meter import TableMeter, metered
from local.processes import StartError
from local.resources import FunctionRef
from local.services import start_ministack
from local.settings import LOOPBACK, load_settings
from local.template import read_template

BUDGET = 0.0003
"""Dollars for a call-minute."""
TURNS = 6
SPOKEN_CHARS_A_S = 15.0
SENTENCES = BenchModel(first_ms=350, token_ms=22.6, tokens=53)
"""Two sentences, 53 words: about 60 tokens of a real model, 20 ms each, behind 350 ms to the first."""
QUESTIONS = (
    "Hi, I would like to know how my flight to Seattle is doing today.",
    "All right. And which gate does it leave from?",
    "Could you tell me whether I can still get a window seat?",
    "No, then leave it as it is, please.",
    "What about my bag, do I have to collect it on the way?",
    "Okay, and when should I be at the gate at the latest?",
)
TEXTS = (
    "Hi, is my flight to Seattle on time?",
    "Which gate, please?",
    "And my bag, does it go all the way?",
    "Thanks!",
)

PRICES = {
    "WebSocket messages": ("of 32 KB", 1.00e-6),
    "WebSocket connection": ("minutes", 0.25e-6),
    "HTTP API": ("requests of 512 KB", 1.00e-6),
    "Lambda requests": ("requests", 0.20e-6),
    "Lambda time": ("GB-s", 0.0000133334),
    "DynamoDB writes": ("write units", 0.625e-6),
    "DynamoDB reads": ("read units", 0.125e-6),
    "SQS": ("requests", 0.40e-6),
    "SQS, FIFO": ("requests", 0.50e-6),
    "Logs of the functions": ("KB", 0.50 / 1e6),
    "Logs of Lambda and API Gateway (estimated)": ("KB", 0.50 / 1e6),
    "Secrets Manager (at most)": ("requests", 0.05 / 1e4),
}
"""Part → (unit, list price of one in us-east-1). The price of logs is the one not confirmed at the source."""

INVOCATION_LOG_BYTES = 600
"""Lambda's own `platform.start` and `platform.report` of one invocation, in JSON."""
VALUE_BYTES = 16
"""A value in API Gateway's access log, taken over all of the template's `$context` variables."""
SECRETS = {"incoming": 2, "relay_connect": 2, "sms_webhook": 1, "sms_reply": 1}
"""Secrets each function reads when it has none in memory: at most once in five minutes and worker."""


class Amount(NamedTuple):
    """How many of something, and how many units are paid for."""

    number: float
    units: float


class Bill:
    """What some part of a run would cost."""

    def __init__(self) -> None:
        self.parts: dict[str, Amount] = {}
        self.notes: defaultdict[str, float] = defaultdict(float)

    def add(self, part: str, count: float, units: float | None = None, what: str = "") -> None:
        """Add to a part; ``what`` tells the share of one function or operation in its count."""
        before = self.parts.get(part, Amount(0, 0))
        self.parts[part] = Amount(before.number + count, before.units + (count if units is None else units))
        if what:
            self.notes[f"{part}: {what}"] += units if units is not None else count

    def dollars(self, part: str = "") -> float:
        """The cost of a part, or of all."""
        return sum(PRICES[name][1] * each.units for name, each in self.parts.items() if part in ("", name))

    def over(self, times: int) -> Bill:
        """The same for one of so many."""
        bill = Bill()
        bill.parts = {name: Amount(each.number / times, each.units / times) for name, each in self.parts.items()}
        bill.notes.update({name: each / times for name, each in self.notes.items()})
        return bill

    def plus(self, *others: Bill) -> Bill:
        """All of them together."""
        bill = Bill()
        for each in (self, *others):
            for part, (count, units) in each.parts.items():
                bill.add(part, count, units)
            for note, share in each.notes.items():
                bill.notes[note] += share
        return bill

    def table(self, title: str) -> str:
        """As Markdown."""
        rows = [f"| {title} | count | units | $ per million |", "|---|---|---|---|"]
        for part, (unit, _) in PRICES.items():
            if part in self.parts:
                count, units = self.parts[part]
                rows.append(f"| {part} | {count:.1f} | {units:.2f} {unit} | {self.dollars(part) * 1e6:.1f} |")
        return "\n".join([*rows, f"| **all** | | | **{self.dollars() * 1e6:.1f}** |"])


class Meter:
    """Reads off what has been used since it was last asked."""

    def __init__(self, system: System, tables: TableMeter) -> None:
        self._system, self._tables = system, tables
        template = read_template(ROOT / "template.yaml", {})
        self._template = template
        fifo = {queue.logical_id for queue in template.queues if queue.attributes.get("FifoQueue") == "true"}
        self._queues = {
            template.function(source.function).label: "SQS, FIFO" if source.queue in fifo else "SQS"
            for source in template.queue_sources
        }
        formats = re.findall(r'^ +(\{"requestId".*\})$', (ROOT / "template.yaml").read_text(), re.MULTILINE)
        lengths = [len(re.sub(r"\$context[.\w]+", "x" * VALUE_BYTES, each)) for each in formats]
        self._access_bytes = {"http": lengths[0], "relay": lengths[1]}
        self._seen = 0
        self._before: dict[str, Counter[str]] = {}

    async def take(self) -> Bill:
        """What was used since; waits first until nothing happens any more."""
        records = await self._quiet()
        self._seen = max((each["id"] for each in records), default=self._seen)
        await asyncio.to_thread(self._tables.settle)
        bill = Bill()
        for record in records:
            match record["kind"]:
                case "frame_in" | "frame_out":
                    size = len(record["body"].encode())
                    kind = f"{record['kind']} {json.loads(record['body']).get('type')}"
                    bill.add("WebSocket messages", 1, math.ceil(size / 32768), kind)
                    if record["kind"] == "frame_in":
                        self._log(bill, self._access_bytes["relay"])
                case "connect" | "disconnect":
                    self._log(bill, self._access_bytes["relay"])
                case "webhook":
                    bill.add("HTTP API", 1)
                    self._log(bill, self._access_bytes["http"])
                case "invoke":
                    self._invocation(bill, record)
                case "violation":
                    raise RuntimeError(f"the system did what it must not: {record}")
        self._tables_and_logs(bill)
        return bill

    def _invocation(self, bill: Bill, record: dict[str, Any]) -> None:
        function = self._template.function(FunctionRef(record["function"]))
        seconds = math.ceil(record["duration_ms"]) / 1000
        bill.add("Lambda requests", 1, what=function.label)
        bill.add("Lambda time", seconds, seconds * function.memory_mb / 1024, function.label)
        self._log(bill, INVOCATION_LOG_BYTES)
        if record["trigger"] == "sqs":  # Each message is sent; each invocation receives and deletes a batch.
            bill.add(self._queues[function.label], record["messages"] + 2)

    def _log(self, bill: Bill, size: int) -> None:
        bill.add("Logs of Lambda and API Gateway (estimated)", 1, size / 1000)

    def _tables_and_logs(self, bill: Bill) -> None:
        counts = {
            "requests": Counter(self._tables.requests),
            "units": Counter(self._tables.units),
            "items": Counter(self._tables.items),
            "logs": Counter(self._log_sizes()),
        }
        new = {name: Counter(each) for name, each in counts.items()}
        for name, each in new.items():
            each.subtract(self._before.get(name, Counter()))
        self._before = counts
        requests = new["requests"]
        writes = sum(requests[name] for name in ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"))
        reads = sum(requests[name] for name in ("GetItem", "BatchGetItem", "Query"))
        bill.add("DynamoDB writes", writes, new["units"]["write"])
        bill.add("DynamoDB reads", reads, new["units"]["read"])
        bill.notes.update({f"DynamoDB requests: {name}": count for name, count in requests.items() if count})
        bill.notes.update({f"DynamoDB units: {name}": count for name, count in new["items"].items() if count})
        for label, size in new["logs"].items():
            if size:
                bill.add("Logs of the functions", 1, size / 1000, label)

    def _log_sizes(self) -> dict[str, int]:
        labels = [each.label for each in self._template.functions.values()]
        files = {label: self._system.home / "log" / f"{label}.log" for label in labels}
        return {label: file.stat().st_size for label, file in files.items() if file.exists()}

    async def _quiet(self, still_s: float = 1.5) -> list[dict[str, Any]]:
        """The new records, once for a while there were no more."""
        records: list[dict[str, Any]] = []
        last, at = -1, time.monotonic()
        while time.monotonic() - at < still_s:
            await asyncio.sleep(0.2)
            records = (await _json(f"{self._system.line.base_url}/local/traffic?after={self._seen}"))["records"]
            if len(records) != last:
                last, at = len(records), time.monotonic()
        return records


async def _json(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - loopback

    def ask() -> Any:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    return await asyncio.to_thread(ask)


async def minute(peer: Peer, turns: int, turn_s: float, *, played: bool = True) -> None:
    """Turns at the pace of people; Twilio reports each text frame when it has been spoken, if it was asked to."""
    plays = played and "tokens-played" in peer.attributes.get("events", "")
    for number in range(turns):
        began = time.monotonic()
        await peer.say(QUESTIONS[number % len(QUESTIONS)])
        frames: list[dict[str, Any]] = []
        while not frames or not frames[-1].get("last"):
            frames.append(await peer.receive())
        spoken = [each["token"] for each in frames if each["type"] == "text" and each.get("token", "").strip()]
        # A long reply is spoken faster here, so that a turn stays as long as it is said to be.
        left = turn_s * 0.9 - (time.monotonic() - began)
        pace = max(SPOKEN_CHARS_A_S, len("".join(spoken)) / max(left, 0.1))
        for token in spoken if plays else ():
            await asyncio.sleep(len(token) / pace)
            await peer.send(type="info", name="tokensPlayed", value=token.strip())
        await asyncio.sleep(max(0.0, began + turn_s - time.monotonic()))


async def call(system: System, meter: Meter, options: argparse.Namespace) -> tuple[list[Bill], Bill]:
    """A call: what each of its minutes cost, and what its opening and end did."""
    peer = await Peer(system.line).ring()
    await asyncio.sleep(1)
    opening = await meter.take()
    bills = []
    for _ in range(options.minutes):
        await minute(peer, TURNS, options.turn_s, played=options.played)
        bill = await meter.take()
        bill.add("WebSocket connection", 1)
        bills.append(bill)
    await peer.hang_up()
    await asyncio.sleep(6)  # The watchdog's last look comes four seconds after what it looks for.
    ends = opening.plus(await meter.take())
    ends.add("WebSocket connection", 1)  # A minute that was begun.
    ends.add("Secrets Manager (at most)", SECRETS["incoming"] + SECRETS["relay_connect"])
    return bills, ends


async def texts(line: Line, meter: Meter, bodies: Sequence[str]) -> Bill:
    """Texts of one person, each answered and delivered before the next."""
    person = "+15125550188"
    place = f"{line.base_url}/local/carrier/messages"
    query = f"?number={line.number.replace('+', '%2B')}&contact={person.replace('+', '%2B')}"
    for number, body in enumerate(bodies, start=1):
        await _json(place, {"to": line.number, "from": person, "body": body})
        until = time.monotonic() + 40
        while True:
            sent = [each for each in (await _json(place + query))["messages"] if each["direction"] == "outbound-api"]
            if len(sent) >= number and sent[-1]["status"] == "delivered":
                break
            if time.monotonic() > until:
                raise RuntimeError(f"text {number} was not answered: {sent}")
            await asyncio.sleep(0.2)
    bill = await meter.take()
    bill.add("Secrets Manager (at most)", len(bodies) * (SECRETS["sms_webhook"] + SECRETS["sms_reply"]))
    return bill.over(len(bodies))


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for a table engine of our own."""
    home = Path(tempfile.mkdtemp(prefix="ringfold-cost-"))
    (home / "tools").symlink_to(ROOT / ".local" / "tools")
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


async def main(options: argparse.Namespace) -> int:
    """Measure and print; the exit status."""
    model = SENTENCES
    await model.start()
    with scratch() as home:
        engine, port = start_ministack(load_settings({"RINGFOLD_HOME": str(home)}))
        try:
            await engine.wait_for_port(port)
            with metered(LOOPBACK, port) as (tables, url):
                environment = {
                    "AWS_ENDPOINT_URL_DYNAMODB": url,
                    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"http://{LOOPBACK}:{model.port}",
                }
                with running(environment) as system:
                    return await _measure(system, tables, options)
        finally:
            await engine.stop()
            await model.stop()


async def _measure(system: System, tables: TableMeter, options: argparse.Namespace) -> int:
    meter = Meter(system, tables)
    warm = await Peer(
        system.line, caller="+15125550199"
    ).ring()  # Secrets, connections, and what is kept of the number.
    await minute(warm, 1, 5)
    await warm.hang_up()
    await asyncio.sleep(6)
    await meter.take()
    bills, ends = await call(system, meter, options)
    text = await texts(system.line, meter, TEXTS)
    mean = bills[0].plus(*bills[1:]).over(options.minutes)
    print(mean.table("a call-minute"), ends.table("opening and ending a call"), text.table("a text"), sep="\n\n")
    whole = mean.dollars() + ends.dollars() / options.minutes
    print(f"\ncall-minute ${mean.dollars():.6f} (by minute {', '.join(f'{b.dollars():.6f}' for b in bills)})")
    print(f"opening and ending a call ${ends.dollars():.6f}; spread over {options.minutes} min: ${whole:.6f} a minute")
    print(f"text answered ${text.dollars():.6f}")
    for name, bill in (("minute", mean), ("opening and end", ends), ("text", text)) if options.details else ():
        print(f"\n{name}:", *(f"  {note} {count:.2f}" for note, count in sorted(bill.notes.items())), sep="\n")
    over = mean.dollars() > BUDGET
    print(f"\nbudget ${BUDGET} a call-minute: {'over' if over else 'within'}")
    return int(over)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=3, help="of the call")
    parser.add_argument("--turn-s", type=float, default=60 / TURNS, help="length of a turn")
    parser.add_argument("--no-played", dest="played", action="store_false", help="Twilio sends no tokensPlayed")
    parser.add_argument("--details", action="store_true", help="by function and operation")
    arguments = parser.parse_args()
    try:
        status = asyncio.run(main(arguments))
    except StartError as exc:
        sys.exit(str(exc))
    sys.exit(status)
