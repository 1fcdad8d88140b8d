"""SQS event source mappings: poll a queue, invoke the function, delete what it handled."""

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from local.shapes import build_queue_event
from local.template import QueueSource
from local.traffic import Traffic
from local.workers import Outcome, Throttled, Workers

_LONG_POLL_S: Final = 1
_PAUSE_S: Final = 0.5


class QueuePoller:
    """One event source mapping.

    Args:
        source: Which queue invokes which function.
        queue_url: Where the queue is.
        queue_arn: Its ARN, told to the function.
        client: Makes a botocore client for SQS; called once per thread.
        workers: Who runs the function.
        traffic: Told of every invocation.
        region: Told to the function.
    """

    def __init__(
        self,
        source: QueueSource,
        queue_url: str,
        queue_arn: str,
        client: Callable[[], Any],
        workers: Workers,
        traffic: Traffic,
        region: str = "us-east-1",
    ) -> None:
        self._source = source
        self._url = queue_url
        self._arn = queue_arn
        self._client = client()
        self._workers = workers
        self._traffic = traffic
        self._region = region
        self._free = threading.BoundedSemaphore(source.concurrency)
        self._stopped = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._poll, name=f"poll {source.queue}", daemon=True)

    def start(self) -> None:
        """Begin to poll, in a thread of its own."""
        self._thread.start()

    async def stop(self) -> None:
        """Stop polling; what is being handled is left to its visibility timeout."""
        self._stopped.set()
        await asyncio.to_thread(self._thread.join, _LONG_POLL_S + 1.0)

    def _poll(self) -> None:
        while not self._stopped.is_set():
            if not self._free.acquire(timeout=_PAUSE_S):
                continue
            messages = self._receive()
            if not messages or self._stopped.is_set():
                self._free.release()
                continue
            handled = asyncio.run_coroutine_threadsafe(self._handle(messages), self._loop)
            handled.add_done_callback(self._done)

    def _done(self, handled: "Future[None]") -> None:
        self._free.release()
        if not handled.cancelled() and (exc := handled.exception()) is not None:
            self._traffic.record("log", function=self._source.function.name, line=f"event source mapping: {exc!r}")

    def _receive(self) -> list[dict[str, Any]]:
        try:
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(self._source.batch_size, 10),
                WaitTimeSeconds=_LONG_POLL_S,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        except (BotoCoreError, ClientError):
            self._stopped.wait(_PAUSE_S)
            return []
        messages: list[dict[str, Any]] = answer.get("Messages", [])
        return messages

    async def _handle(self, messages: Sequence[dict[str, Any]]) -> None:
        event = build_queue_event(messages, self._arn, self._region)
        ref = self._source.function
        try:
            outcome = await self._workers.invoke(ref, json.dumps(event).encode())
        except Throttled:
            return  # They come back when their visibility timeout has passed.
        self._traffic.record(
            "invoke",
            function=ref.name,
            trigger="sqs",
            request_id=outcome.request_id,
            duration_ms=round(outcome.duration_ms, 2),
            failed=outcome.failed,
            messages=len(messages),
        )
        failed = failed_messages(outcome, [message["MessageId"] for message in messages], self._source)
        handled = [message for message in messages if message["MessageId"] not in failed]
        if handled:
            await asyncio.to_thread(self._delete, handled)

    def _delete(self, messages: Sequence[dict[str, Any]]) -> None:
        entries = [
            {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]} for index, message in enumerate(messages)
        ]
        self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)


def failed_messages(outcome: Outcome, message_ids: Sequence[str], source: QueueSource) -> set[str]:
    """Which messages are to come back, as Lambda reads an answer.

    Without `ReportBatchItemFailures` it is all or nothing; with it a failed invocation, or an answer that names an
    unknown or empty id, means all of them.
    """
    return failed_items(outcome, message_ids, partial_failures=source.partial_failures)


def failed_items(outcome: Outcome, ids: Sequence[str], *, partial_failures: bool) -> set[str]:
    """The same of any event source: ``ids`` are what a function may name."""
    everything = set(ids)
    if outcome.failed:
        return everything
    if not partial_failures:
        return set()
    document = outcome.json()
    if document is None or document == {}:
        return set()
    try:
        named = {failure["itemIdentifier"] for failure in document["batchItemFailures"] or []}
    except (KeyError, TypeError):
        return everything
    if not named <= everything:
        return everything
    return named
