"""From ``git clone`` to the first spoken word: a fresh clone, `make run`, a call, and the clock.

    python3 bench/first_word.py

Needs git, make and Python 3.11+ only; the package cache is as it is. The peer of the call is the clone's own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PORT = 8765
LIMIT_S = 60
CALL = """
import asyncio
from bench.peer import Peer, running_line
async def main():
    peer = await Peer(running_line()).ring()
    await peer.say("Hi, what is the status of reservation ABC123?")
    text, _, _ = await peer.reply()
    print(text)
    await peer.hang_up()
asyncio.run(main())
"""


def main() -> int:
    """Clone, run, call; print the times."""
    folder = Path(tempfile.mkdtemp(prefix="ringfold-clone-"))
    clone = folder / "ringfold"
    environment = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    began = time.monotonic()
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    process = subprocess.Popen(
        ["make", "run"],
        cwd=clone,
        env={**environment, "PORT": str(PORT)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(process)
        ready = time.monotonic() - began
        said = subprocess.run(
            [clone / ".venv" / "bin" / "python", "-c", CALL], cwd=clone, check=True, capture_output=True, text=True
        )
        spoken = time.monotonic() - began
        run = json.loads((clone / ".local" / "run.json").read_text())
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"| ready after | {ready:.1f} s |\n|---|---|\n| first reply heard after | {spoken:.1f} s |")
    print(f"the agent of {run['numbers'][0]['phone_number']} said: {said.stdout.strip()}")
    return int(spoken > LIMIT_S)


def _wait(process: subprocess.Popen[bytes]) -> None:
    for _ in range(6000):
        if process.poll() is not None:
            raise RuntimeError("make run ended early")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz", timeout=1) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("not ready after five minutes")


if __name__ == "__main__":
    sys.exit(main())
