"""Lambda's Invoke API, as botocore's client sees it."""

import asyncio
import json
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.local.conftest import Stack


async def invoke(stack: Stack, name: str = "FramesFunction", payload: Any = None, **arguments: Any) -> Any:
    session = botocore.session.Session()
    session.set_credentials("local", "local")
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    own: Any = session.create_client("lambda", "us-east-1", endpoint_url=stack.url, config=config)
    try:
        answer = await asyncio.to_thread(
            own.invoke, FunctionName=name, Payload=json.dumps(payload or {"a": 1}).encode(), **arguments
        )
        return answer | {"Payload": answer["Payload"].read()}
    finally:
        own.close()


@pytest.mark.parametrize(
    ("name", "arguments", "qualifier"),
    [
        ("ringfold-local-FramesFunction", {}, ""),
        ("ringfold-local-FramesFunction:live", {}, ":live"),
        ("ringfold-local-FramesFunction", {"Qualifier": "live"}, ":live"),
        ("arn:aws:lambda:us-east-1:000000000000:function:ringfold-local-FramesFunction:live", {}, ":live"),
    ],
)
async def test_names(stack: Stack, name: str, arguments: dict[str, str], qualifier: str) -> None:
    """A function is found by name and ARN, with and without its alias, and told the ARN it was called by."""
    answer = await invoke(stack, name, **arguments)

    told = json.loads(answer["Payload"])
    assert (200, {"a": 1}) == (answer["StatusCode"], told["asked"])
    assert told["arn"].endswith(f":function:ringfold-local-FramesFunction{qualifier}")


async def test_failing_function(stack: Stack) -> None:
    """A handler's exception is Lambda's error document."""
    event = {"requestContext": {"connectionId": "x"}, "body": '{"do": "raise"}'}

    answer = await invoke(stack, payload=event)

    document = json.loads(answer["Payload"])
    assert "Unhandled" == answer["FunctionError"]
    assert ("ValueError", "asked for") == (document["errorType"], document["errorMessage"])
    assert "functions/frames/app.py" in document["stackTrace"][0]


async def test_unknown_function_and_throttling(stack: Stack) -> None:
    """An unknown function is ResourceNotFoundException; one without free workers TooManyRequestsException."""
    with pytest.raises(ClientError) as unknown:
        await invoke(stack, "nobody")
    await stack.http.put("/local/workers/frames/faults", json={"concurrency": 0})
    with pytest.raises(ClientError) as throttled:
        await invoke(stack)

    assert "ResourceNotFoundException" == unknown.value.response["Error"]["Code"]
    assert "TooManyRequestsException" == throttled.value.response["Error"]["Code"]


@pytest.mark.parametrize(("faults", "runs"), [({}, 1), ({"duplicate": 1}, 2), ({"drop": 1}, 0), ({"delay_ms": 100}, 1)])
async def test_asynchronous_invocation(stack: Stack, faults: dict[str, int], runs: int) -> None:
    """An event is accepted with 202 and run once; faults run it twice, never or late."""
    await stack.http.put("/local/gateway/faults", json={"async_events": faults})

    answer = await invoke(stack, InvocationType="Event")
    await invoke(stack)
    await asyncio.sleep(0.25)

    triggers = [record["trigger"] for record in stack.traffic.records(kind="invoke")]
    assert (202, b"") == (answer["StatusCode"], answer["Payload"])
    assert runs == triggers.count("async")


async def test_failing_asynchronous_event_is_not_repeated(stack: Stack) -> None:
    """With no retries configured, a failing event runs once."""
    event = {"requestContext": {"connectionId": "x"}, "body": '{"do": "raise"}'}

    await invoke(stack, payload=event, InvocationType="Event")
    record = await stack.record("invoke")

    assert record["failed"]
    assert [] == await asyncio.to_thread(stack.traffic.records, record["id"], None, "invoke")
