from __future__ import annotations

import io

import pytest

from ringfold_cli import ask
from ringfold_cli.faults import UsageFault


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sits there."""
    monkeypatch.setattr(ask, "interactive", lambda: False)
    monkeypatch.delenv("X_TOKEN", raising=False)


def test_where_nobody_can_be_asked_the_option_is_named() -> None:
    """Every question says how it is answered on the command line."""
    with pytest.raises(UsageFault) as confirmed:
        ask.confirm("Remove it?", yes=False)
    with pytest.raises(UsageFault) as typed:
        ask.typed("Type it", "+1512", "", "--yes-release")
    with pytest.raises(UsageFault, match="--name"):
        ask.line("Name", "--name")

    assert "--yes" in confirmed.value.hint
    assert "--yes-release +1512" in typed.value.hint


def test_what_was_answered_on_the_command_line_is_not_asked() -> None:
    """A yes, or the very word; another word is refused."""
    ask.confirm("Remove it?", yes=True)
    ask.typed("Type it", "+1512", "+1512", "--yes-release")

    with pytest.raises(UsageFault, match="Nothing was done"):
        ask.typed("Type it", "+1512", "+1513", "--yes-release")


def test_a_secret_comes_from_stdin_then_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this order; an empty line is none."""
    monkeypatch.setattr("sys.stdin", io.StringIO("first\n\n"))
    monkeypatch.setenv("X_TOKEN", "second ")

    found = ask.secret("token", variable="X_TOKEN", from_stdin=True, option="--stdin")
    with pytest.raises(UsageFault, match="no line with the token"):
        ask.secret("token", variable="X_TOKEN", from_stdin=True, option="--stdin")

    assert ["first", "second"] == [found, ask.secret("token", variable="X_TOKEN")]
