from __future__ import annotations

import json

import pytest

from ringfold_cli.faults import Refused
from ringfold_cli.output import Output, clean, shown

FAULT = Refused("taken", "It is taken.", [{"field": "sid", "message": "is here", "account": "acc_1"}], hint="Look.")


def test_json_is_the_only_thing_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    """Tables, sentences and findings are for people."""
    out = Output(as_json=True)

    out.table(("A",), [("x",)], nothing="none")
    out.fields([("a", 1)])
    out.say("Done.")
    out.findings([{"status": "ok", "message": "m", "check": "c"}], "check")
    out.document({"name": "Ä"})

    assert '{\n  "name": "Ä"\n}\n' == capsys.readouterr().out


def test_a_fault_is_told_in_the_apis_shape_or_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr either way, with the field and whatever else the API said of it."""
    Output(as_json=True).fault(FAULT)
    document = capsys.readouterr()
    Output(as_json=False).fault(FAULT)
    words = capsys.readouterr()

    assert FAULT.document == json.loads(document.err)
    assert "It is taken.  (taken)\n  sid  is here account: acc_1\n→ Look.\n" == words.err
    assert "" == document.out + words.out


def test_a_pipe_gets_whole_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """No row is cut to the width of a terminal that is not there."""
    Output(as_json=False).table(("ID", "TEXT"), [("org_1", "x" * 500)], nothing="none")

    assert ["ID     TEXT", "org_1  " + "x" * 500] == capsys.readouterr().out.splitlines()


def test_an_empty_table_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Instead of a head without rows."""
    Output(as_json=False).table(("ID",), [], nothing="There is none: add one.")

    assert "There is none: add one.\n" == capsys.readouterr().out


def test_values_are_shown_as_people_read_them() -> None:
    """Nothing is a dash, a list its items, a structure its JSON."""
    values = [None, "", [], {}, True, False, 0, ["a", "b"], {"a": [1]}, [{"a": 1}]]

    assert ["-", "-", "-", "-", "yes", "no", "0", "a, b", '{"a": [1]}', '[{"a": 1}]'] == [
        shown(value).plain for value in values
    ]


def test_a_name_cannot_move_the_cursor() -> None:
    """Names come from others; what a terminal would obey is taken out, what looks like markup is text."""
    assert "\N{REPLACEMENT CHARACTER}[2Jx\ny" == clean("\x1b[2Jx\ny")
    assert "[red]x" == shown("[red]x").plain
