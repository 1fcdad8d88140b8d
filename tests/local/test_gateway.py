"""The gateway's own pages: health, feeds, faults, workers, Host check."""

import asyncio
import json
import time

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.local.conftest import Stack, listening_addresses


async def test_health(stack: Stack) -> None:
    """Health is 200 once everything is up."""
    assert (200, "ok") == ((answer := await stack.http.get("/healthz")).status_code, answer.json()["status"])


async def test_gateway_listens_on_loopback_only(stack: Stack) -> None:
    """Nobody outside this machine reaches the gateway but through a tunnel of one's own."""
    assert {"127.0.0.1"} == listening_addresses(stack.port)


async def test_foreign_hosts_and_pages_are_refused(stack: Stack) -> None:
    """A foreign Host or Origin gets nothing, over HTTP and over a WebSocket."""
    rebound = await stack.http.get("/local/workers", headers={"host": "evil.example"})
    foreign = await stack.http.put("/local/gateway/faults", json={}, headers={"origin": "http://evil.example"})
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://127.0.0.1:{stack.port}/relay?token=x", origin=Origin("http://evil.example"), proxy=None)

    assert [403, 403, 403] == [rebound.status_code, foreign.status_code, refused.value.response.status_code]


async def test_connections_and_invoke_are_not_public(stack: Stack) -> None:
    """What came through a tunnel reaches neither @connections nor the functions nor our pages."""
    forwarded = {"x-forwarded-for": "54.1.1.1"}
    paths = ["/relay/@connections/abc", "/2015-03-31/functions/x/invocations", "/local/traffic", "/"]

    statuses = [(await stack.http.post(path, headers=forwarded)).status_code for path in paths]

    assert [403] * 4 == statuses
    for path in ("/api/echo", "/fallback/voice"):
        assert 200 == (await stack.http.post(path, data={"a": "b"}, headers=forwarded)).status_code


async def test_event_stream_replays_and_goes_on(stack: Stack) -> None:
    """The event stream gives what was missed after an id and then what comes, of one call if asked."""
    seen = stack.traffic.record("log", call_sid="CA1", n=0)
    stack.traffic.record("log", call_sid="CA1", n=1)
    stack.traffic.record("log", call_sid="CA2", n=2)

    found = []
    async with stack.http.stream("GET", f"/local/events?after={seen['id']}&call_sid=CA1") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line[6:])["n"])
                stack.traffic.record("log", call_sid="CA1", n=3)
            if len(found) == 2:
                break

    assert "text/event-stream; charset=utf-8" == answer.headers["content-type"]
    assert [1, 3] == found


async def test_connections_and_workers_are_listed(stack: Stack) -> None:
    """Open connections are listed with their calls, pools with their workers."""
    async with stack.call("abc"):
        connections = (await stack.http.get("/local/gateway/connections")).json()["connections"]
    pools = (await stack.http.get("/local/workers")).json()["pools"]

    assert [("CAabc", "open")] == [(each["call_sid"], each["state"]) for each in connections]
    assert {"web": 2, "gate": 2, "frames": 2, "queue": 2, "desk": 0} == {
        pool["function"]: len(pool["workers"]) for pool in pools
    }


async def test_worker_faults_are_checked(stack: Stack) -> None:
    """Faults for a function that does not exist, or that do not exist, are refused."""
    unknown = await stack.http.put("/local/workers/nobody/faults", json={})
    wrong = await stack.http.put("/local/workers/web/faults", json={"colour": "red"})

    assert [404, 400] == [unknown.status_code, wrong.status_code]


async def test_no_model_is_explained(stack: Stack) -> None:
    """Without the scripted model its control says so."""
    answer = await stack.http.get("/local/model/behaviour")

    assert (404, "no_model") == (answer.status_code, answer.json()["error"]["code"])


async def test_a_frame_and_its_answer_are_quick(stack: Stack) -> None:
    """From a frame through a worker and a signed post back to the client takes a few milliseconds."""
    async with stack.call() as socket:
        times = []
        for _ in range(60):
            started = time.perf_counter()
            await socket.send("{}")
            await socket.recv()
            times.append((time.perf_counter() - started) * 1000)

    assert sorted(times)[30] < 8


async def test_fifty_connections_at_once(stack: Stack) -> None:
    """Fifty connections speak at the same time; each gets its own answers."""

    async def converse(n: int) -> list[int]:
        async with stack.call(f"call{n}") as socket:
            told = []
            for _ in range(3):
                await socket.send(json.dumps({"n": n}))
                told.append(json.loads(await socket.recv())["n"])
            return told

    async with asyncio.timeout(60):
        told = await asyncio.gather(*(converse(n) for n in range(50)))

    assert [[n] * 3 for n in range(50)] == told


async def test_large_bodies_are_refused(stack: Stack) -> None:
    """A webhook above 10 MB is refused as API Gateway refuses it."""
    answer: httpx.Response = await stack.http.post("/api/echo", content=b"x" * (10 * 1024 * 1024 + 1))

    assert 413 == answer.status_code
