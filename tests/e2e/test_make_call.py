"""`make call`, as a newcomer uses it, against the whole running system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local import calls
from local.settings import ROOT
from tests.e2e.system import System

pytestmark = pytest.mark.slow

SCRIPTS = Path(calls.__file__).parent
GOOD_DAY = ["reservation", "barge_in", "seat_change", "keypad", "drop_and_recover", "goodbye"]
ROUTED = ["route_billing", "route_handed_on", "line_tools"]
HANDED_OVER = ["transfer", "transfer_busy", "transfer_nobody"]
BAD_DAY = ["slow_model", "dead_model"]
"""These change the model's behaviour for everybody, so they are played alone."""


def start_call(system: System, *arguments: str, lines: bool = False) -> subprocess.Popen[str]:
    environment = os.environ | {"RINGFOLD_HOME": str(system.home)}
    command = [sys.executable, "-m", "local.call", "--speed", "3", *arguments]
    source = subprocess.PIPE if lines else subprocess.DEVNULL
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, text=True, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def finish(process: subprocess.Popen[str], lines: str | None = None) -> tuple[int, str]:
    try:
        output, _ = process.communicate(lines, timeout=120)
    finally:
        process.kill()
    return process.returncode, output


@pytest.mark.accept("G11")
@pytest.mark.accept("E3")
def test_the_shipped_scripts_come_out_as_expected_all_at_once(system: System) -> None:
    """Six calls at a time, each a conversation with its own expectations."""
    running = {name: start_call(system, str(SCRIPTS / f"{name}.yaml")) for name in GOOD_DAY}
    results = {name: finish(process) for name, process in running.items()}

    failed = {name: output for name, (status, output) in results.items() if status != 0}
    assert {} == failed, "\n".join(failed.values())


@pytest.mark.accept("F1", "F2", "F3", "F7", "F8")
def test_a_person_is_asked_for(system: System) -> None:
    """Connected, back because the line was busy, and told honestly that there is nobody."""
    running = {name: start_call(system, str(SCRIPTS / f"{name}.yaml")) for name in HANDED_OVER}
    results = {name: finish(process) for name, process in running.items()}

    failed = {name: output for name, (status, output) in results.items() if status != 0}
    assert {} == failed, "\n".join(failed.values())


@pytest.mark.accept("D2", "D4", "D7", "E6", "F4", "F9")
def test_the_callers_words_choose_who_answers(system: System) -> None:
    """On the demo's dynamic line: billing at once, from support on to billing; and what can be asked of the line."""
    running = {name: start_call(system, str(SCRIPTS / f"{name}.yaml")) for name in ROUTED}
    results = {name: finish(process) for name, process in running.items()}

    failed = {name: output for name, (status, output) in results.items() if status != 0}
    assert {} == failed, "\n".join(failed.values())


@pytest.mark.accept("E22")
@pytest.mark.parametrize("name", BAD_DAY)
def test_the_caller_hears_words_whatever_the_model_does(system: System, name: str) -> None:
    """Slow, and dead for good."""
    status, output = finish(start_call(system, str(SCRIPTS / f"{name}.yaml")))

    assert 0 == status, output


def test_a_call_can_be_piped_in(system: System) -> None:
    """Lines of standard input are spoken, and the transcript comes out."""
    process = start_call(system, lines=True)
    status, output = finish(process, "My confirmation code is ABC123. Is my flight on time?\n/hangup\n")

    assert 0 == status, output
    assert "SkyOwl" in output
    assert "delay" in output or "late" in output


def test_an_expectation_that_fails_is_told_and_fails_the_command(system: System, tmp_path: Path) -> None:
    """Status 1, and the line of the script with what came instead."""
    script = tmp_path / "wrong.yaml"
    script.write_text("steps:\n  - expect: {contains: Bananas, within_s: 4}\n", encoding="utf-8")

    status, output = finish(start_call(system, str(script)))

    assert 1 == status, output
    assert f"{script}:2: expect: expected 'Bananas' within 4 s; the agent said" in output
