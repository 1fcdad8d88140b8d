"""`make call`: what it says when there is nobody to call, and what it does with the lines it is given."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local import call as make_call
from local.calls.terminal import Screen
from local.carrier.exchange import directory_of
from local.processes import free_port
from tests.local.carrier.fake_app import calling

RUN = {
    "public_base_url": f"http://127.0.0.1:{free_port()}",
    "accounts": [{"id": "acc_1", "account_sid": "AC1", "auth_token": "made-up"}],
    "numbers": [
        {"id": "num_1", "phone_number": "+15125550110", "account_id": "acc_1", "routing_mode": "dynamic"},
        {"id": "num_2", "phone_number": "+15125550100", "account_id": "acc_1", "routing_mode": "fixed"},
    ],
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `.local` of its own."""
    monkeypatch.setenv("RINGFOLD_HOME", str(tmp_path))
    return tmp_path


def test_without_a_system_it_says_how_to_start_one(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing runs: status 2 and the way out."""
    assert 2 == make_call.main([])

    assert "make run" in capsys.readouterr().err


def test_a_system_that_has_died_is_noticed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file left behind is not a running system."""
    (home / "run.json").write_text(json.dumps(RUN), encoding="utf-8")

    assert 2 == make_call.main([])

    assert f"nothing answers at {RUN['public_base_url']}" in capsys.readouterr().err


def test_a_faulty_script_is_told_before_anything_is_called(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """File, line and what was expected there."""
    script = home / "call.yaml"
    script.write_text("steps:\n  - shout: hello\n", encoding="utf-8")

    assert 2 == make_call.main([str(script)])

    assert f"{script}:2: expected one of say" in capsys.readouterr().err


def test_the_first_number_with_one_agent_is_called() -> None:
    """By default a fixed-routing number, not the switchboard."""
    assert "+15125550100" == make_call.first_number(directory_of(RUN))


def test_a_stranger_has_a_number_in_e164() -> None:
    """Scripted calls come from somebody who never called before."""
    callers = {make_call.stranger() for _ in range(50)}

    assert all(caller.startswith("+1555") and 12 == len(caller) for caller in callers)
    assert len(callers) > 40


async def test_piped_lines_are_spoken_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line waits for the agent; commands work; the end of input hangs up."""

    async def lines() -> AsyncIterator[str]:
        for line in ("Hello", "/press 1 #", "/nonsense", "Goodbye"):
            yield line

    monkeypatch.setattr(make_call, "REPLY_S", 1.0)  # nobody answers keys here
    async with calling(attributes='welcomeGreeting="Hi." dtmfDetection="true"') as (app, call):
        await make_call.take_lines(call, lines(), Screen(colour=False, echo=True), wait_for_reply=True)

    assert ["Hello", "Goodbye"] == [frame["voicePrompt"] for frame in app.of("prompt")]
    assert ["1", "#"] == [frame["digit"] for frame in app.of("dtmf")]
    assert "hang-up" == (await call.ended()).reason
