"""The folder `.local`: its state, its lock, its logs and the file that tells clients what they need."""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from local.processes import StartError, open_log
from local.services import Endpoints
from local.settings import LocalSettings
from local.sign_in import ORGANIZATION_ADMIN, ORGANIZATION_VIEWER, PLATFORM_ADMIN, UserPool

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


class RunFile:
    """`.local/run.json`: what a client needs, while the run lasts.

    Args:
        settings: Where it is.
        pool: Signs the tokens in it; None when the template has no administrators.
        carrier_url: The carrier's REST base.
        endpoints: Where AWS's services are.

    Attributes:
        document: Its content; one mapping that is changed in place, so that who holds it sees what is new.
        signing_tokens: What Twilio's side signs with now, by account SID, where it is known; the carrier sets it.
    """

    def __init__(self, settings: LocalSettings, pool: UserPool | None, carrier_url: str, endpoints: Endpoints) -> None:
        self.signing_tokens: Callable[[], Mapping[str, str]] = dict
        self._path = settings.run_file
        self._pool = pool
        self._tokens: dict[str, dict[str, str]] = {}
        self.document: dict[str, Any] = {
            "public_base_url": settings.public_base_url,
            "platform_admin_token": pool.token(PLATFORM_ADMIN) if pool is not None else None,
            "organizations": [],
            "accounts": [],
            "numbers": [],
            "carrier_url": carrier_url,
            "aws_endpoint_url": endpoints.aws,
        }

    def update(self, stored: Mapping[str, list[dict[str, Any]]]) -> None:
        """Take over what is stored now."""
        organizations = [{**each, **self._tokens_of(each["id"])} for each in stored["organizations"]]
        signing = self.signing_tokens()
        accounts = [
            {**each, "auth_token": signing.get(each["account_sid"], each["auth_token"])} for each in stored["accounts"]
        ]
        self.document |= {"organizations": organizations, "accounts": accounts, "numbers": stored["numbers"]}

    def _tokens_of(self, organization_id: str) -> dict[str, str]:
        """An organization's tokens: the same for the whole run."""
        if self._pool is None:
            return {}
        if organization_id not in self._tokens:
            self._tokens[organization_id] = {
                "admin_token": self._pool.token(ORGANIZATION_ADMIN, organization_id),
                "viewer_token": self._pool.token(ORGANIZATION_VIEWER, organization_id),
            }
        return self._tokens[organization_id]

    def write(self) -> None:
        """Write it for the owner's eyes only."""
        path = self._path
        scratch = path.with_suffix(".tmp")
        scratch.unlink(missing_ok=True)
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self.document, file, indent=2)
        scratch.replace(path)

    def remove(self) -> None:
        """Take it away: nobody answers there any more."""
        self._path.unlink(missing_ok=True)
