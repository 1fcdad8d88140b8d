"""Processes the local run starts beside itself: a log file each, a quick end, nothing left behind."""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_MAX_LOG_BYTES: Final = 20 * 1024 * 1024


class StartError(Exception):
    """Something could not be started; the message says what to do."""


def free_port(wanted: int | None = None) -> int:
    """Find a free port on loopback, the wanted one if it is free."""
    for port in (wanted or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise StartError("no free port on 127.0.0.1")


def open_log(path: Path) -> int:
    """Open a log file for appending; one that has grown large is put aside first."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > _MAX_LOG_BYTES:
        path.replace(path.with_suffix(".old.log"))
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


class Process:
    """A child process in a group of its own.

    Args:
        name: For messages.
        command: What to run.
        environment: All of its environment.
        log: Where its output goes.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        descriptor = open_log(log)
        try:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one system call
            )
        except OSError as exc:
            raise StartError(f"cannot start {name} ({command[0]}): {exc.strerror}; see README") from exc
        finally:
            os.close(descriptor)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit status, or None while it runs."""
        return self._process.poll()

    async def wait_for_port(self, port: int, timeout_s: float = 20.0) -> None:
        """Wait until it listens.

        Raises:
            StartError: If it ends or does not listen in time.
        """
        deadline = asyncio.get_running_loop().time() + timeout_s
        while not await listens("127.0.0.1", port):
            if self.poll() is not None:
                raise StartError(f"{self.name} ended at once (status {self.poll()}); see {self.log}")
            if asyncio.get_running_loop().time() > deadline:
                raise StartError(f"{self.name} does not listen on port {port} after {timeout_s:.0f} s; see {self.log}")
            await asyncio.sleep(0.02)

    def terminate(self) -> None:
        """Ask it to end, without waiting."""
        if self.poll() is None:
            self._process.terminate()

    async def stop(self, grace_s: float = 10.0) -> None:
        """Ask it to end, wait, then kill its whole group."""
        if self.poll() is None:
            self.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, grace_s)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        await asyncio.to_thread(self._process.wait)


async def listens(host: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
