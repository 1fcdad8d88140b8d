from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ringfold_cli.app import app
from tests.cli.api import Api
from tests.cli.conftest import Ringfold
from tests.test_repository import strangers

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "cli" / "ringfold_cli"
PROGRAM = ROOT / "bin" / "ringfold"
LIBRARIES = {"httpx": "httpx", "rich": "rich", "typer": "typer", "yaml": "pyyaml"}


def leaves(command: Any, *name: str) -> list[tuple[tuple[str, ...], Any]]:
    """Every command with its whole name."""
    below = getattr(command, "commands", None)
    if below is None:
        return [(name, command)]
    return [leaf for each in below.values() for leaf in leaves(each, *name, each.name)]


COMMANDS = leaves(get_command(app))


@pytest.mark.accept("P12")
@pytest.mark.parametrize(
    ("name", "command"), COMMANDS, ids=lambda value: "-".join(value) if isinstance(value, tuple) else ""
)
def test_every_command_has_json_shows_its_requests_and_says_what_it_does(name: tuple[str, ...], command: Any) -> None:
    """No command is left out, and every argument and option is explained."""
    options = {option for param in command.params for option in param.opts}

    assert {"--json", "--show-request", "--curl", "--profile", "--as"} <= options
    assert command.help
    assert [] == [param.name for param in command.params if not param.help and param.name != "help"]


def test_the_commands_of_the_issue_are_there() -> None:
    """What administrators were promised."""
    names = {" ".join(name) for name, _ in COMMANDS}

    assert {"accounts add", "numbers search", "numbers buy", "numbers verify", "agents list", "agents add"} <= names


def test_the_program_installs_what_it_imports() -> None:
    """requirements/cli.in names every library, and it imports nothing of the product: it is a client."""
    listed = {line for line in (ROOT / "requirements" / "cli.in").read_text().splitlines() if not line.startswith("#")}

    assert listed == set(LIBRARIES.values())
    for path in PACKAGE.rglob("*.py"):
        assert strangers(path, {"ringfold_cli"}) <= set(LIBRARIES), path


def test_every_module_of_the_command_line_has_its_tests() -> None:
    """Mirrored; the parts of numbers are seen through the commands of numbers."""
    through = {"number_parts.py", "number_agents.py", "command.py", "app.py"}
    modules = [path for path in PACKAGE.rglob("*.py") if not path.name.startswith("__")]
    mirror = ROOT / "tests" / "cli"

    missing = [
        path for path in modules if not (mirror / path.relative_to(PACKAGE).with_name(f"test_{path.name}")).exists()
    ]

    assert {path.name for path in missing} <= through


def environment(ringfold: Ringfold) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(Path.home()), **ringfold.environ}


def test_the_program_runs_from_anywhere(ringfold: Ringfold, tmp_path: Path) -> None:
    """By a link on the PATH, in another folder; stdout is the document alone."""
    (tmp_path / "ringfold").symlink_to(PROGRAM)

    command = [str(tmp_path / "ringfold"), "organizations", "list", "--json"]
    found = subprocess.run(
        command, cwd=tmp_path, env=environment(ringfold), capture_output=True, text=True, check=False
    )

    assert (0, "") == (found.returncode, found.stderr)
    assert '{\n  "organizations": [],\n  "next_cursor": null\n}\n' == found.stdout


def test_a_terminal_never_shows_the_token(ringfold: Ringfold, api: Api) -> None:
    """On a real terminal the auth token is asked for and typed without an echo."""
    parent, child = pty.openpty()
    command = [str(PROGRAM), "accounts", "add", "--name", "Main", "--sid", "AC" + "1" * 32, "--no-test"]
    process = subprocess.Popen(
        command,
        env=environment(ringfold) | {"TERM": "xterm"},
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,  # the terminal that runs the tests is not asked
    )
    os.close(child)
    try:
        screen = read_until(parent, "Auth token: ")  # the blank comes when the echo is off
        os.write(parent, b"typed-auth-token-0123456789\n")
        screen += read_until(parent, "Added account")
    finally:
        os.close(parent)
        process.wait(30)

    assert 0 == process.returncode, screen
    assert "typed-auth-token" not in screen
    assert "typed-auth-token-0123456789" == api.changes()[-1].body["auth_token"]


def read_until(descriptor: int, wanted: str) -> str:
    """What the terminal shows until this is among it."""
    shown = ""
    while wanted not in shown:
        ready, _, _ = select.select([descriptor], [], [], 30)
        assert ready, f"the terminal shows {shown!r}"
        shown += os.read(descriptor, 4096).decode()
    return shown


def test_python_runs_it_as_a_module(ringfold: Ringfold) -> None:
    """Where bin/ cannot be used."""
    command = [sys.executable, "-m", "ringfold_cli", "whoami", "--json"]
    environ = environment(ringfold) | {"PYTHONPATH": str(PACKAGE.parent)}

    found = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)

    assert (0, "") == (found.returncode, found.stderr)
    assert '"role": "platform_admin"' in found.stdout
