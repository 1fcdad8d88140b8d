from __future__ import annotations

import pytest

from scripts.deployment.findings import Finding, Stop, failed, stopped, tell


def test_findings_are_told_with_their_cures() -> None:
    """Each on a line, aligned; a cure only where there is something to cure."""
    said: list[str] = []
    findings = [Finding("region", "ok", "us-east-1", "none"), Finding("model", "failed", "Denied.", "Ask for it.")]

    tell(findings, said.append)

    assert ["✓ region  us-east-1", "✗ model   Denied.", "          → Ask for it."] == said
    assert [findings[1]] == failed(findings)


def test_a_stop_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, with an exit status."""
    assert 1 == stopped(Stop("it broke.", "Mend it."), "make deploy STAGE=dev")
    assert [
        "",
        "Stopped: it broke.",
        "→ Mend it.",
        "→ Then again: make deploy STAGE=dev. What is done already stays done.",
    ] == capsys.readouterr().err.splitlines()
