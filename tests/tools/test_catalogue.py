"""What an agent may name."""

from __future__ import annotations

from ringfold.tools.catalogue import catalogue


def test_the_catalogue_holds_the_built_in_and_the_airlines_tools() -> None:
    """It can be looked at without a table behind it."""
    names = set(catalogue(None, "").tools)

    built_in = {
        "end_call",
        "transfer_call",
        "hand_to_agent",
        "play_audio",
        "send_digits",
        "switch_language",
        "collect_digits",
        "recall",
    }
    assert built_in | {"lookup_reservation", "lookup_available_seats", "change_seat"} == names
