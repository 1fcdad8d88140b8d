"""Giving numbers back: nothing half, nothing twice, and never a call dropped for it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from ringfold_admin.services import releases
from ringfold_admin.stores.table import Table
from tests.admin.numbers_desk import NUMBERS, Office, at_once, killed_at, principal_of

BUSY_S = releases.LEASE_MS / 1000 + 1


def state_of(office: Office, phone_number: str) -> str | None:
    item = office.item(f"NUMBER#{phone_number}")
    return str(item["state"]) if item else None


@pytest.mark.accept("C5")
@pytest.mark.accept("C11")
def test_a_release_gives_the_number_back_and_forgets_it(office: Office) -> None:
    """At Twilio and here, when the typed number is its own."""
    number = office.bought(default_agent_id="agt_one", agents=["agt_one"])
    path = f"{NUMBERS}/{number['id']}"

    wrong = office.admin.delete(path, query={"confirm": "+15125550199"})
    kept = len(office.twilio.owned)
    done = office.admin.delete(path, query={"confirm": number["phone_number"]})

    assert (400, 1) == (wrong.status, kept)
    assert (204, {}) == (done.status, office.twilio.owned)
    assert 404 == office.admin.get(path).status
    left = [item for item in office.everything() if number["id"] in str(item) and "AUDIT" not in item["pk"]]
    assert [] == left
    assert 204 == office.admin.delete(f"/api/voice/accounts/{office.account}").status


@pytest.mark.parametrize("fault", ["lost", "503 done", "reset", "503"])
def test_a_release_whose_answer_is_lost_goes_on(office: Office, fault: str) -> None:
    """The number stays marked; DELETE again finishes it, whether Twilio had taken it back or not."""
    number = office.bought()
    path = f"{NUMBERS}/{number['id']}"
    office.twilio.faults["delete"] = [fault]

    first = office.admin.delete(path)
    state = state_of(office, number["phone_number"])
    changed = office.admin.patch(path, {"name": "New"})
    second = office.admin.delete(path)

    assert (504, "releasing") == (first.status, state)
    assert (409, "number_releasing") == (changed.status, changed.code)
    assert (204, {}) == (second.status, office.twilio.owned)


def test_a_release_that_twilio_refuses_leaves_the_number_in_use(office: Office) -> None:
    """Nothing is half given back."""
    number = office.bought()
    office.twilio.faults["delete"] = ["20003"]

    refused = office.admin.delete(f"{NUMBERS}/{number['id']}")

    assert (422, "active") == (refused.status, state_of(office, number["phone_number"]))


def test_a_number_that_twilio_has_no_more_is_forgotten(office: Office) -> None:
    """It was released in Twilio's console."""
    number = office.bought()
    office.twilio.owned.clear()

    assert 204 == office.admin.delete(f"{NUMBERS}/{number['id']}").status


@pytest.mark.parametrize(
    "point",
    [
        ("after the mark", Table, "write", 1, True),
        ("before twilio", releases.carrier, "release", 1, False),
        ("after twilio", releases.carrier, "release", 1, True),
        ("before it is forgotten", Table, "write", 2, False),
    ],
    ids=lambda point: point[0],
)
@pytest.mark.parametrize("way", ["again", "reconcile"])
def test_a_release_killed_anywhere_is_finished(
    office: Office, monkeypatch: pytest.MonkeyPatch, point: Any, way: str
) -> None:
    """By DELETE again, or by the delayed look."""
    number = office.bought()
    _, owner, name, nth, after = point
    with killed_at(owner, name, monkeypatch, nth=nth, after=after):
        office.admin.delete(f"{NUMBERS}/{number['id']}")

    if way == "again":
        assert 204 == office.admin.delete(f"{NUMBERS}/{number['id']}").status
    else:
        office.clock.pass_s(90)
        assert "released" == office.desk.purchases.reconcile(office.reminders.sent[-1])

    assert {} == office.twilio.owned
    assert state_of(office, number["phone_number"]) is None


def test_an_open_purchase_can_be_given_up(office: Office) -> None:
    """What Twilio has sold meanwhile is given back as well."""
    office.twilio.faults = {"create": ["lost"], "list": ["reset"]}
    number_id = office.buy().json["error"]["details"][0]["number_id"]

    early = office.admin.delete(f"{NUMBERS}/{number_id}")
    office.clock.pass_s(BUSY_S)
    late = office.admin.delete(f"{NUMBERS}/{number_id}")

    assert (409, 204) == (early.status, late.status)
    assert {} == office.twilio.owned
    assert state_of(office, office.phone()) is None


def test_two_releases_at_once_release_once(office: Office) -> None:
    """The slower one finds it gone."""
    number = office.bought()
    crew, admin = office.crew(), principal_of(office.org)

    outcomes = at_once(*(partial(crew.releases.release, admin, number["id"], None, None) for _ in range(2)))

    assert 200 in [status for status, _ in outcomes]
    assert {status for status, _ in outcomes} <= {200, 404, 409}
    assert {} == office.twilio.owned
    assert state_of(office, number["phone_number"]) is None
