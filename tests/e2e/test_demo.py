"""`make demo`, as a newcomer sees it: texts, then a call that goes on from there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.settings import ROOT
from tests.e2e.system import System

pytestmark = pytest.mark.slow


def demo(home: Path) -> tuple[int, str]:
    environment = os.environ | {"RINGFOLD_HOME": str(home)}
    found = subprocess.run(
        [sys.executable, "-m", "local.story"],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=240,
        check=False,
    )
    return found.returncode, found.stdout


@pytest.mark.accept("G7", "G9")
def test_the_story_plays_by_itself(tmp_path: Path) -> None:
    """Without a running system: a seat is changed by text, the call knows it without being told the code again."""
    (tmp_path / "tools").symlink_to(ROOT / ".local" / "tools")

    status, output = demo(tmp_path)

    assert 0 == status, output
    assert "Jane" in output
    assert "everything came as expected" in output
    assert ["tools"] == [each.name for each in tmp_path.iterdir()], "its data lay elsewhere, and are gone"


def test_a_story_that_goes_otherwise_is_told(system: System) -> None:
    """In a running system, whose model is dead: the honest sentence is not the answer that was wanted."""
    system.put("/local/model/behaviour", {"fault": "throttle", "times": None})
    try:
        status, output = demo(system.home)
    finally:
        system.settle()

    assert 1 == status, output
    assert "expected one of delayed, late" in output
