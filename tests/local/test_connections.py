"""The @connections API, as botocore's client sees it."""

import asyncio
import json
import os
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.local.conftest import Stack


def client(stack: Stack, read_timeout_s: float = 3.0) -> Any:
    session = botocore.session.Session()
    session.set_credentials("local", "local")
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"}, read_timeout=read_timeout_s)
    url = f"{stack.url}/relay"
    return session.create_client("apigatewaymanagementapi", "us-east-1", endpoint_url=url, config=config)


async def post(stack: Stack, data: bytes = b"hello", connection_id: str | None = None, timeout_s: float = 3.0) -> Any:
    target = connection_id or stack.connection_id()
    own = client(stack, timeout_s)
    try:
        return await asyncio.to_thread(own.post_to_connection, ConnectionId=target, Data=data)
    finally:
        own.close()


async def error_code(stack: Stack, **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        await post(stack, **arguments)
    return str(refused.value.response["Error"]["Code"])


async def test_post_look_and_close(stack: Stack) -> None:
    """A post arrives as a text frame; a look tells times; a delete closes the socket."""
    own = client(stack)
    async with stack.call() as socket:
        connection_id = stack.connection_id()
        await post(stack, "grüß".encode())
        received = await socket.recv()
        described = await asyncio.to_thread(own.get_connection, ConnectionId=connection_id)
        await asyncio.to_thread(own.delete_connection, ConnectionId=connection_id)
        await socket.wait_closed()
    own.close()

    assert "grüß" == received
    assert described["ConnectedAt"] <= described["LastActiveAt"]
    assert 1000 == socket.close_code


async def test_unknown_closed_and_large(stack: Stack) -> None:
    """An unknown or closed connection is GoneException, a message above 128 KB PayloadTooLargeException."""
    async with stack.call() as socket:
        connection_id = stack.connection_id()
        too_large = await error_code(stack, data=b"x" * 131_073)
        largest = await post(stack, b"x" * 131_072)
        arrived = len(await socket.recv())
    await stack.record("disconnect")

    assert "GoneException" == await error_code(stack, connection_id="AAAAAAAAAAAAAAA=")
    assert "GoneException" == await error_code(stack, connection_id=connection_id)
    assert "PayloadTooLargeException" == too_large
    assert (200, 131_072) == (largest["ResponseMetadata"]["HTTPStatusCode"], arrived)


async def test_unsigned_post_is_refused(stack: Stack) -> None:
    """A post without a SigV4 signature is refused."""
    async with stack.call():
        answer = await stack.http.post(f"/relay/@connections/{stack.connection_id()}", content=b"x")

    assert (403, "MissingAuthenticationTokenException") == (answer.status_code, answer.headers["x-amzn-errortype"])


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("gone", "GoneException"),
        ("limit", "LimitExceededException"),
        ("forbidden", "ForbiddenException"),
        ("error", "InternalServerErrorException"),
    ],
)
async def test_faults_of_posts(stack: Stack, fault: str, code: str) -> None:
    """After so many posts, so many are refused; then all pass again."""
    await stack.http.put("/local/gateway/faults", json={"posts": [{"fault": fault, "after": 1, "times": 1}]})
    async with stack.call() as socket:
        await post(stack, b"1")
        refused = await error_code(stack, data=b"2")
        await post(stack, b"3")
        received = [await socket.recv(), await socket.recv()]

    assert (code, ["1", "3"]) == (refused, received)


@pytest.mark.parametrize(
    ("fault", "delivered"),
    [("timeout_delivered", True), ("reset", False), ("reset_delivered", True), ("slow", True)],
)
async def test_posts_without_an_answer(stack: Stack, fault: str, delivered: bool) -> None:
    """A post may time out or break off, delivered or not."""
    document = {"posts": [{"fault": fault, "times": 1, "ms": 700}]}
    assert 200 == (await stack.http.put("/local/gateway/faults", json=document)).status_code
    async with stack.call() as socket:
        with pytest.raises(BotoCoreError):
            await post(stack, b"1", timeout_s=0.3)
        await asyncio.sleep(0 if fault != "slow" else 0.6)
        await post(stack, b"2")
        received = [await socket.recv() for _ in range(2 if delivered else 1)]

    assert (["1", "2"] if delivered else ["2"]) == received


async def test_a_caller_who_does_not_read_is_a_full_buffer(stack: Stack) -> None:
    """When the socket's buffer is full a post is LimitExceededException; the gateway does not wait or grow."""
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=test"}
    async with stack.call() as socket:
        socket.transport.pause_reading()
        path = f"/relay/@connections/{stack.connection_id()}"
        statuses = [
            (await stack.http.post(path, content=b"x" * 100_000, headers=signed)).status_code for _ in range(150)
        ]
        socket.transport.abort()

    assert {200, 429} == set(statuses)
    assert 429 == statuses[-1]


async def test_bad_fault_is_explained(stack: Stack) -> None:
    """A fault that cannot be meant is refused with what was expected, and changes nothing."""
    answer = await stack.http.put("/local/gateway/faults", json={"posts": [{"fault": "vanish"}]})

    assert 400 == answer.status_code
    assert "gone" in answer.json()["error"]["message"]
    assert [] == (await stack.http.get("/local/gateway/faults")).json()["posts"]


async def test_posts_from_a_worker_are_frames_out(stack: Stack) -> None:
    """The feed shows what functions say, with the call it belongs to."""
    async with stack.call("abc") as socket:
        await socket.send('{"n": 1}')
        await socket.recv()

    out = await stack.record("frame_out")
    assert ("CAabc", 1) == (out["call_sid"], json.loads(out["body"])["n"])
    assert os.getpid() != json.loads(out["body"])["pid"]
