"""The pool of one function's workers: one event at a time each, more of them when none is free."""

import asyncio
import contextlib
import json
import os
import resource
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass
from typing import Any, Final, cast

from local.image import Image, ImageEnded, LogLine
from local.template import Function
from local.worker import READY, REQUEST, RESPONSE

DEFAULT_CAP: Final = 64
PREWARMED: Final = 2
IDLE_S: Final = 60.0
_MAX_LOG_LINE: Final = 262_144


class WorkerEnded(Exception):
    """A worker died before it could take an event."""


class Throttled(Exception):
    """Every worker the function may have is busy (Lambda's 429)."""


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended.

    Attributes:
        payload: The handler's answer, or Lambda's error document.
        failed: Whether it is the latter (`X-Amz-Function-Error`).
    """

    request_id: str
    payload: bytes
    failed: bool
    duration_ms: float

    def json(self) -> Any:
        """The payload, decoded."""
        return json.loads(self.payload)


@dataclass
class WorkerFaults:
    """What to do to the workers of one function, for tests; set through `/local/workers/faults`.

    Attributes:
        concurrency: Refuse invocations above this many at once (0: every one).
        start_ms: Delay every start of a worker.
        kill_after_ms: Kill the worker this long after it took an event, `times` times.
        times: How often; None means until changed.
        memory_mb: Limit the address space of a worker that takes an event (Linux).
    """

    concurrency: int | None = None
    start_ms: int = 0
    kill_after_ms: int | None = None
    times: int | None = None
    memory_mb: int | None = None


class _Worker(asyncio.Protocol):
    """One worker process, seen from here."""

    def __init__(self, pool: "Pool", log_fd: int) -> None:
        self.pid = 0
        self.request_id: str | None = None
        self.idle_since = time.monotonic()
        self._pool = pool
        self._log_fd = log_fd
        self._log_rest = b""
        self._buffer = bytearray()
        self._future: asyncio.Future[Outcome] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._started = 0.0
        self._timeout_s = 0.0
        self._timed_out = False
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self.loaded: asyncio.Future[None] = self._loop.create_future()
        os.set_blocking(log_fd, False)
        self._loop.add_reader(log_fd, self.read_log)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not registered as one

    def send(self, request_id: str, header: bytes, payload: bytes, timeout_s: float) -> asyncio.Future[Outcome]:
        """Hand over an event; the future is done when the worker answered or died."""
        assert self._transport is not None
        self.request_id, self._started, self._timeout_s = request_id, time.perf_counter(), timeout_s
        self._future = self._loop.create_future()
        self._timer = self._loop.call_later(timeout_s, self._time_out)
        self._transport.write(REQUEST.pack(len(header), len(payload)) + header + payload)
        return self._future

    def data_received(self, data: bytes) -> None:
        if not self.loaded.done():
            data = data[len(READY) :]
            self.loaded.set_result(None)
        self._buffer += data
        if len(self._buffer) < RESPONSE.size:
            return
        status, size = RESPONSE.unpack_from(self._buffer)
        if len(self._buffer) < RESPONSE.size + size:
            return
        payload = bytes(self._buffer[RESPONSE.size : RESPONSE.size + size])
        self._buffer.clear()
        self.read_log()
        self._finish(payload, failed=status != 0)
        self._pool.released(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        self.read_log()
        self._loop.remove_reader(self._log_fd)
        os.close(self._log_fd)
        if not self.loaded.done():
            self.loaded.set_exception(WorkerEnded(f"a worker of {self._pool.function.label} ended while it loaded"))
        if self._future is not None:
            self._finish(self._death(), failed=True)
        self._pool.lost(self)

    def kill(self) -> None:
        """Kill the process; `connection_lost` follows."""
        self._pool.image.kill(self.pid)

    def close(self) -> None:
        """Let an idle worker end."""
        if self._transport is not None:
            self._transport.close()

    def read_log(self) -> None:
        """Pass on what the worker printed since the last time."""
        try:
            while chunk := os.read(self._log_fd, 65_536):
                *lines, rest = (self._log_rest + chunk).split(b"\n")
                self._log_rest = rest[:_MAX_LOG_LINE]
                for line in lines:
                    self._pool.log(self.request_id, line.decode(errors="replace"))
            self._loop.remove_reader(self._log_fd)
        except BlockingIOError:
            return

    def _time_out(self) -> None:
        self._timed_out = True
        self.kill()

    def _death(self) -> bytes:
        kind, message = "Runtime.ExitError", f"RequestId: {self.request_id} Error: Runtime exited unexpectedly"
        if self._timed_out:
            kind, message = "Sandbox.Timedout", f"RequestId: {self.request_id} Error: Task timed out after {{}} seconds"
            message = message.format(f"{self._timeout_s:.2f}")
        self._pool.log(self.request_id, message)
        return json.dumps({"errorType": kind, "errorMessage": message}).encode()

    def _finish(self, payload: bytes, *, failed: bool) -> None:
        assert self._future is not None
        assert self.request_id is not None
        assert self._timer is not None
        self._timer.cancel()
        duration_ms = (time.perf_counter() - self._started) * 1000
        if not self._future.done():
            self._future.set_result(Outcome(self.request_id, payload, failed, duration_ms))
        self._future, self.request_id, self.idle_since = None, None, time.monotonic()


class Pool:
    """The workers of one function."""

    def __init__(self, function: Function, image: Image, log: LogLine, cap: int = DEFAULT_CAP) -> None:
        self.function = function
        self.image = image
        self.faults = WorkerFaults()
        self._log = log
        self._cap = cap
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._starting = 0
        self._waiting: deque[asyncio.Future[_Worker]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._restarting = asyncio.Lock()

    async def prewarm(self, count: int = PREWARMED) -> None:
        """Start the image and the first workers."""
        await self.image.start()
        await asyncio.gather(*(self._grow() for _ in range(min(count, self._cap))))

    async def invoke(self, payload: bytes, arn: str, request_id: str) -> Outcome:
        """Run one event; returns when the worker answered, timed out or died.

        Raises:
            Throttled: If the function may not run more at once.
        """
        try:
            worker = await self._acquire()
        except WorkerEnded as exc:
            document = {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: {exc}"}
            return Outcome(request_id, json.dumps(document).encode(), failed=True, duration_ms=0.0)
        deadline_ms = int((time.time() + self.function.timeout_s) * 1000)
        header = json.dumps({"id": request_id, "arn": arn, "deadline_ms": deadline_ms}).encode()
        future = worker.send(request_id, header, payload, self.function.timeout_s)
        self._harm(worker, request_id)
        # The handler runs on when the caller has gone away, as in Lambda.
        return await asyncio.shield(future)

    def log(self, request_id: str | None, line: str) -> None:
        """Pass on one line of output."""
        self._log(self.function, request_id, line)

    def released(self, worker: _Worker) -> None:
        """Take a worker back that has answered."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(worker)
                return
        self._idle.append(worker)

    def lost(self, worker: _Worker) -> None:
        """Forget a worker that ended, and replace it when somebody waits."""
        self._all.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        if self._waiting:
            self._start_one()

    def shrink(self, now: float, idle_s: float = IDLE_S, keep: int = PREWARMED) -> None:
        """Let workers end that have been idle for long."""
        for worker in list(self._idle):
            if len(self._idle) > keep and now - worker.idle_since > idle_s:
                self._idle.remove(worker)
                worker.close()

    def describe(self) -> dict[str, Any]:
        """The pool's state, for the page and for tests."""
        workers = [{"pid": worker.pid, "request_id": worker.request_id} for worker in self._all]
        return {
            "function": self.function.label,
            "image": self.image.pid,
            "workers": sorted(workers, key=lambda each: each["pid"]),
            "idle": len(self._idle),
            "waiting": len(self._waiting),
            "init_ms": self.image.init_ms,
        }

    async def stop(self) -> None:
        """Kill everything."""
        for task in self._tasks:
            task.cancel()
        await self.image.stop()
        for worker in list(self._all):
            worker.close()
        await asyncio.sleep(0)

    async def _acquire(self) -> _Worker:
        busy = len(self._all) - len(self._idle)
        if self.faults.concurrency is not None and busy >= self.faults.concurrency:
            raise Throttled(self.function.name)
        if self._idle:
            return self._idle.pop()  # The latest: the others may shrink away.
        waiter: asyncio.Future[_Worker] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        if self._starting < len(self._waiting):
            self._start_one()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():  # Handed over in the same moment: pass it on.
                self.released(waiter.result())
            raise

    def _start_one(self) -> None:
        if len(self._all) + self._starting >= self._cap:
            return
        task = asyncio.get_running_loop().create_task(self._grow())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _grow(self) -> None:
        self._starting += 1
        try:
            if self.faults.start_ms:
                await asyncio.sleep(self.faults.start_ms / 1000)
            worker = await self._start_anew()
        except ImageEnded as exc:
            self._fail_one(WorkerEnded(f"the worker image ended: {exc}"))
            return
        finally:
            self._starting -= 1
        self._all.add(worker)
        try:
            await worker.loaded
        except WorkerEnded as exc:
            self._fail_one(exc)
        else:
            self.released(worker)

    async def _start_anew(self) -> _Worker:
        """A worker; of an image that is made first, if that ended or this is the function's first event."""
        with contextlib.suppress(ImageEnded):
            return await self._start_worker()
        if self.image.pid:
            self._log(self.function, None, "the worker image ended by itself; it is started again")
        async with self._restarting:
            await self.image.restart()
        return await self._start_worker()

    def _fail_one(self, exc: WorkerEnded) -> None:
        """Tell one waiting event that its worker died; the others have workers of their own under way."""
        self._log(self.function, None, str(exc))
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(exc)
                return

    async def _start_worker(self) -> _Worker:
        ours, theirs = socket.socketpair()
        log_read, log_write = os.pipe()
        try:
            pid = await self.image.fork(theirs, log_write)
        except ImageEnded:
            ours.close()
            os.close(log_read)
            raise
        finally:
            theirs.close()
            os.close(log_write)
        worker = _Worker(self, log_read)
        worker.pid = pid
        ours.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        await asyncio.get_running_loop().create_unix_connection(lambda: worker, sock=ours)
        return worker

    def _harm(self, worker: _Worker, request_id: str) -> None:
        faults = self.faults
        if faults.memory_mb is not None and sys.platform == "linux":
            limit = faults.memory_mb * 1024 * 1024
            resource.prlimit(worker.pid, resource.RLIMIT_AS, (limit, limit))
        if faults.kill_after_ms is None or faults.times == 0:
            return
        if faults.times is not None:
            faults.times -= 1

        def kill() -> None:
            if worker.request_id == request_id:
                worker.kill()

        asyncio.get_running_loop().call_later(faults.kill_after_ms / 1000, kill)
