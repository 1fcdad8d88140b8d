"""Lambda's Invoke API, so that a function reaches another (or itself) through botocore's ordinary client."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Final

from local.faults import Faults
from local.template import FunctionRef, TemplateError, parse_function_ref
from local.traffic import Traffic
from local.workers import Outcome, Throttled, UnknownFunction, Workers

SYNC_LIMIT_BYTES: Final = 6 * 1024 * 1024
ASYNC_LIMIT_BYTES: Final = 1024 * 1024
_RETRY_AFTER_S: Final = (60.0, 120.0)
_THROTTLE_PAUSE_S: Final = 1.0

Answer = tuple[int, Mapping[str, str], bytes]


class InvokeApi:
    """Synchronous and asynchronous invocations."""

    def __init__(self, workers: Workers, traffic: Traffic, faults: Faults) -> None:
        self._workers = workers
        self._traffic = traffic
        self._faults = faults
        self._tasks: set[asyncio.Task[None]] = set()

    async def handle(self, name: str, qualifier: str | None, kind: str, payload: bytes) -> Answer:
        """Answer one Invoke request.

        Args:
            name: A function's name, partial ARN or ARN, perhaps with a qualifier.
            qualifier: The `Qualifier` parameter.
            kind: `X-Amz-Invocation-Type`.
            payload: The event.
        """
        try:
            ref = parse_function_ref(name)
            ref = FunctionRef(ref.name, qualifier or ref.qualifier)
            self._workers.pool(ref)
        except (TemplateError, UnknownFunction):
            return _error(404, "ResourceNotFoundException", f"Function not found: {name}")
        payload = payload or b"{}"
        limit = ASYNC_LIMIT_BYTES if kind == "Event" else SYNC_LIMIT_BYTES
        if len(payload) > limit:
            return _error(413, "RequestTooLargeException", f"Request must be smaller than {limit} bytes")
        try:
            json.loads(payload)
        except ValueError:
            return _error(400, "InvalidRequestContentException", "Could not parse request body into json")
        if kind == "Event":
            return self._accept(ref, payload)
        if kind == "DryRun":
            return 204, {}, b""
        return await self._run(ref, payload)

    async def stop(self) -> None:
        """Forget what is still to be run."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, ref: FunctionRef, payload: bytes) -> Answer:
        try:
            outcome = await self._invoke(ref, payload, "invoke")
        except Throttled:
            return _error(429, "TooManyRequestsException", "Rate exceeded")
        headers = {"content-type": "application/json", "x-amz-executed-version": "1" if ref.qualifier else "$LATEST"}
        headers["x-amzn-requestid"] = outcome.request_id
        if outcome.failed:
            headers["x-amz-function-error"] = "Unhandled"
        return 200, headers, outcome.payload

    def _accept(self, ref: FunctionRef, payload: bytes) -> Answer:
        faults = self._faults.async_events
        copies = 1
        if faults.drop > 0:
            faults.drop -= 1
            copies = 0
        elif faults.duplicate > 0:
            faults.duplicate -= 1
            copies = 2
        for _ in range(copies):
            task = asyncio.get_running_loop().create_task(self._run_later(ref, payload, faults.delay_ms / 1000))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return 202, {}, b""

    async def _run_later(self, ref: FunctionRef, payload: bytes, delay_s: float) -> None:
        """Run an accepted event: until it succeeds, its retries are used up or it is too old."""
        function = self._workers.pool(ref).function
        give_up = time.monotonic() + function.max_event_age_s
        await asyncio.sleep(delay_s)
        attempts = 0
        while time.monotonic() < give_up:
            try:
                outcome = await self._invoke(ref, payload, "async")
            except Throttled:
                await asyncio.sleep(_THROTTLE_PAUSE_S)
                continue
            if not outcome.failed or attempts >= function.retries:
                return
            await asyncio.sleep(_RETRY_AFTER_S[min(attempts, 1)])
            attempts += 1

    async def _invoke(self, ref: FunctionRef, payload: bytes, trigger: str) -> Outcome:
        outcome = await self._workers.invoke(ref, payload)
        self._traffic.record(
            "invoke",
            function=ref.name,
            trigger=trigger,
            request_id=outcome.request_id,
            duration_ms=round(outcome.duration_ms, 2),
            failed=outcome.failed,
        )
        return outcome


def _error(status: int, code: str, text: str) -> Answer:
    body = json.dumps({"Type": "User", "Message": text}).encode()
    return status, {"x-amzn-errortype": code, "content-type": "application/json"}, body
