"""The demo airline's desk over a real table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.demo.load import seed_airline
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.errors import DependencyError
from ringfold.tools.airline import Airline, seat_key
from ringfold.tools.registry import Registry, ToolContext
from tests.aws import Aws


def context(organization_id: str = "org_skyowl", key: str = "key") -> ToolContext:
    return ToolContext(OrganizationId(organization_id), ConversationId("conv_1"), "+15125550147", key)


@pytest.fixture
def airline(aws: Aws) -> Airline:
    client = aws.client("dynamodb")
    seed_airline(client, aws.airline_table)
    return Airline(client, aws.airline_table)


def taken_by(aws: Aws, flight: str, seat: str) -> str:
    pk, sk = seat_key("org_skyowl", flight, seat)
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    item = aws.client("dynamodb").get_item(TableName=aws.airline_table, Key=key, ConsistentRead=True)["Item"]
    return str(item.get("taken_by", {}).get("S", ""))


@pytest.mark.accept("G11")
@pytest.mark.parametrize("code", ["ABC123", "abc123", "A B C 1 2 3", "a-b-c-1-2-3"])
def test_a_reservation_is_found_however_it_is_spelled(airline: Airline, code: str) -> None:
    """Passenger, flight, delay, gate and seat in one answer."""
    found = airline.lookup_reservation({"confirmation_code": code}, context())

    expected = {
        "found": True,
        "confirmation_code": "ABC123",
        "passenger_name": "Jane Smith",
        "flight_number": "OWL-101",
        "flight_status": "delayed",
        "delay_minutes": 120,
        "origin": "AUS",
        "destination": "SEA",
        "seat": "22E",
    }
    assert expected == {name: found[name] for name in expected}
    assert "phone_number" not in found


@pytest.mark.parametrize("code", ["ZZZ999", "ABC12", "", "x" * 40, "🙂"])
def test_an_unknown_reservation_is_told(airline: Airline, code: str) -> None:
    """With what to do next."""
    found = airline.lookup_reservation({"confirmation_code": code}, context())

    assert found["found"] is False
    assert "spell" in found["error"]


@pytest.mark.accept("G15")
def test_another_organization_finds_nothing(airline: Airline) -> None:
    """The same code, asked for another organization, is no reservation; nor is the flight a flight."""
    foreign = context("org_harbor")

    answers = [
        airline.lookup_reservation({"confirmation_code": "ABC123"}, foreign),
        airline.change_seat({"confirmation_code": "ABC123", "seat": "14C"}, foreign),
        airline.lookup_available_seats({"flight_number": "OWL-101"}, foreign),
    ]

    assert [False] * 3 == [answer["found"] for answer in answers]


@pytest.mark.accept("G11")
def test_free_seats_are_offered_by_wish(airline: Airline) -> None:
    """All, one cabin, one kind; free ones only."""
    flight = {"flight_number": "owl 101"}

    every = airline.lookup_available_seats(flight, context())
    aisle = airline.lookup_available_seats({**flight, "preference": "aisle", "cabin": "economy"}, context())

    assert (14, 12) == (every["free_seats"], len(every["seats"]))
    assert ["11C", "14C", "18D", "22C"] == [offer["seat"] for offer in aisle["seats"]]
    assert {"aisle"} == {offer["type"] for offer in aisle["seats"]}


def test_no_fitting_seat_is_told(airline: Airline) -> None:
    """With what to try."""
    answer = airline.lookup_available_seats(
        {"flight_number": "OWL-101", "cabin": "first", "preference": "window"}, context()
    )

    assert (0, []) == (answer["free_seats"], answer["seats"])
    assert "note" in answer


def test_an_unknown_flight_is_told(airline: Airline) -> None:
    """Not an empty list, which would read as full."""
    assert airline.lookup_available_seats({"flight_number": "XX-9"}, context())["found"] is False


@pytest.mark.accept("G11")
def test_a_seat_is_changed(airline: Airline, aws: Aws) -> None:
    """The new seat is taken, the old one free, the reservation knows."""
    result = airline.change_seat({"confirmation_code": "ABC123", "seat": "14 c"}, context())

    assert {"changed": True, "seat": "14C", "previous_seat": "22E"}.items() <= result.items()
    assert ("ABC123", "") == (taken_by(aws, "OWL-101", "14C"), taken_by(aws, "OWL-101", "22E"))
    assert "14C" == airline.lookup_reservation({"confirmation_code": "ABC123"}, context())["seat"]


@pytest.mark.accept("G11")
def test_the_same_change_asked_for_again_gives_the_same_result(airline: Airline) -> None:
    """Once, whatever is repeated; and back and forth works as said."""
    change = {"confirmation_code": "ABC123", "seat": "14C"}

    first = airline.change_seat(change, context(key="one"))
    assert first == airline.change_seat(change, context(key="one"))
    airline.change_seat({**change, "seat": "12A"}, context(key="two"))
    back = airline.change_seat(change, context(key="one"))

    assert ("14C", "12A") == (back["seat"], back["previous_seat"])


def test_the_same_change_raced_for_is_made_once(airline: Airline, aws: Aws) -> None:
    """A hedge and a repeat at once: one effect, and everybody is told it worked."""
    change = {"confirmation_code": "ABC123", "seat": "14C"}

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda _: airline.change_seat(change, context()), range(6)))

    assert {(True, "14C")} == {(result["changed"], result["seat"]) for result in results}
    assert "" == taken_by(aws, "OWL-101", "22E")


@pytest.mark.accept("G11")
def test_a_taken_seat_is_refused_with_alternatives(airline: Airline) -> None:
    """The passenger keeps their seat and hears what else is free."""
    result = airline.change_seat({"confirmation_code": "ABC123", "seat": "4A"}, context())

    assert (False, "22E") == (result["changed"], result["seat"])
    assert "4A is taken" in result["error"]
    assert result["alternatives"]


def test_one_seat_wanted_by_two_goes_to_one(airline: Airline, aws: Aws) -> None:
    """Two passengers of a flight, one seat, at once."""
    wishes = [{"confirmation_code": code, "seat": "14C"} for code in ("ABC123", "KLM456")]

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda wish: airline.change_seat(wish, context(key=wish["confirmation_code"])), wishes))

    assert [False, True] == sorted(result["changed"] for result in results)
    winner = next(r["confirmation_code"] for r in results if r["changed"])
    assert winner == taken_by(aws, "OWL-101", "14C")


@pytest.mark.parametrize("seat", ["99Z", "30A", "", "A14", "0A", "14CC", "x" * 10])
def test_a_seat_that_is_none_is_refused(airline: Airline, seat: str) -> None:
    """No seat of that name; the passenger keeps theirs."""
    result = airline.change_seat({"confirmation_code": "ABC123", "seat": seat}, context())

    assert (False, "22E") == (result["changed"], result["seat"])


def test_a_passenger_keeps_the_seat_they_have(airline: Airline) -> None:
    """Asking for one's own seat is granted, and changes nothing."""
    result = airline.change_seat({"confirmation_code": "ABC123", "seat": "22E"}, context())

    assert (True, "22E", "22E") == (result["changed"], result["seat"], result["previous_seat"])


