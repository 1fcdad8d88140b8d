"""Profiles: which deployment, and the tokens that ``ringfold login`` got for it.

One file a profile, for the owner's eyes only, below the user's configuration folder (``RINGFOLD_CONFIG_DIR`` instead,
where it is set). ``current`` names the one that is used when none is named: the last that was logged in to.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Final

import typer

from ringfold_cli.faults import UsageFault

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
DEFAULT: Final = "default"


@dataclass(frozen=True)
class Profile:
    """One deployment, and who is logged in.

    Attributes:
        base_url: Of the API, without a trailing slash.
        sign_in_url: Of Cognito, where tokens are got.
        client_id: The user pool's app client.
        expires_at: Epoch seconds at which the access token ends.
    """

    name: str
    base_url: str
    sign_in_url: str = ""
    client_id: str = ""
    email: str = ""
    access_token: str = ""
    refresh_token: str = ""
    expires_at: int = 0

    def without_tokens(self) -> Profile:
        """The deployment, with nobody logged in."""
        return replace(self, access_token="", refresh_token="", expires_at=0)


class Profiles:
    """The profiles in a folder.

    Args:
        folder: Made when something is first saved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, name: str) -> Profile | None:
        """A profile; ``None`` when there is none of that name.

        Raises:
            UsageFault: If its file cannot be read.
        """
        path = self._path(name)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise UsageFault(f"The profile {name} cannot be read: {path}: {exc.strerror}.") from exc
        try:
            document = json.loads(text)
            known = {each.name for each in fields(Profile)}
            return Profile(**{key: value for key, value in {**document, "name": name}.items() if key in known})
        except (ValueError, TypeError) as exc:
            message = f"The profile {name} is no profile: {path}."
            raise UsageFault(
                message, hint=f"Remove the file, and log in again: ringfold login --profile {name}"
            ) from exc

    def save(self, profile: Profile) -> None:
        """Keep a profile."""
        document = {key: value for key, value in asdict(profile).items() if key != "name"}
        self._write(self._path(profile.name), json.dumps(document, indent=2) + "\n")

    def remove(self, name: str) -> None:
        """Forget a profile."""
        self._path(name).unlink(missing_ok=True)
        if self.current() == name:
            self.choose("")

    def names(self) -> list[str]:
        """Every profile."""
        return sorted(path.stem for path in (self._folder / "profiles").glob("*.json"))

    def current(self) -> str:
        """The profile that is used when none is named; ``""`` for none."""
        try:
            return (self._folder / "current").read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def choose(self, name: str) -> None:
        """Say which one is used when none is named."""
        self._write(self._folder / "current", f"{name}\n")

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):
            raise UsageFault(f"{name!r} is no name of a profile: letters, digits, dots, dashes and underscores.")
        return self._folder / "profiles" / f"{name}.json"

    @staticmethod
    def _write(path: Path, text: str) -> None:
        """Write a file that only its owner reads, never half."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        scratch = path.with_suffix(f".{os.getpid()}.tmp")
        scratch.unlink(missing_ok=True)
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        scratch.replace(path)


def config_folder(environ: Mapping[str, str]) -> Path:
    """Where profiles are kept."""
    return Path(environ.get("RINGFOLD_CONFIG_DIR") or typer.get_app_dir("ringfold"))
