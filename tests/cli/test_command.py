from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from ringfold_cli.command import command, group
from ringfold_cli.faults import Refused
from ringfold_cli.shell import Shell

SEEN: list[tuple[str, bool, Shell]] = []


@pytest.fixture
def app() -> typer.Typer:
    """A program with two commands."""
    SEEN.clear()
    made = group("For tests.")

    @command(made, "good")
    def good(shell: Shell, name: Annotated[str, typer.Argument()], loud: bool = False) -> None:
        """Do it."""
        SEEN.append((name, loud, shell))
        shell.out.document({"name": name})

    @command(made, "bad")
    def bad(shell: Shell) -> None:
        """Fail."""
        raise Refused("taken", "It is taken.")

    return made


def test_every_command_has_the_common_options(app: typer.Typer) -> None:
    """Behind its own; the environment gives what was not said."""
    result = CliRunner().invoke(
        app, ["good", "x", "--loud", "--json", "--as", "platform"], env={"RINGFOLD_PROFILE": "p"}
    )

    name, loud, shell = SEEN[0]
    assert (0, '{\n  "name": "x"\n}\n') == (result.exit_code, result.stdout)
    assert ("x", True, True, "platform", "p") == (
        name,
        loud,
        shell.common.as_json,
        shell.common.as_,
        shell.common.profile,
    )


def test_a_fault_is_printed_and_is_the_exit_code(app: typer.Typer) -> None:
    """No traceback reaches whoever typed the command."""
    result = CliRunner().invoke(app, ["bad"])

    assert (1, "", "It is taken.  (taken)\n") == (result.exit_code, result.stdout, result.stderr)


def test_the_token_does_not_show_in_a_picture_of_the_program(app: typer.Typer) -> None:
    """A debugger's or a traceback's."""
    CliRunner().invoke(app, ["good", "x"], env={"RINGFOLD_TOKEN": "secret-token"})

    assert "secret-token" not in repr(SEEN[0][2].common)
    assert "secret-token" == SEEN[0][2].common.token
