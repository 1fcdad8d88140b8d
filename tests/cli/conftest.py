"""Fixtures of the command line: the API behind HTTP, and the program with a user of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ringfold_admin.principal import Role
from ringfold_cli.app import app
from tests.admin.desk import build_desk
from tests.admin.twilio import Twilio, running_twilio
from tests.aws import Aws
from tests.cli.api import Api, serving


@dataclass(frozen=True)
class Outcome:
    """What a command left."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The document on stdout."""
        return json.loads(self.stdout)

    @property
    def error(self) -> Any:
        """The error on stderr, of a command with ``--json``."""
        return json.loads(self.stderr)["error"]


@dataclass
class Ringfold:
    """The program, run in this process.

    Attributes:
        environ: Its environment's variables.
        terminal: Whether somebody sits there to be asked.
        waits: Seconds it waited, one entry a time.
    """

    environ: dict[str, str]
    waits: list[float]
    monkeypatch: pytest.MonkeyPatch
    api: Api | None = None
    terminal: bool = False
    runner: CliRunner = field(default_factory=CliRunner)

    def __call__(self, *arguments: str, typed: str = "", env: Mapping[str, str] | None = None) -> Outcome:
        """Run a command.

        Args:
            arguments: As the shell gives them.
            typed: What comes on stdin.
            env: Variables for this run.
        """
        self.monkeypatch.setattr("ringfold_cli.ask.interactive", lambda: self.terminal)
        result = self.runner.invoke(app, list(arguments), input=typed, env={**self.environ, **(env or {})})
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    def as_role(self, role: Role, organization_id: str = "") -> Ringfold:
        """The same program, with somebody else's token."""
        assert self.api
        environ = {**self.environ, "RINGFOLD_TOKEN": self.api.token(role, organization_id)}
        return Ringfold(environ, self.waits, self.monkeypatch, self.api, self.terminal)


VARIABLES = ("RINGFOLD_URL", "RINGFOLD_TOKEN", "RINGFOLD_PROFILE", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")


@pytest.fixture
def stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ringfold:
    """The program of somebody who has just cloned it: no login, no local run."""
    for name in (*VARIABLES, "TWILIO_API_SECRET", "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"):
        monkeypatch.delenv(name, raising=False)
    waits: list[float] = []
    monkeypatch.setattr("ringfold_cli.shell.pause", waits.append)
    environ = {
        "RINGFOLD_CONFIG_DIR": str(tmp_path / "config"),
        "RINGFOLD_HOME": str(tmp_path / "home"),
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    return Ringfold(environ, waits, monkeypatch)


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    """Twilio's REST API, without any account yet."""
    with running_twilio() as twilio:
        yield twilio


@pytest.fixture
def api(aws: Aws, twilio: Twilio) -> Iterator[Api]:
    """The API over tables of this test's own, behind HTTP."""
    with serving(build_desk(aws, twilio.url)) as api:
        yield api


@pytest.fixture
def ringfold(stranger: Ringfold, api: Api) -> Ringfold:
    """The program of an administrator of the platform."""
    stranger.api = api
    stranger.environ |= {"RINGFOLD_URL": api.url, "RINGFOLD_TOKEN": api.token(Role.PLATFORM_ADMIN)}
    return stranger
