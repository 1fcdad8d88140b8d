"""The WebSocket API: handshake, events, delivery of frames, errors, limits."""

import asyncio
import contextlib
import json
import time
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local.relay_api import RelayLimits
from tests.local.conftest import Stack, StartStack


async def frames_of(socket: Any, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(10):
        return [json.loads(await socket.recv()) for _ in range(count)]


async def test_authorizer_sees_the_handshake(stack: Stack) -> None:
    """The authorizer gets headers in the sender's case, the decoded query, the ARN of $connect and a connection id."""
    async with stack.call("abc", **{"X-Twilio-Signature": "s1gn="}):
        event = await stack.printed("gate", "gate")

    assert "REQUEST" == event["type"]
    assert event["methodArn"].endswith("/test/$connect")
    assert "s1gn=" == event["headers"]["X-Twilio-Signature"]
    assert ["s1gn="] == event["multiValueHeaders"]["X-Twilio-Signature"]
    assert {"token": "abc", "note": "a b"} == event["queryStringParameters"]
    assert event["requestContext"]["connectionId"].endswith("=")


@pytest.mark.parametrize(
    ("token", "status"),
    [("deny", 403), ("crash", 500), ("", 401), ("teapot", 418), ("broken", 502)],
)
async def test_refused_handshakes(stack: Stack, token: str, status: int) -> None:
    """A denial is 403, a failing authorizer 500, no token 401; $connect's own status passes; its failure is 502."""
    with pytest.raises(InvalidStatus) as refused:
        async with stack.call(token):
            pass

    assert status == refused.value.response.status_code


async def test_frame_event(stack: Stack) -> None:
    """A frame's event carries the authorizer's context as strings, stamps and ids, and no headers."""
    before_ms = time.time() * 1000
    async with stack.call("abc") as socket:
        await socket.send('{"type": "prompt", "n": 1}')
        (told,) = await frames_of(socket, 1)

    context = told["event"]["requestContext"]
    assert {"requestContext", "body", "isBase64Encoded"} == set(told["event"])
    assert '{"type": "prompt", "n": 1}' == told["event"]["body"]
    assert ("CAabc", "1", "true") == tuple(context["authorizer"][name] for name in ("call_sid", "gen", "ok"))
    assert ("$default", "MESSAGE") == (context["routeKey"], context["eventType"])
    assert before_ms - 1 <= context["requestTimeEpoch"] <= time.time() * 1000
    assert context["messageId"].endswith("=")


async def test_frames_of_a_connection_run_in_parallel(stack: Stack) -> None:
    """While one frame is handled, the next one is handled too, elsewhere."""
    async with stack.call() as socket:
        await socket.send('{"n": 1, "sleep": 0.5}')
        await socket.send('{"n": 2}')
        told = await frames_of(socket, 2)

    assert [2, 1] == [each["n"] for each in told]
    assert told[0]["pid"] != told[1]["pid"]


async def test_serial_frames_wait_for_each_other(stack: Stack) -> None:
    """With `serial` a frame is handled when the one before it has been."""
    stack.faults.update({"frames": {"mode": "serial"}})
    async with stack.call() as socket:
        await socket.send('{"n": 1, "sleep": 0.3}')
        await socket.send('{"n": 2}')
        told = await frames_of(socket, 2)

    assert [1, 2] == [each["n"] for each in told]


async def test_shuffled_frames_overtake_and_double(stack: Stack) -> None:
    """With `shuffle` frames overtake one another and some come twice, with the same stamp and body."""
    stack.faults.update({"frames": {"mode": "shuffle", "seed": 5, "delay_ms": [0, 150], "duplicate": 1.0}})
    async with stack.call() as socket:
        for n in range(5):
            await socket.send(json.dumps({"n": n}))
        told = await frames_of(socket, 10)

    order = [each["n"] for each in told]
    assert [0, 0, 1, 1, 2, 2, 3, 3, 4, 4] == sorted(order)
    assert sorted(order) != order
    stamps = {
        n: {each["event"]["requestContext"]["requestTimeEpoch"] for each in told if each["n"] == n} for n in order
    }
    assert all(len(found) == 1 for found in stamps.values())


async def test_tied_stamps(stack: Stack) -> None:
    """With tied stamps, frames of one second cannot be told apart by their time."""
    stack.faults.update({"frames": {"stamps": "tied"}})
    async with stack.call() as socket:
        await socket.send("{}")
        (told,) = await frames_of(socket, 1)

    assert 0 == told["event"]["requestContext"]["requestTimeEpoch"] % 1000


@pytest.mark.parametrize("do", ["raise", "exit", "malformed"])
async def test_failing_handler_is_shown_to_the_client(stack: Stack, do: str) -> None:
    """A handler that fails makes the gateway push its own error frame, and the feed calls it a violation."""
    async with stack.call() as socket:
        await socket.send(json.dumps({"do": do}))
        (frame,) = await frames_of(socket, 1)
        connection_id = stack.connection_id()

    assert {"message", "connectionId", "requestId"} == set(frame)
    assert ("Internal server error", connection_id) == (frame["message"], frame["connectionId"])
    assert "error frame" in (await stack.record("violation"))["what"]


async def test_slow_handler_times_out_but_runs_on(stack: Stack) -> None:
    """After the integration timeout the client gets the error frame; the handler's post still arrives."""
    async with stack.call() as socket:
        await socket.send('{"type": "hurried", "sleep": 2.3, "n": 7}')
        frames = await frames_of(socket, 2)

    assert "Internal server error" == frames[0]["message"]
    assert 7 == frames[1]["n"]


@pytest.mark.parametrize("size", [33_000, 200_000])
async def test_large_frames_close_the_socket(stack: Stack, size: int) -> None:
    """A frame above 32 KB ends the connection with 1009."""
    async with stack.call() as socket:
        await socket.send(json.dumps({"do": "quiet", "x": "y" * size}))
        with pytest.raises(ConnectionClosed):
            await socket.recv()

    assert 1009 == socket.close_code
    assert 1009 == (await stack.record("disconnect"))["code"]


async def test_message_above_128_kb_closes_the_socket(stack: Stack) -> None:
    """Frames that make up a message above 128 KB end the connection with 1009."""
    async with stack.call() as socket:
        with contextlib.suppress(ConnectionClosed):
            await socket.send(["y" * 30_000] * 5)
        await socket.wait_closed()

    assert 1009 == (await stack.record("disconnect"))["code"]


async def test_fragmented_message_may_be_larger_than_a_frame(stack: Stack) -> None:
    """A message of several frames may have up to 128 KB."""
    async with stack.call() as socket:
        await socket.send(['{"n": 1, "x": "', *["y" * 32_000] * 3, '"}'])
        (told,) = await frames_of(socket, 1)

    assert 1 == told["n"]


async def test_binary_frames_close_the_socket(stack: Stack) -> None:
    """A binary frame ends the connection with 1003."""
    async with stack.call() as socket:
        await socket.send(b"\x00\x01")
        with pytest.raises(ConnectionClosed):
            await socket.recv()

    assert 1003 == socket.close_code


async def test_disconnect_event(stack: Stack) -> None:
    """$disconnect is told the client's close code, with the authorizer's context."""
    async with stack.call() as socket:
        await socket.close(4001, "bye")

    def is_disconnect(record: dict[str, Any]) -> bool:
        return '"DISCONNECT"' in record["line"]

    line = (await stack.record("log", is_disconnect))["line"]
    context = json.loads(line)["gate"]["requestContext"]
    assert (4001, "bye") == (context["disconnectStatusCode"], context["disconnectReason"])
    assert "CAabc" == context["authorizer"]["call_sid"]


@pytest.mark.parametrize("times", [0, 2])
async def test_disconnect_event_may_never_come_or_twice(stack: Stack, times: int) -> None:
    """$disconnect is best effort: it may come late, twice or not at all."""
    await stack.http.put("/local/gateway/faults", json={"disconnects": {"times": times, "delay_ms": 20}})
    async with stack.call():
        pass
    await stack.record("disconnect")
    await asyncio.sleep(0.3)

    triggers = [record["trigger"] for record in stack.traffic.records(kind="invoke")]
    assert times == triggers.count("$disconnect")


async def test_idle_and_old_connections_are_closed(start_stack: StartStack) -> None:
    """A connection ends with 1001 when it was idle too long or lived too long."""
    for limits in (RelayLimits(idle_s=0.2), RelayLimits(lifetime_s=0.2)):
        stack = await start_stack(limits)
        async with stack.call() as socket:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 5)

        assert 1001 == socket.close_code


async def test_post_during_connect_is_gone(stack: Stack) -> None:
    """A post before $connect was answered is 410, and a violation."""
    async with stack.call("early"):
        violation = await stack.record("violation")

    assert "before $connect" in violation["what"]
