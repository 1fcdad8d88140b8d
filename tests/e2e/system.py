"""The whole local system as a process of its own, on a free port and with state of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from local.processes import free_port
from local.settings import ROOT

READY_S = 120.0
STOP_S = 30.0


@dataclass(frozen=True)
class System:
    """A running system: where it is, and what it published for clients."""

    url: str
    home: Path
    run: dict[str, Any]
    log: Path

    def put(self, path: str, document: dict[str, Any]) -> None:
        """Set a behaviour of model or gateway."""
        httpx.put(self.url + path, json=document, timeout=10, trust_env=False).raise_for_status()

    def settle(self) -> None:
        """Put every behaviour back."""
        self.put("/local/model/behaviour", {})
        httpx.delete(self.url + "/local/gateway/faults", timeout=10, trust_env=False).raise_for_status()


@contextmanager
def running_system(folder: Path, **environment: str) -> Iterator[System]:
    """Start the system and stop it again.

    Args:
        folder: Empty; becomes the system's `.local`.
        **environment: Added to this process's.

    Raises:
        RuntimeError: If it does not become ready; with the end of its output.
    """
    port = free_port()
    (folder / "tools").symlink_to(ROOT / ".local" / "tools")
    log = folder / "output.log"
    settings = {"RINGFOLD_HOME": str(folder), "PORT": str(port), "PYTHONUNBUFFERED": "1", **environment}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "local"], cwd=ROOT, env=os.environ | settings, stdout=output, stderr=output
        )
        try:
            yield _until_ready(process, f"http://127.0.0.1:{port}", folder, log)
        finally:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_S)
            if process.poll() is None:
                process.kill()
                process.wait()


def _until_ready(process: subprocess.Popen[bytes], url: str, folder: Path, log: Path) -> System:
    deadline_s = time.monotonic() + READY_S
    run_file = folder / "run.json"
    while time.monotonic() < deadline_s and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/healthz", timeout=2, trust_env=False).status_code == 200 and run_file.exists():
                return System(url, folder, json.loads(run_file.read_text(encoding="utf-8")), log)
        time.sleep(0.1)
    raise RuntimeError("the local system did not become ready:\n" + log.read_text(errors="replace")[-3000:])
