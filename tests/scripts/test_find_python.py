import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder that is the whole PATH: no interpreter in it yet."""
    for name in ("head", "sh"):
        found = shutil.which(name)
        assert found
        (tmp_path / name).symlink_to(found)
    return tmp_path


def find_python(path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    sh = shutil.which("sh")
    assert sh
    env = {"PATH": str(path), "HOME": str(path), **environment}
    return subprocess.run(
        [sh, str(ROOT / "scripts" / "find-python"), *arguments], env=env, capture_output=True, text=True, check=False
    )


def old_python(path: Path, name: str = "python3") -> None:
    """Something that says it is Python 3.9 and fails whatever it is asked."""
    script = path / name
    script.write_text('#!/bin/sh\n[ "$1" = --version ] && { echo Python 3.9.2; exit 0; }\nexit 1\n')
    script.chmod(0o755)


def test_an_old_python_is_refused_in_plain_words(bare: Path) -> None:
    """Who has only an old Python is told what came, what is needed and how to say where a newer one is."""
    old_python(bare)

    answer = find_python(bare)

    assert answer.returncode == 1
    assert "needs Python 3.11 or newer; python3 here says: Python 3.9.2" in answer.stderr
    assert "make PYTHON=" in answer.stderr


def test_a_shim_that_leads_nowhere_is_passed_over(bare: Path) -> None:
    """The first candidate that really runs is taken, by its real path."""
    old_python(bare, "python3.13")
    (bare / "python3").symlink_to(sys.executable)

    answer = find_python(bare)

    assert answer.returncode == 0
    assert os.access(answer.stdout.strip(), os.X_OK)


def test_python_overrides_the_search(bare: Path) -> None:
    """A PYTHON that is too old fails rather than being replaced in silence."""
    old_python(bare, "mine")
    (bare / "python3").symlink_to(sys.executable)

    answer = find_python(bare, PYTHON=str(bare / "mine"))

    assert answer.returncode == 1
    assert "is not a working Python 3.11 or newer: Python 3.9.2" in answer.stderr


def test_a_version_asked_for_is_not_replaced_by_another(bare: Path) -> None:
    """The build wants exactly Lambda's version, so a newer one does not do."""
    (bare / "python3").symlink_to(sys.executable)

    answer = find_python(bare, "3.99")

    assert answer.returncode == 1
    assert "Python 3.99 was not found" in answer.stderr
