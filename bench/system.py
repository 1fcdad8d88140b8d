"""Starts the local system for a measurement, in a folder of its own, and ends it again."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peer import ROOT, Line, running_line


@dataclass
class System:
    """A running system."""

    line: Line
    home: Path
    process: subprocess.Popen[bytes]

    def processes(self) -> dict[int, str]:
        """Every process of the run: pid to what it is."""
        found = {}
        for pid in _descendants(self.process.pid):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            found[pid] = command
        return found

    def cpu_ms(self, containing: str) -> float:
        """CPU time used so far by the processes whose environment or command holds this."""
        ticks = os.sysconf("SC_CLK_TCK")
        total = 0
        for pid in self._matching(containing):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total * 1000 / ticks

    def memory_mb(self, containing: str) -> float:
        """Memory of those processes; pages that forked workers share count once (proportional set size)."""
        total = 0
        for pid in self._matching(containing):
            with contextlib.suppress(OSError):
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        return total / 1024

    def _matching(self, containing: str) -> list[int]:
        found = []
        for pid, command in self.processes().items():
            try:
                environment = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if containing in command or f"AWS_LAMBDA_FUNCTION_NAME={containing}" in environment:
                found.append(pid)
        return found


@contextmanager
def running(environment: Mapping[str, str] | None = None) -> Iterator[System]:
    """The local system, ready, on a free port."""
    home = Path(tempfile.mkdtemp(prefix="ringfold-bench-"))
    tools = ROOT / ".local" / "tools"
    (home / "tools").symlink_to(tools)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "PORT": str(port), "RINGFOLD_HOME": str(home), **(environment or {})}
    log = (home / "run.out").open("wb")
    process = subprocess.Popen([sys.executable, "-m", "local"], cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        _wait(f"http://127.0.0.1:{port}/healthz", process, home)
        yield System(running_line(home / "run.json"), home, process)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        shutil.rmtree(home, ignore_errors=True)


def _wait(url: str, process: subprocess.Popen[bytes], home: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the system did not start:\n" + (home / "run.out").read_text())


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found