@pytest.mark.accept("G11")
def test_the_tools_run_through_the_registry(airline: Airline) -> None:
    """Checked arguments in, JSON out; only the change has an effect."""
    registry = Registry.of(airline.tools())

    looked_up = registry.call("lookup_reservation", {"confirmation_code": "ABC123"}, context())
    refused = registry.call("lookup_available_seats", {"flight_number": "OWL-101", "cabin": "sofa"}, context())

    assert (True, False) == (looked_up.ok, refused.ok)
    assert "economy, premium, first" in refused.result
    assert ["change_seat"] == [tool.name for tool in registry.tools.values() if tool.side_effect]


@pytest.mark.parametrize(
    ("codes", "tries"), [(["TransactionConflict"], 3), (["ThrottlingError"], 1)], ids=["conflict", "throttled"]
)
def test_a_table_in_trouble_is_a_dependency_error(airline: Airline, codes: list[str], tries: int) -> None:
    """Conflicts are tried again; other trouble is told, and never as a seat that is taken."""
    tried: list[Any] = []

    def fail(**arguments: Any) -> Any:
        tried.append(arguments)
        error: Any = {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": [{"Code": code} for code in codes],
        }
        raise ClientError(error, "TransactWriteItems")

    airline._client.transact_write_items = fail

    with pytest.raises(DependencyError):
        airline.change_seat({"confirmation_code": "ABC123", "seat": "14C"}, context())

    assert tries == len(tried)
