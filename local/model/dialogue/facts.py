"""What tools returned, read leniently: field names differ from airline to airline, the facts do not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from local.model.dialogue.conversation import ToolRound

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "code": ("confirmation_code", "confirmation", "record_locator", "pnr", "reservation_code", "code"),
    "passenger": ("passenger_name", "passenger.name", "customer_name", "passenger", "customer", "traveler", "name"),
    "first_name": ("first_name", "passenger.first_name"),
    "flight": ("flight_number", "flight.number", "flight.flight_number", "flight_no", "flight"),
    "origin": ("origin_city", "origin.city", "departure_city", "origin_name", "origin", "from"),
    "destination": ("destination_city", "destination.city", "arrival_city", "destination_name", "destination", "to"),
    "status": ("flight_status", "flight.status", "status"),
    "delay": ("delay_minutes", "delay_min", "delayed_by_minutes", "minutes_late", "delay"),
    "reason": ("delay_reason", "status_reason", "reason"),
    "departure": (
        "estimated_departure", "new_departure_time", "estimated_departure_time", "new_departure", "revised_departure",
        "departure_time", "departure.estimated", "departs_at", "departure", "scheduled_departure",
        "scheduled_departure_time", "departure.scheduled",
    ),
    "scheduled": (
        "scheduled_departure", "scheduled_departure_time", "original_departure", "original_departure_time",
        "departure.scheduled",
    ),
    "arrival": (
        "estimated_arrival", "new_arrival_time", "estimated_arrival_time", "new_arrival", "arrival_time",
        "arrival.estimated", "arrives_at", "arrival", "scheduled_arrival", "scheduled_arrival_time",
    ),
    "date": ("departure_date", "flight_date", "travel_date", "date"),
    "gate": ("gate", "departure_gate", "departure.gate"),
    "terminal": ("terminal", "departure_terminal", "departure.terminal"),
    "seat": ("seat", "seat_number", "current_seat", "seat_assignment", "new_seat"),
    "cabin": ("cabin", "cabin_class", "class", "travel_class", "fare_class"),
    "bags": ("checked_bags", "bags", "baggage", "bag_count", "luggage"),
    "fare": ("fare_type", "fare", "ticket_type"),
    "refundable": ("refundable", "is_refundable", "refund_eligible"),
    "rebooking": ("rebooking_options", "rebook_options", "alternatives", "alternative_flights", "next_flights"),
}  # fmt: skip
KIND_BY_LETTER: Final = {"A": "window", "F": "window", "C": "aisle", "D": "aisle", "B": "middle", "E": "middle"}
NOT_FOUND: Final = re.compile(
    r"not[ _]?found|no (such )?(reservation|booking|record)|does not exist|unknown (confirmation|code)", re.IGNORECASE
)
UNKNOWN: Final = re.compile(r"outcome.{0,20}unknown|unknown outcome|may or may not|not known whether", re.IGNORECASE)
TAKEN: Final = re.compile(
    r"taken|not available|unavailable|occupied|no longer|already (booked|assigned)", re.IGNORECASE
)


@dataclass(frozen=True)
class Seat:
    """A seat on offer; ``kind`` is window, aisle, middle or ``""``, ``cabin`` may be ``""``."""

    number: str
    kind: str = ""
    cabin: str = ""


def outcome(done: ToolRound) -> str:
    """What became of a tool call: ``ok``, ``not_found``, ``taken``, ``unknown`` or ``failed``."""
    result = done.result
    said = json.dumps(result) if isinstance(result, Mapping | list) else str(result)
    refused = isinstance(result, Mapping) and (
        bool(result.get("error")) or any(result.get(name) is False for name in ("ok", "success", "found", "changed"))
    )
    if not done.failed and not refused and _has_content(result):
        return "ok"
    for name, pattern in (("unknown", UNKNOWN), ("not_found", NOT_FOUND), ("taken", TAKEN)):
        if pattern.search(said):
            return name
    return "not_found" if isinstance(result, Mapping) and result.get("found") is False else "failed"


def _has_content(result: Any) -> bool:
    # "Nonsense" is a failure too: null, an empty object, a bare number.
    return isinstance(result, Mapping | list) and (bool(result) or isinstance(result, list))


class Reservation:
    """The facts of a reservation by our names; a fact that was not given is ``""`` (or ``None`` from ``value``)."""

    def __init__(self, result: Any) -> None:
        """Read a tool's result."""
        self._flat: dict[str, Any] = {}
        for name, value in _flatten(result):
            self._flat.setdefault(name, value)

    def value(self, fact: str) -> Any:
        """The raw value of a fact."""
        for name in NAMES[fact]:
            value = self._flat.get(name)
            if value not in (None, "", []) and (not isinstance(value, Mapping)):
                return value
        return None

    def text(self, fact: str) -> str:
        """A fact as text."""
        value = self.value(fact)
        return "" if value is None or isinstance(value, list | bool) else str(value)

    @property
    def first_name(self) -> str:
        """What to call the passenger."""
        return self.text("first_name") or self.text("passenger").split(" ")[0]

    @property
    def delay_minutes(self) -> int:
        """How late it is; 0 when that is not said."""
        digits = re.search(r"\d+", self.text("delay"))
        return int(digits[0]) if digits else 0

    @property
    def state(self) -> str:
        """``delayed``, ``cancelled``, ``on_time`` or ``""``."""
        said = self.text("status").lower()
        if "cancel" in said:
            return "cancelled"
        if self.delay_minutes or "delay" in said or "late" in said:
            return "delayed"
        return "on_time" if re.search(r"on.?time|scheduled|confirmed|boarding", said) else ""


def kind_of(seat: Seat) -> str:
    """Window, aisle or middle: as the tool said, else as the letter says in a row of six."""
    return seat.kind or KIND_BY_LETTER.get(seat.number[-1], "")


def read_seats(result: Any) -> list[Seat]:
    """The seats in a tool's result, in its order."""
    found: list[Seat] = []
    for entry in _entries(result):
        if isinstance(entry, Mapping):
            number = next((str(entry[name]) for name in ("seat", "seat_number", "number", "id") if name in entry), "")
            kind = " ".join(str(entry.get(name, "")) for name in ("type", "kind", "position", "preference", "location"))
        else:
            number, kind = str(entry), ""
        number = number.upper().replace(" ", "")
        if re.fullmatch(r"\d{1,2}[A-L]", number) and number not in {seat.number for seat in found}:
            cabin = str(entry.get("cabin", "")).lower() if isinstance(entry, Mapping) else ""
            found.append(Seat(number, _kind(kind), cabin))
    return found


def _kind(text: str) -> str:
    return next((kind for kind in ("window", "aisle", "middle") if kind in text.lower()), "")


def _entries(result: Any) -> Iterator[Any]:
    if isinstance(result, list):
        for item in result:
            yield from _entries(item) if isinstance(item, list) else (item,)
    elif isinstance(result, Mapping):
        for value in result.values():
            if isinstance(value, list | Mapping):
                yield from _entries(value)


def _flatten(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf by its own name, and by its parent's and its own; what lies further out comes first."""
    if not isinstance(value, Mapping):
        return
    nested: list[tuple[str, Any]] = []
    for name, item in value.items():
        if isinstance(item, Mapping):
            nested.append((str(name), item))
            continue
        if path:
            yield f"{path}.{name}", item
        yield str(name), item
        if isinstance(item, list) and item and isinstance(item[0], Mapping):
            nested.append((str(name), item[0]))
    for name, item in nested:
        yield from _flatten(item, name)
