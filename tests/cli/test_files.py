from __future__ import annotations

from pathlib import Path

import pytest

from ringfold_cli.faults import UsageFault
from ringfold_cli.files import read_settings, read_text


def test_json_and_yaml_are_read_alike(tmp_path: Path) -> None:
    """By what they hold, whatever they are called; what is to be left out is."""
    (tmp_path / "a").write_text('{"name": "Eve", "id": "agt_1", "tools": ["end_call"]}')
    (tmp_path / "b").write_text("name: Eve\nid: agt_1\ntools: [end_call]\n")

    found = [read_settings(str(tmp_path / name), leave_out={"id"}) for name in "ab"]

    assert [{"name": "Eve", "tools": ["end_call"]}] * 2 == found


@pytest.mark.parametrize("text", ["{", "a: [", "- a\n- b\n", "just words", "", "!!python/object:os.system {}"])
def test_what_holds_no_settings_is_told_as_such(tmp_path: Path, text: str) -> None:
    """And runs nothing."""
    (tmp_path / "x").write_text(text)

    with pytest.raises(UsageFault):
        read_settings(str(tmp_path / "x"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, or no text."""
    (tmp_path / "x").write_bytes(b"\xff\xfe")

    with pytest.raises(UsageFault, match="No such file"):
        read_text(str(tmp_path / "missing"))
    with pytest.raises(UsageFault, match="not UTF-8"):
        read_text(str(tmp_path / "x"))
