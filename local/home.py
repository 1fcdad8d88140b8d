"""The folder `.local`: its state, its lock, its logs and the file that tells clients what they need."""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.processes import StartError, open_log
from local.services import Endpoints
from local.settings import LocalSettings

STATE_VERSION: Final = "1"


def prepare_home(home: Path) -> None:
    """Make `.local` for the owner only, and refuse one that another version filled.

    Raises:
        StartError: If it cannot be used.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
        state = home / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        mark = state / "version"
        if not mark.exists():
            mark.write_text(STATE_VERSION)
        elif mark.read_text().strip() != STATE_VERSION:
            found = mark.read_text().strip()
            text = f"{state} is of another version ({found}, this is {STATE_VERSION}); `make reset` forgets it"
            raise StartError(text)
    except OSError as exc:
        raise StartError(f"cannot use {home}: {exc.strerror}") from exc


@contextlib.contextmanager
def only_one(settings: LocalSettings) -> Iterator[None]:
    """Hold the lock of this `.local`."""
    with (settings.home / "lock").open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            lock.seek(0)
            raise StartError(f"Ringfold runs here already ({lock.read().strip()}); stop it first") from exc
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, {settings.local_url}")
        lock.flush()
        yield


class FunctionLogs:
    """A log file for every function.

    Args:
        folder: Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, int] = {}

    def write(self, label: str, line: str) -> None:
        """Append one line."""
        if label not in self._files:
            self._files[label] = open_log(self._folder / f"{label}.log")
        with contextlib.suppress(OSError):  # A full disk must not end the call.
            os.write(self._files[label], line.encode(errors="replace") + b"\n")

    def close(self) -> None:
        """Close every file."""
        for descriptor in self._files.values():
            os.close(descriptor)
        self._files.clear()


@dataclass(frozen=True)
class RunFile:
    """`.local/run.json`: what a client needs, while the run lasts."""

    settings: LocalSettings
    demo: Mapping[str, Any]
    carrier_url: str
    endpoints: Endpoints

    @property
    def document(self) -> dict[str, Any]:
        """The file's content."""
        return {
            "public_base_url": self.settings.public_base_url,
            "platform_admin_token": self.demo.get("platform_admin_token"),
            "organizations": [
                {"id": each["id"], "admin_token": each.get("admin_token")} for each in self.demo["organizations"]
            ],
            "accounts": list(self.demo["accounts"]),
            "numbers": list(self.demo["numbers"]),
            "carrier_url": self.carrier_url,
            "aws_endpoint_url": self.endpoints.aws,
        }

    def write(self, tokens: Mapping[str, str]) -> None:
        """Write it for the owner's eyes only.

        Args:
            tokens: What Twilio's side signs with, by account SID, where it may differ from the demo's.
        """
        document = self.document
        document["accounts"] = [
            {**each, "auth_token": tokens.get(each["account_sid"], each["auth_token"])} for each in document["accounts"]
        ]
        path = self.settings.run_file
        scratch = path.with_suffix(".tmp")
        scratch.unlink(missing_ok=True)
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
        scratch.replace(path)

    def rewrite(self, tokens: Mapping[str, str]) -> None:
        """Write it again, if it is there: a token has changed."""
        if self.settings.run_file.exists():
            self.write(tokens)

    def remove(self) -> None:
        """Take it away: nobody answers there any more."""
        self.settings.run_file.unlink(missing_ok=True)
