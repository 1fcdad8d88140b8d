"""Log lines and metrics."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringfold.log import Log, mask


def lines_of(level: str = "INFO", **fields: Any) -> tuple[Log, list[str]]:
    """A logger and where its lines go."""
    lines: list[str] = []
    return Log(level, lines.append, **fields), lines


def test_a_line_is_one_json_object_with_what_was_bound() -> None:
    """Fields bound early stand on every line."""
    log, lines = lines_of(function="relay")

    log.bind(call_sid="CA1").info("turn finished", turn=3)

    expected = {"level": "INFO", "message": "turn finished", "function": "relay", "call_sid": "CA1", "turn": 3}
    assert expected == json.loads(lines[0])


def test_speech_at_debug_stays_out_of_an_info_log() -> None:
    """What is below the level is not written at all."""
    log, lines = lines_of()

    log.debug("caller said", text="my card number")

    assert [] == lines


@pytest.mark.accept("E11")
def test_metrics_ride_on_the_line() -> None:
    """CloudWatch reads the same line as a metric (EMF)."""
    log, lines = lines_of()

    log.metrics("turn finished", {"FirstTokenMs": (412, "Milliseconds")}, {"Channel": "voice"}, at_ms=7, turn=1)

    line = json.loads(lines[0])
    assert (412, "voice", 1) == (line["FirstTokenMs"], line["Channel"], line["turn"])
    declared = line["_aws"]["CloudWatchMetrics"][0]
    assert [["Channel"]] == declared["Dimensions"]
    assert [{"Name": "FirstTokenMs", "Unit": "Milliseconds"}] == declared["Metrics"]


@pytest.mark.parametrize(
    ("number", "masked"), [("+15125551234", "+1***1234"), ("sip:joe@example.com", "sip:***"), ("anonymous", "***")]
)
def test_numbers_are_masked(number: str, masked: str) -> None:
    """Enough to tell two callers apart, not enough to call one."""
    assert masked == mask(number)
