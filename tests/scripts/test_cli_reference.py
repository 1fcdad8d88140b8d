from __future__ import annotations

from typing import Any

import pytest

from scripts import cli_reference as reference


def test_the_page_is_what_the_commands_say() -> None:
    """docs/cli.md cannot go stale: `make cli-reference` writes it anew."""
    assert 0 == reference.main(["--check"])


def test_a_page_that_is_behind_is_told_and_mended(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What stands above the commands is left alone."""
    page = tmp_path / "cli.md"
    page.write_text("# Mine\n\n## Commands\n\nold\n")
    monkeypatch.setattr(reference, "PAGE", page)
    monkeypatch.setattr(reference, "ROOT", tmp_path)

    before = reference.main(["--check"])
    written = reference.main([])
    after = reference.main(["--check"])

    assert [1, 0, 0] == [before, written, after]
    assert "make cli-reference" in capsys.readouterr().err
    assert page.read_text().startswith("# Mine\n\n## Commands\n\nEvery command has")
    assert "| `--yes-release +1512…` |" in page.read_text()
