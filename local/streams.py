"""DynamoDB stream event source mappings: read a table's stream, invoke the function, go on where it stopped.

What the table held before the run began is handed over first, as the stream of AWS would still have it: a stand-in for
the engine may forget its streams over a restart. An engine without streams is scanned instead.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from local.queues import failed_items
from local.resources import StreamSource
from local.traffic import Traffic
from local.workers import Outcome, Throttled, Workers

_PAUSE_S: Final = 0.15
_SCAN_PAUSE_S: Final = 1.0
_RETRY_S: Final = 0.5
_MOST_TRIES: Final = 20

Record = dict[str, Any]


class StreamPoller:
    """One event source mapping.

    Args:
        source: Which table's stream invokes which function.
        table: The table's physical name.
        client: Makes a botocore client of a service.
        workers: Who runs the function.
        traffic: Told of every invocation.
        region: Told to the function.
    """

    def __init__(
        self,
        source: StreamSource,
        table: str,
        client: Callable[[str], Any],
        workers: Workers,
        traffic: Traffic,
        region: str = "us-east-1",
    ) -> None:
        self._source, self._table = source, table
        self._dynamodb, self._streams = client("dynamodb"), client("dynamodbstreams")
        self._workers, self._traffic, self._region = workers, traffic, region
        self._stopped = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._seen: set[str] = set()
        self._thread = threading.Thread(target=self._poll, name=f"stream of {table}", daemon=True)

    def start(self) -> None:
        """Begin to read, in a thread of its own."""
        self._thread.start()

    async def stop(self) -> None:
        """Stop reading."""
        self._stopped.set()
        await asyncio.to_thread(self._thread.join, 2.0)

    def _poll(self) -> None:
        try:
            iterators = self._latest()
        except (BotoCoreError, ClientError, KeyError) as exc:
            self._log(f"{self._table} has no stream here ({type(exc).__name__}): it is scanned instead")
            iterators = None
        self._hand_over_stored()
        while not self._stopped.wait(_PAUSE_S if iterators is not None else _SCAN_PAUSE_S):
            try:
                if iterators is None:
                    self._hand_over_stored()
                else:
                    iterators = self._read(iterators)
            except (BotoCoreError, ClientError) as exc:
                self._log(f"stream of {self._table}: {type(exc).__name__}")
                self._stopped.wait(_RETRY_S)

    def _latest(self) -> dict[str, str]:
        """Where to go on in each shard: behind all that is there now."""
        arn = self._dynamodb.describe_table(TableName=self._table)["Table"]["LatestStreamArn"]
        shards = self._streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        return {
            shard["ShardId"]: self._streams.get_shard_iterator(
                StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="LATEST"
            )["ShardIterator"]
            for shard in shards
        }

    def _read(self, iterators: Mapping[str, str]) -> dict[str, str]:
        following = {}
        for shard, iterator in iterators.items():
            answer = self._streams.get_records(ShardIterator=iterator, Limit=self._source.batch_size)
            if answer["Records"]:
                self._deliver([build_record(each, self._region) for each in answer["Records"]])
            if answer.get("NextShardIterator"):
                following[shard] = answer["NextShardIterator"]
        return following

    def _hand_over_stored(self) -> None:
        """What is in the table and was not handed over in this run, as the insertions it came by."""
        items: list[Any] = []
        for page in self._dynamodb.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True):
            items += page["Items"]
        names = [each["AttributeName"] for each in self._source.key_schema]
        fresh = []
        for item in items:
            key = json.dumps([item[name] for name in names])
            if key not in self._seen:
                self._seen.add(key)
                fresh.append(item)
        for start in range(0, len(fresh), self._source.batch_size):
            batch = fresh[start : start + self._source.batch_size]
            records = [
                {
                    "eventName": "INSERT",
                    "dynamodb": {
                        "Keys": {name: item[name] for name in names},
                        "NewImage": item,
                        "SequenceNumber": str(start + at),
                    },
                }
                for at, item in enumerate(batch)
            ]
            self._deliver([build_record(each, self._region) for each in records])

    def _deliver(self, records: Sequence[Record]) -> None:
        """Invoke the function until it has taken every record, or has been tried often enough."""
        left = list(records)
        for _ in range(_MOST_TRIES):
            if not left or self._stopped.is_set():
                return
            outcome = asyncio.run_coroutine_threadsafe(self._invoke(left), self._loop).result()
            numbers = [each["dynamodb"]["SequenceNumber"] for each in left]
            failed = failed_items(outcome, numbers, partial_failures=self._source.partial_failures) if outcome else None
            first = min((numbers.index(each) for each in failed), default=len(left)) if failed is not None else 0
            left = left[first:]
            if left:
                self._stopped.wait(_RETRY_S)
        if left:
            self._log(f"{len(left)} records of {self._table} could not be handed over")

    async def _invoke(self, records: Sequence[Record]) -> Outcome | None:
        try:
            outcome = await self._workers.invoke(self._source.function, json.dumps({"Records": records}).encode())
        except Throttled:
            return None
        self._traffic.record(
            "invoke",
            function=self._source.function.name,
            trigger="stream",
            request_id=outcome.request_id,
            duration_ms=round(outcome.duration_ms, 2),
            failed=outcome.failed,
            messages=len(records),
        )
        return outcome

    def _log(self, line: str) -> None:
        self._loop.call_soon_threadsafe(
            lambda: self._traffic.record("log", function=self._source.function.name, line=line)
        )


def build_record(record: Mapping[str, Any], region: str) -> Record:
    """A stream record as Lambda gives it to a function."""
    change = record["dynamodb"]
    kept = {name: change[name] for name in ("Keys", "NewImage", "OldImage", "SequenceNumber") if name in change}
    return {
        "eventID": str(record.get("eventID", "")),
        "eventName": record["eventName"],
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": region,
        "dynamodb": {**kept, "StreamViewType": change.get("StreamViewType", "NEW_IMAGE")},
    }
