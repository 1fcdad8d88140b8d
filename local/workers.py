"""Lambda's side of the local run: a pool of worker processes for every function, one invocation at a time each.

A function has one image process (`local/worker.py`), which forks workers on request; a pool grows when no worker is
free, up to its cap, and shrinks when workers stay idle. Timeouts are enforced by killing the worker, as Lambda does.
"""

import asyncio
import contextlib
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

from local.template import Function, FunctionRef, Template
from local.worker import ORDER, READY, REQUEST, RESPONSE

DEFAULT_CAP: Final = 64
PREWARMED: Final = 2
IDLE_S: Final = 60.0
_SCRIPT: Final = Path(__file__).with_name("worker.py")
_MAX_LOG_LINE: Final = 262_144

LogLine = Callable[[Function, str | None, str], None]
"""Called with the function, the request id that was running, and one line of its output."""


class UnknownFunction(Exception):
    """No function of this name is in the template."""


class ImageEnded(Exception):
    """The process that forks a function's workers is gone."""


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


class Image:
    """The process that loads a function's handler and forks its workers."""

    def __init__(self, function: Function, environment: Mapping[str, str], python: str, log: LogLine) -> None:
        self._function = function
        self._environment = environment
        self._python = python
        self._log = log
        self._snap = function.snap_start
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._reader: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None  # Kept: a collected writer closes the socket.
        self._pids: deque[asyncio.Future[int]] = deque()
        self.init_ms = 0

    @property
    def pid(self) -> int:
        """Its process id, 0 before it was started."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """Start the process and wait until workers can be forked."""
        ready = await self._launch(self._snap)
        if self._snap and ready["loaded"] and ready["threads"] > 1:
            text = "the handler starts threads while it is imported: no snapshot, every worker starts cold"
            self._log(self._function, None, text)
            await self.stop()
            self._snap = False
            ready = await self._launch(snap=False)
        self.init_ms = ready["init_ms"]

    async def _launch(self, snap: bool) -> dict[str, Any]:
        ours, theirs = socket.socketpair()
        self._process = subprocess.Popen(  # noqa: ASYNC220 - fork and exec of one process, a millisecond
            [self._python, "-I", str(_SCRIPT), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            env=dict(self._environment),
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
        theirs.close()
        self._control = ours
        config = {
            "root": str(self._function.folder),
            "path": [str(self._function.folder), *self._function.layer_paths],
            "handler": self._function.handler,
            "snap": snap,
        }
        text = json.dumps(config).encode()
        ours.sendall(struct.pack("!I", len(text)) + text)
        reader, self._writer = await asyncio.open_unix_connection(sock=ours.dup())
        line = await reader.readline()
        if not line:
            raise ImageEnded(f"{self._function.label}, before it was ready")
        self._reader = asyncio.create_task(self._read(reader))
        ready: dict[str, Any] = json.loads(line)
        return ready

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            message = json.loads(line)
            if message["event"] == "started":
                self._pids.popleft().set_result(message["pid"])
        while self._pids:
            self._pids.popleft().set_exception(ImageEnded(self._function.label))

    async def fork(self, invocations: socket.socket, log_fd: int) -> int:
        """Fork a worker that serves these descriptors; returns its process id.

        Raises:
            ImageEnded: If the process is gone; `start` makes another.
        """
        assert self._control is not None
        try:
            socket.send_fds(self._control, [ORDER.pack(b"F", 0)], [invocations.fileno(), log_fd])
        except OSError as exc:
            raise ImageEnded(self._function.label) from exc
        pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._pids.append(pid)
        return await pid

    def kill(self, pid: int) -> None:
        """Kill one worker, if it is still there."""
        assert self._control is not None
        with contextlib.suppress(OSError):  # Without its image it is gone anyway.
            self._control.sendall(ORDER.pack(b"K", pid))

    async def restart(self) -> None:
        """Start the process again if it is gone."""
        if self._process is None or self._process.poll() is not None:
            await self.stop()
            await self.start()

    async def stop(self) -> None:
        """End the process and every worker with it."""
        if self._reader is not None:
            self._reader.cancel()
        if self._writer is not None:
            self._writer.close()
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await asyncio.to_thread(self._process.wait)


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
            worker = await self._start_worker()
        except ImageEnded:
            self._log(self.function, None, "the worker image ended by itself; it is started again")
            async with self._restarting:
                await self.image.restart()
            worker = await self._start_worker()
        finally:
            self._starting -= 1
        self._all.add(worker)
        try:
            await worker.loaded
        except WorkerEnded as exc:
            self._fail_one(exc)
        else:
            self.released(worker)

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


@dataclass
class Workers:
    """The pools of all functions of a template.

    Attributes:
        template: Whose functions are run.
        environment: What every function gets besides its own variables (AWS endpoints, credentials).
        log: Told every line the handlers print.
        cap: The most workers a function may have.
        prewarmed: How many it has at least.
    """

    template: Template
    environment: Mapping[str, str]
    log: LogLine
    cap: int = DEFAULT_CAP
    prewarmed: int = PREWARMED
    python: str = sys.executable
    pools: dict[str, Pool] = field(default_factory=dict)
    _shrinking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start every function's image and first workers, all at once."""
        for function in self.template.functions.values():
            environment = function_environment(function, self.environment)
            image = Image(function, environment, self.python, self.log)
            self.pools[function.name] = Pool(function, image, self.log, self.cap)
        await asyncio.gather(*(pool.prewarm(self.prewarmed) for pool in self.pools.values()))
        self._shrinking = asyncio.create_task(self._shrink())

    async def stop(self) -> None:
        """Kill every worker."""
        if self._shrinking is not None:
            self._shrinking.cancel()
        await asyncio.gather(*(pool.stop() for pool in self.pools.values()))

    async def invoke(self, ref: FunctionRef, payload: bytes, request_id: str | None = None) -> Outcome:
        """Invoke a function and wait for its answer.

        Raises:
            UnknownFunction: If the template has no such function.
            Throttled: If it may not run more at once.
        """
        pool = self.pool(ref)
        arn = pool.function.arn(ref.qualifier, self.environment.get("AWS_REGION", "us-east-1"))
        return await pool.invoke(payload, arn, request_id or str(uuid.uuid4()))

    def pool(self, ref: FunctionRef) -> Pool:
        """The pool of a function, named by its name, its logical id or its folder."""
        if ref.name in self.pools:
            return self.pools[ref.name]
        for pool in self.pools.values():
            if ref.name in {pool.function.logical_id, pool.function.label}:
                return pool
        raise UnknownFunction(ref.name)

    async def _shrink(self) -> None:
        while True:
            await asyncio.sleep(IDLE_S / 4)
            for pool in self.pools.values():
                pool.shrink(time.monotonic(), keep=self.prewarmed)


def function_environment(function: Function, shared: Mapping[str, str]) -> dict[str, str]:
    """The environment a function's process sees, as Lambda sets it."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        **shared,
        "_HANDLER": function.handler,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "1" if function.alias else "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if function.snap_start else "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "LAMBDA_TASK_ROOT": str(function.folder),
        **function.environment,
    }
