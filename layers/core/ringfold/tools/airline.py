"""The demo airline's tools over a DynamoDB table: reservations, flights, seats.

| item | pk | sk | attributes beside ``doc``, the facts for the model |
|---|---|---|---|
| reservation | ``ORG#{organization_id}`` | ``RESERVATION#{code}`` | ``flight_number``, ``seat``, ``change`` |
| flight | ``ORG#{organization_id}`` | ``FLIGHT#{flight_number}`` | |
| seat | ``ORG#{organization_id}#FLIGHT#{flight}`` | ``SEAT#{row:02}{letter}`` | no ``doc``; ``taken_by`` when taken |

A seat is changed by one transaction over the new seat, the old seat and the reservation, each conditional, so two
callers never get the same seat and a change asked for twice is made once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from ringfold.adapters import codec
from ringfold.adapters.items import Key, doc_of, request, wire_key
from ringfold.errors import DependencyError
from ringfold.tools.registry import Tool, ToolContext

CABINS: Final = ("economy", "premium", "first")
KINDS: Final = ("window", "aisle", "middle")
MAX_SEATS: Final = 12
TRIES: Final = 3
Result = dict[str, Any]


def reservation_key(organization_id: str, code: str) -> Key:
    return f"ORG#{organization_id}", f"RESERVATION#{code}"


def flight_key(organization_id: str, flight_number: str) -> Key:
    return f"ORG#{organization_id}", f"FLIGHT#{flight_number}"


def seat_key(organization_id: str, flight_number: str, seat: str) -> Key:
    row, letter = int(seat[:-1]), seat[-1]
    return f"ORG#{organization_id}#FLIGHT#{flight_number}", f"SEAT#{row:02d}{letter}"


class Airline:
    """The airline's desk, through a botocore ``dynamodb`` client."""

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table

    def lookup_reservation(self, arguments: Mapping[str, Any], context: ToolContext) -> Result:
        """A reservation with its flight."""
        code = _code(arguments["confirmation_code"])
        if not code:
            return _no_reservation(str(arguments["confirmation_code"]))
        reservation = self._get(reservation_key(context.organization_id, code))
        if reservation is None:
            return _no_reservation(code)
        flight = self._get(flight_key(context.organization_id, reservation["flight_number"]))
        facts = {**doc_of(reservation), "seat": reservation.get("seat", "")}
        return {"found": True, "confirmation_code": code, **facts, **(doc_of(flight) if flight else {})}

    def lookup_available_seats(self, arguments: Mapping[str, Any], context: ToolContext) -> Result:
        """Free seats of a flight."""
        flight_number = _flight(arguments["flight_number"])
        if self._get(flight_key(context.organization_id, flight_number)) is None:
            return {
                "found": False,
                "error": f"no flight {flight_number}; look the reservation up for its flight number",
            }
        cabin, preference = arguments.get("cabin", ""), arguments.get("preference", "")
        free = self._free_seats(context.organization_id, flight_number)
        fitting = [s for s in free if cabin in {"", s["cabin"]} and preference in {"", s["type"]}]
        note = {} if fitting else {"note": "no such seat is free; other kinds may be, ask without cabin and preference"}
        return {
            "found": True,
            "flight_number": flight_number,
            "free_seats": len(fitting),
            "seats": [_offer(seat) for seat in fitting[:MAX_SEATS]],
            **note,
        }

    def change_seat(self, arguments: Mapping[str, Any], context: ToolContext) -> Result:
        """Move a passenger to a free seat. The same request repeated gives the same result."""
        code, seat = _code(arguments["confirmation_code"]), _seat(arguments["seat"])
        reservation = self._get(reservation_key(context.organization_id, code)) if code else None
        if reservation is None:
            return _no_reservation(code or str(arguments["confirmation_code"]))
        done = reservation.get("change", {})
        if done.get("seat") == seat == reservation.get("seat") and done.get("key") == context.idempotency_key:
            return _changed(code, reservation["flight_number"], seat, done["previous_seat"])
        if not seat or self._get(seat_key(context.organization_id, reservation["flight_number"], seat)) is None:
            return self._refused(reservation, context, f"there is no seat {seat or arguments['seat']!r} on this flight")
        if reservation.get("seat") == seat:
            return _changed(code, reservation["flight_number"], seat, seat)
        return self._move(reservation, code, seat, context)

    def _move(self, reservation: Mapping[str, Any], code: str, seat: str, context: ToolContext) -> Result:
        previous, flight_number = reservation.get("seat", ""), reservation["flight_number"]
        items = self._move_items(code, flight_number, previous, seat, context)
        for _ in range(TRIES):
            try:
                request(self._client.transact_write_items, "change seat", TransactItems=items)
            except ClientError as exc:
                reasons: Any = exc.response.get("CancellationReasons", [])
                codes = {reason.get("Code") for reason in reasons}
                if "ConditionalCheckFailed" in codes:
                    return self._lost(code, seat, context)
                if "TransactionConflict" not in codes:
                    raise DependencyError("dynamodb", f"change seat: {sorted(map(str, codes))}") from exc
            else:
                return _changed(code, flight_number, seat, previous)
        raise DependencyError("dynamodb", "change seat: another transaction was in the way", retryable=True)

    def _lost(self, code: str, seat: str, context: ToolContext) -> Result:
        """Somebody was there first: another passenger, or this very request sent twice."""
        now = self._get(reservation_key(context.organization_id, code))
        if now is None:
            return _no_reservation(code)
        if now.get("seat") == seat:
            return _changed(code, now["flight_number"], seat, now.get("change", {}).get("previous_seat", seat))
        return self._refused(now, context, f"seat {seat} is taken")

    def _refused(self, reservation: Mapping[str, Any], context: ToolContext, why: str) -> Result:
        flight_number = reservation["flight_number"]
        free = self._free_seats(context.organization_id, flight_number)
        return {
            "changed": False,
            "error": f"{why}; the passenger keeps seat {reservation.get('seat') or 'unassigned'}",
            "seat": reservation.get("seat", ""),
            "flight_number": flight_number,
            "alternatives": [_offer(offer) for offer in free[:4]],
        }

    def _free_seats(self, organization_id: str, flight_number: str) -> list[Result]:
        answer = request(
            self._client.query,
            "free seats",
            TableName=self._table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :seat)",
            FilterExpression="attribute_not_exists(taken_by)",
            ExpressionAttributeValues=codec.dump_item(
                {":pk": f"ORG#{organization_id}#FLIGHT#{flight_number}", ":seat": "SEAT#"}
            ),
            ConsistentRead=True,
        )
        return [codec.load_item(item) for item in answer["Items"]]

    def _move_items(
        self, code: str, flight_number: str, previous: str, seat: str, context: ToolContext
    ) -> list[dict[str, Any]]:
        organization_id = context.organization_id
        change = {"key": context.idempotency_key, "seat": seat, "previous_seat": previous}
        steps = [
            self._step(
                seat_key(organization_id, flight_number, seat),
                "SET taken_by = :code",
                "attribute_exists(pk) AND attribute_not_exists(taken_by)",
                {":code": code},
            ),
            self._step(
                reservation_key(organization_id, code),
                "SET seat = :seat, #change = :change",
                "seat = :previous",
                {":seat": seat, ":change": change, ":previous": previous},
                {"#change": "change"},
            ),
        ]
        if previous:
            old = seat_key(organization_id, flight_number, previous)
            steps.append(self._step(old, "REMOVE taken_by", "taken_by = :code", {":code": code}))
        return steps

    def _step(
        self, key: Key, update: str, condition: str, values: Mapping[str, Any], names: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        step: dict[str, Any] = {
            "TableName": self._table,
            "Key": wire_key(key),
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeValues": codec.dump_item(values),
        }
        if names:
            step["ExpressionAttributeNames"] = dict(names)
        return {"Update": step}

    def _get(self, key: Key) -> dict[str, Any] | None:
        answer = request(
            self._client.get_item, "airline", TableName=self._table, Key=wire_key(key), ConsistentRead=True
        )
        return codec.load_item(answer["Item"]) if "Item" in answer else None

    def tools(self) -> list[Tool]:
        """The three tools, ready to be registered."""
        code = {"type": "string", "maxLength": 40, "description": "The six-character confirmation code, e.g. ABC123"}
        return [
            Tool(
                "lookup_reservation",
                "Look up a reservation by its confirmation code: passenger, flight, times, delay, gate, seat.",
                _schema({"confirmation_code": code}, ["confirmation_code"]),
                self.lookup_reservation,
            ),
            Tool(
                "lookup_available_seats",
                "List free seats of a flight, optionally only one cabin or one kind of seat.",
                _schema(
                    {
                        "flight_number": {"type": "string", "maxLength": 20, "description": "For example OWL-101"},
                        "cabin": {"type": "string", "enum": list(CABINS)},
                        "preference": {"type": "string", "enum": list(KINDS)},
                    },
                    ["flight_number"],
                ),
                self.lookup_available_seats,
            ),
            Tool(
                "change_seat",
                "Move the passenger of a reservation to a free seat. Call it only once the caller has chosen the seat.",
                _schema(
                    {
                        "confirmation_code": code,
                        "seat": {"type": "string", "maxLength": 10, "description": "For example 14C"},
                    },
                    ["confirmation_code", "seat"],
                ),
                self.change_seat,
                side_effect=True,
            ),
        ]


def _schema(properties: Mapping[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


def _code(spoken: str) -> str:
    """A confirmation code however it was spelled out; ``""`` when it cannot be one."""
    code = re.sub(r"[^A-Z0-9]", "", spoken.upper())
    return code if len(code) == 6 else ""


def _flight(spoken: str) -> str:
    """``owl 101`` and ``OWL101`` are ``OWL-101``."""
    match = re.fullmatch(r"([A-Z]+)[\s-]*([0-9]{1,4})", spoken.strip().upper())
    return f"{match[1]}-{match[2]}" if match else spoken.strip().upper()[:20]


def _seat(spoken: str) -> str:
    """``14 c`` and ``14-C`` are ``14C``; ``""`` when it cannot be a seat."""
    seat = re.sub(r"[\s-]", "", spoken.upper()).lstrip("0")
    return seat if re.fullmatch(r"[0-9]{1,2}[A-L]", seat) else ""


def _offer(seat: Mapping[str, Any]) -> Result:
    return {"seat": seat["seat"], "type": seat["type"], "cabin": seat["cabin"]}


def _changed(code: str, flight_number: str, seat: str, previous: str) -> Result:
    result = {"changed": True, "confirmation_code": code, "flight_number": flight_number, "seat": seat}
    return {**result, "previous_seat": previous}


def _no_reservation(code: str) -> Result:
    return {
        "found": False,
        "error": f"no reservation found with confirmation code {code[:20]!r}; ask the caller to spell it again",
    }
