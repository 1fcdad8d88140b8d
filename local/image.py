"""The process a function's workers are forked from (`local/worker.py`), seen from the gateway."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from local.template import Function
from local.worker import ORDER

_SCRIPT: Final = Path(__file__).with_name("worker.py")

_KILL_AGAIN_S: Final = 0.05

LogLine = Callable[[Function, str | None, str], None]
"""Called with the function, the request id that was running, and one line of its output."""


class ImageEnded(Exception):
    """The process that forks a function's workers is gone."""


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
        self._ordering = asyncio.Lock()
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
        line = b""
        with contextlib.suppress(OSError):
            ours.sendall(struct.pack("!I", len(text)) + text)  # before anybody else may order a fork
            reader, self._writer = await asyncio.open_unix_connection(sock=ours.dup())
            line = await reader.readline()
        if not line:
            self._fail_forks()
            raise ImageEnded(f"{self._function.label}, before it was ready")
        self._reader = asyncio.create_task(self._read(reader))
        ready: dict[str, Any] = json.loads(line)
        return ready

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            message = json.loads(line)
            if message["event"] == "started":
                self._pids.popleft().set_result(message["pid"])
        self._fail_forks()

    def _fail_forks(self) -> None:
        """Whoever waits for a worker gets none."""
        while self._pids:
            waiter = self._pids.popleft()
            if not waiter.done():
                waiter.set_exception(ImageEnded(self._function.label))

    async def fork(self, invocations: socket.socket, log_fd: int) -> int:
        """Fork a worker that serves these descriptors; returns its process id.

        Raises:
            ImageEnded: If the process is gone, or was never started; `restart` makes one.
        """
        if self._control is None:
            raise ImageEnded(self._function.label)
        pid: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        async with self._ordering:  # processes are told of in the order they were asked for
            try:
                await self._order_fork(self._control, [invocations.fileno(), log_fd])
            except OSError as exc:
                raise ImageEnded(self._function.label) from exc
            self._pids.append(pid)
        return await pid

    async def _order_fork(self, control: socket.socket, descriptors: list[int]) -> None:
        """Send the order; a process that is too slow to read the ones before is waited for, it has not ended."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                socket.send_fds(control, [ORDER.pack(b"F", 0)], descriptors)
            except BlockingIOError:
                writable = asyncio.Event()
                loop.add_writer(control.fileno(), writable.set)
                try:
                    await writable.wait()
                finally:
                    loop.remove_writer(control.fileno())
            else:
                return

    def kill(self, pid: int) -> None:
        """Kill one worker, if it is still there."""
        assert self._control is not None
        try:
            self._control.sendall(ORDER.pack(b"K", pid))
        except BlockingIOError:
            asyncio.get_running_loop().call_later(_KILL_AGAIN_S, self.kill, pid)
        except OSError:
            return  # Without its image it is gone anyway.

    async def restart(self) -> None:
        """Start the process if it is not there."""
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
