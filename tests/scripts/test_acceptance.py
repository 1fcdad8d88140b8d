from pathlib import Path

from scripts import acceptance

PAGE = """# Acceptance

| id | statement | proved by |
|---|---|---|
| A7 | A scan finds nothing. | not yet |
| B6 | The base URL resolves. | `docs/configuration.md` |
| C9 | One endpoint serves all numbers. | `tests/old.py` |
"""


def test_marks_stand_beside_their_statement() -> None:
    """Tests are entered and taken out as the marks say; what was written by hand stays."""
    page = acceptance.refresh(PAGE, {"A7": ["tests/test_scan.py"], "B6": ["tests/test_base.py"]})

    assert "| A7 | A scan finds nothing. | `tests/test_scan.py` |" in page
    assert "| B6 | The base URL resolves. | `tests/test_base.py`, `docs/configuration.md` |" in page
    assert "| C9 | One endpoint serves all numbers. | not yet |" in page


def test_refreshing_twice_changes_nothing() -> None:
    """The page that was written is the page that is wanted."""
    proofs = {"A7": ["tests/test_scan.py"], "B6": ["tests/test_base.py"]}
    once = acceptance.refresh(PAGE, proofs)

    assert once == acceptance.refresh(once, proofs)


def test_marks_are_read_from_code_not_from_text(tmp_path: Path) -> None:
    """A mark counts with all its ids, a mark in a comment or a string does not."""
    test = tmp_path / "test_it.py"
    test.write_text('import pytest\n# pytest.mark.accept("C9")\n@pytest.mark.accept("A7", "B6")\ndef test_it(): ...\n')

    assert {"A7": [f"{tmp_path.name}/test_it.py"], "B6": [f"{tmp_path.name}/test_it.py"]} == acceptance.proofs_of(
        tmp_path
    )


def test_the_page_is_true() -> None:
    """docs/acceptance.md names, beside every statement, the tests that are marked as proving it."""
    assert 0 == acceptance.main(["--check"])
