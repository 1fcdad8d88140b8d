"""Tool results, whatever their form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.model.dialogue.conversation import ToolRound
from local.model.dialogue.facts import Reservation, Seat, outcome, read_seats

NESTED = {
    "status": "ok",
    "reservation": {"confirmation": "ABC123", "seat_number": "14A", "passengers": [{"name": "Jane Smith"}]},
    "passenger": {"name": "Jane Smith"},
    "flight": {"number": "OWL-101", "status": "DELAYED", "departure": {"scheduled": "13:45", "estimated": "15:45"}},
}


def test_nested_results_are_understood() -> None:
    """Names and depth differ from airline to airline; the facts are found."""
    facts = Reservation(NESTED)

    assert ("ABC123", "Jane", "OWL-101", "14A", "delayed", "15:45", "13:45") == (
        facts.text("code"),
        facts.first_name,
        facts.text("flight"),
        facts.text("seat"),
        facts.state,
        facts.text("departure"),
        facts.text("scheduled"),
    )


@pytest.mark.parametrize(
    ("status", "delay", "state"),
    [
        ("delayed", 120, "delayed"),
        ("on time", 0, "on_time"),
        ("On-time", None, "on_time"),
        ("scheduled", 45, "delayed"),
        ("Cancelled", None, "cancelled"),
        ("CANCELED", None, "cancelled"),
        ("purple", None, ""),
    ],
)
def test_states(status: str, delay: int | None, state: str) -> None:
    """The state of a flight follows from its status and its delay."""
    assert state == Reservation({"flight_status": status, "delay_minutes": delay}).state


@pytest.mark.parametrize(
    ("result", "failed", "became"),
    [
        ({"found": True}, False, "ok"),
        ({"found": False}, False, "not_found"),
        ({"error": "no reservation found with confirmation code 'X'"}, False, "not_found"),
        ({"error": "seat 14F is taken"}, False, "taken"),
        ({"error": "outcome unknown: the connection was lost"}, True, "unknown"),
        ({"error": "boom"}, True, "failed"),
        ({"changed": False}, False, "failed"),
        ({}, False, "failed"),
        (None, False, "failed"),
        (7, False, "failed"),
        ({"ok": True}, True, "failed"),
    ],
)
def test_outcomes(result: Any, failed: bool, became: str) -> None:
    """What became of a call is read from status and words."""
    assert became == outcome(ToolRound("change_seat", {}, result, failed))


@pytest.mark.parametrize(
    "result",
    [
        {"seats": [{"seat": "12A", "type": "window"}, {"seat": "14C", "type": "aisle"}]},
        {"available": {"economy": [{"number": "12a", "position": "Window seat"}, {"number": "14C", "kind": "AISLE"}]}},
        [{"id": "12A", "preference": "window"}, {"id": "14 C", "preference": "aisle"}, "window", {"seat": "12A"}],
    ],
)
def test_seats_are_found_in_any_list(result: Any) -> None:
    """Seats are recognised by their form, each once, in the order given."""
    assert [Seat("12A", "window"), Seat("14C", "aisle")] == [Seat(s.number, s.kind) for s in read_seats(result)]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["seat", "status", "flight", "name", "delay", "error", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_nonsense_is_read_too(result: Any) -> None:
    """Whatever a tool returns, reading it never fails."""
    facts = Reservation(result)

    assert facts.state in {"delayed", "cancelled", "on_time", ""}
    assert facts.delay_minutes >= 0
    read_seats(result)
    outcome(ToolRound("x", {}, result))
