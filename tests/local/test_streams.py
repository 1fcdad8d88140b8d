"""A table's stream, handed on to a function as Lambda's event source mapping does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from local.pool import Outcome, Throttled
from local.resources import FunctionRef, StreamSource
from local.streams import StreamPoller
from local.traffic import Traffic

SOURCE = StreamSource(
    "OutboxTable",
    FunctionRef("outbox"),
    batch_size=10,
    partial_failures=True,
    key_schema=({"AttributeName": "pk", "KeyType": "HASH"},),
)


class Engine:
    """DynamoDB and its streams, as far as they are asked.

    Attributes:
        stored: Keys of the items in the table.
        coming: Batches that the stream has next.
        streams: Whether this engine has streams at all.
    """

    def __init__(self, *stored: str, streams: bool = True) -> None:
        self.stored, self.streams = list(stored), streams
        self.coming: list[list[str]] = []
        self.count = 0

    def __call__(self, _service: str) -> Engine:
        return self

    def describe_table(self, TableName: str) -> dict[str, Any]:  # noqa: N803 - botocore's names
        del TableName
        return {"Table": {"LatestStreamArn": "arn"} if self.streams else {}}

    def describe_stream(self, **_: Any) -> dict[str, Any]:
        return {"StreamDescription": {"Shards": [{"ShardId": "s1"}]}}

    def get_shard_iterator(self, **_: Any) -> dict[str, Any]:
        return {"ShardIterator": "0"}

    def get_records(self, ShardIterator: str, Limit: int) -> dict[str, Any]:  # noqa: N803 - botocore's names
        assert Limit == SOURCE.batch_size
        assert "0" == ShardIterator
        records = []
        for key in self.coming.pop(0) if self.coming else []:
            self.count += 1
            change = {"Keys": {"pk": {"S": key}}, "NewImage": {"pk": {"S": key}}, "SequenceNumber": str(self.count)}
            records.append({"eventID": key, "eventName": "INSERT", "dynamodb": change})
        return {"Records": records, "NextShardIterator": "0"}

    def get_paginator(self, _name: str) -> Engine:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Items": [{"pk": {"S": key}} for key in self.stored]}]


class Function:
    """Notes what it is given; says what it is told to."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes, self.events = list(outcomes), []  # type: tuple[list[Any], list[dict[str, Any]]]

    async def invoke(self, _function: FunctionRef, payload: bytes) -> Outcome:
        self.events.append(json.loads(payload))
        outcome = self.outcomes.pop(0) if self.outcomes else {}
        if isinstance(outcome, Exception):
            raise outcome
        return Outcome("r", json.dumps(outcome).encode(), failed=outcome == "died", duration_ms=1.0)

    @property
    def keys(self) -> list[list[str]]:
        return [[each["dynamodb"]["Keys"]["pk"]["S"] for each in event["Records"]] for event in self.events]


async def poll(engine: Engine, function: Function, many: int) -> None:
    """Run the mapping until the function has been invoked so often, and a little longer."""
    poller = StreamPoller(SOURCE, "outbox", engine, function, Traffic())  # type: ignore[arg-type]
    poller.start()
    try:
        for _ in range(400):
            if len(function.events) >= many:
                break
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
    finally:
        await poller.stop()


async def test_records_come_as_lambda_gives_them() -> None:
    """In their order, with key and image, in batches as the stream has them."""
    engine, function = Engine(), Function()
    engine.coming = [["a", "b"], [], ["c"]]

    await poll(engine, function, 2)

    assert [["a", "b"], ["c"]] == function.keys
    record = function.events[0]["Records"][0]
    assert ("INSERT", "aws:dynamodb", "1.1") == (record["eventName"], record["eventSource"], record["eventVersion"])
    assert {"pk": {"S": "a"}} == record["dynamodb"]["NewImage"]


@pytest.mark.parametrize("refusal", ["died", Throttled("busy")], ids=["died", "throttled"])
async def test_what_was_not_taken_comes_again(refusal: Any) -> None:
    """All of it after a failure; from the first that is named after a partial one. Nothing overtakes it."""
    engine = Engine()
    function = Function(refusal, {"batchItemFailures": [{"itemIdentifier": "2"}]})
    engine.coming = [["a", "b", "c"], ["d"]]

    await poll(engine, function, 4)

    assert [["a", "b", "c"], ["a", "b", "c"], ["b", "c"], ["d"]] == function.keys


async def test_what_lay_there_before_is_handed_over_once() -> None:
    """The stream of a stand-in may have forgotten it."""
    engine, function = Engine("old"), Function()
    engine.coming = [["new"]]

    await poll(engine, function, 2)

    assert [["old"], ["new"]] == function.keys


async def test_an_engine_without_streams_is_scanned() -> None:
    """Each item once, whenever it is found."""
    engine, function = Engine("a", streams=False), Function()

    async def later() -> None:
        await asyncio.sleep(0.3)
        engine.stored.append("b")

    adding = asyncio.create_task(later())
    await poll(engine, function, 2)
    await adding

    assert [["a"], ["b"]] == function.keys
