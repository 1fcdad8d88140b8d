"""Faults of the REST side, as a client behind a real connection sees them, and the record of what was asked."""

from __future__ import annotations

import time
from typing import Any, get_args

import httpx
import pytest
import requests
from twilio.rest import Client

from local.carrier.rest.faults import FaultKind, RestFaults
from local.settings import ROOT
from tests.local.carrier.rest.conftest import API, OTHER_SID, OTHER_TOKEN, SID, TOKEN, Carrier, refusal

NUMBER = "+15125550101"
PURCHASE = {"resource": "IncomingPhoneNumbers", "method": "POST"}


def buy(sdk: Client, phone_number: str = NUMBER) -> Any:
    return sdk.incoming_phone_numbers.create(phone_number=phone_number)


def owned(carrier: Carrier) -> bool:
    return carrier.books.holder(NUMBER) is not None


def outcome(carrier: Carrier) -> tuple[Any, ...]:
    last = carrier.requests()[-1]
    return last["fault"], last["processed"], last["status"], last["code"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"status": 500}, (500, 20500)),
        ({"status": 503}, (503, 20503)),
        ({"status": 429}, (429, 20429)),
        ({"status": 400, "code": 21422, "message": "taken"}, (400, 21422)),
        ({"status": 401}, (401, 20003)),
        ({"status": 403}, (403, 20005)),
    ],
)
def test_an_error_is_answered_and_nothing_done(
    carrier: Carrier, sdk: Client, fault: dict[str, Any], expected: tuple[int, int]
) -> None:
    """Any status with its usual code or another; so many times, then all is well."""
    carrier.faults({"fault": "error", "times": 2, **PURCHASE, **fault})

    assert [expected, expected] == [refusal(lambda: buy(sdk)) for _ in range(2)]
    assert not owned(carrier)
    assert ("error", False, *expected) == outcome(carrier)
    assert NUMBER == buy(sdk).phone_number


def test_an_answer_that_gets_lost_hides_a_purchase(carrier: Carrier, sdk: Client) -> None:
    """Processed, then 500: the client cannot know, but the list can."""
    carrier.faults({"fault": "error_processed", "times": 1, **PURCHASE})

    assert (500, 20500) == refusal(lambda: buy(sdk))
    assert ("error_processed", True, 500, 20500) == outcome(carrier)
    assert [NUMBER] == [each.phone_number for each in sdk.incoming_phone_numbers.list(phone_number=NUMBER)]
    assert (400, 21422) == refusal(lambda: buy(sdk))


@pytest.mark.parametrize("processed", [False, True])
def test_a_connection_is_reset(carrier: Carrier, sdk: Client, processed: bool) -> None:
    """Before the request is carried out, or after; the client sees the same."""
    kind = "reset_processed" if processed else "reset"
    carrier.faults({"fault": kind, "times": 1, **PURCHASE})

    with pytest.raises(requests.ConnectionError):
        buy(sdk)

    assert processed is owned(carrier)
    assert (kind, processed, None, None) == outcome(carrier)


@pytest.mark.parametrize("processed", [False, True])
def test_a_client_waits_in_vain(carrier: Carrier, processed: bool) -> None:
    """It times out by itself, and cannot tell whether the number was bought."""
    kind = "timeout_processed" if processed else "timeout"
    carrier.faults({"fault": kind, "times": 1, **PURCHASE})
    sdk = carrier.sdk(timeout_s=0.3)

    with pytest.raises(requests.Timeout):
        buy(sdk)

    assert processed is owned(carrier)
    assert (kind, processed, None, None) == outcome(carrier)


def test_a_patient_client_sees_the_connection_break(carrier: Carrier, sdk: Client) -> None:
    """A timeout of the carrier's ends after its time without an answer."""
    carrier.faults({"fault": "timeout", "ms": 50, **PURCHASE})

    with pytest.raises(requests.ConnectionError):
        buy(sdk)


def test_a_slow_answer_comes_late(carrier: Carrier, sdk: Client) -> None:
    """Carried out, and answered after its time."""
    carrier.faults({"fault": "slow", "ms": 200, **PURCHASE})
    began_s = time.monotonic()

    assert NUMBER == buy(sdk).phone_number
    assert 0.2 <= time.monotonic() - began_s
    assert ("slow", True, 201, None) == outcome(carrier)


def test_a_limit_lets_some_through(carrier: Carrier, sdk: Client) -> None:
    """So many requests in a span of time; above that 429, not processed."""
    carrier.faults({"fault": "limit", "allow": 2, "per_ms": 60_000, "resource": "AvailablePhoneNumbers"})
    answers = [carrier.raw("GET", f"{API}/AvailablePhoneNumbers/US.json").status_code for _ in range(4)]

    assert [200, 200, 429, 429] == answers
    assert SID == sdk.api.accounts(SID).fetch().sid


def test_limits_end() -> None:
    """When the span of time is over, as many may pass again."""
    now = [0.0]
    faults = RestFaults(lambda: now[0])
    faults.replace({"faults": [{"fault": "limit", "allow": 1, "per_ms": 1000}]})

    struck = []
    for now[0] in (0.0, 0.5, 0.9, 1.0, 1.5, 2.0):
        struck.append(faults.strike("Accounts", "GET", frozenset()) is not None)

    assert [False, True, True, False, True, False] == struck


def test_faults_choose_their_requests(carrier: Carrier, sdk: Client) -> None:
    """By resource, method and account, after so many that pass; two may be set for different things."""
    carrier.faults(
        {"fault": "error", "resource": "IncomingPhoneNumbers", "method": "GET", "after": 1, "times": 1},
        {"fault": "error", "status": 503, "account_sid": OTHER_SID},
    )
    other = carrier.sdk(OTHER_SID, OTHER_TOKEN)

    assert 1 == len(sdk.incoming_phone_numbers.list())
    assert (500, 20500) == refusal(sdk.incoming_phone_numbers.list)
    assert NUMBER == buy(sdk).phone_number
    assert (503, 20503) == refusal(other.api.accounts(OTHER_SID).fetch)
    assert 2 == len(sdk.incoming_phone_numbers.list())


def test_faults_are_shown_and_put_back(carrier: Carrier, sdk: Client) -> None:
    """GET shows what is left of them, DELETE ends them."""
    carrier.faults({"fault": "error", "times": 3})
    refusal(sdk.incoming_phone_numbers.list)
    (shown,) = carrier.control("GET", "/rest/faults")["faults"]

    assert ("error", 2) == (shown["fault"], shown["times"])
    assert {"faults": []} == carrier.control("DELETE", "/rest/faults")
    assert 1 == len(sdk.incoming_phone_numbers.list())


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"faults": {}},
        {"faults": [], "posts": []},
        {"faults": ["error"]},
        {"faults": [{"resource": "Accounts"}]},
        {"faults": [{"fault": "explode"}]},
        {"faults": [{"fault": "error", "resource": "Numbers"}]},
        {"faults": [{"fault": "error", "method": "PUT"}]},
        {"faults": [{"fault": "error", "status": 200}]},
        {"faults": [{"fault": "error", "times": -1}]},
        {"faults": [{"fault": "error", "ms": "5"}]},
        {"faults": [{"fault": "error", "_passed": 1}]},
    ],
)
def test_faults_that_cannot_be_meant_change_nothing(carrier: Carrier, document: Any) -> None:
    """400 in the control interface's shape, and the old ones stay."""
    carrier.faults({"fault": "slow", "ms": 1})

    answer = carrier.raw("PUT", "/rest/faults", auth=None, json=document)

    assert 400 == answer.status_code
    assert {"code", "message"} == set(answer.json()["error"])
    assert ["slow"] == [each["fault"] for each in carrier.control("GET", "/rest/faults")["faults"]]


def test_every_fault_is_documented() -> None:
    """The table of docs/local.md names each kind."""
    page = (ROOT / "docs" / "local.md").read_text(encoding="utf-8")

    assert [] == [kind for kind in get_args(FaultKind) if f"| `{kind}` | " not in page]


# -- the record --------------------------------------------------------------------------------------------------------


def test_every_request_is_recorded(carrier: Carrier, sdk: Client) -> None:
    """Who asked what in which words, and what came of it: for counting and judging."""
    buy(sdk)
    refusal(lambda: buy(sdk))
    key = sdk.new_keys.create()
    carrier.sdk(key.sid, key.secret, account_sid=SID).incoming_phone_numbers.list(phone_number="+1512*", limit=3)

    bought, taken, made, listed = carrier.requests()
    assert ("POST", f"{API}/IncomingPhoneNumbers.json", "IncomingPhoneNumbers", SID) == (
        bought["method"], bought["path"], bought["resource"], bought["user"],
    )  # fmt: skip
    assert [["PhoneNumber", NUMBER]] == bought["form"]
    assert "application/x-www-form-urlencoded" == bought["content_type"]
    assert (201, None, True) == (bought["status"], bought["code"], bought["processed"])
    assert (400, 21422, False) == (taken["status"], taken["code"], taken["processed"])
    assert ("Keys", 201) == (made["resource"], made["status"])
    assert [["PhoneNumber", "+1512*"], ["PageSize", "3"]] == listed["query"]
    assert key.sid == listed["user"]


def test_the_record_can_be_read_on_and_cleared(carrier: Carrier, sdk: Client) -> None:
    """Only what came after an id; and nothing after it was cleared, while the ids go on."""
    sdk.incoming_phone_numbers.list()
    buy(sdk)
    first, second = carrier.requests()

    assert [second] == carrier.control("GET", f"/rest/requests?after={first['id']}")["requests"]
    assert [] == carrier.control("DELETE", "/rest/requests")["requests"]
    sdk.incoming_phone_numbers.list()
    assert [second["id"] + 1] == [each["id"] for each in carrier.requests()]


def test_the_record_keeps_no_passwords(carrier: Carrier) -> None:
    """A URL's password is blotted out, a body that is no form is not kept, and credentials never are."""
    form = {"VoiceUrl": "https://user:hidden@app.example/voice", "PhoneNumber": NUMBER}
    carrier.raw("POST", f"{API}/IncomingPhoneNumbers.json", data=form)
    carrier.raw("POST", f"{API}/IncomingPhoneNumbers.json", json={"VoiceUrl": "hidden"})

    kept, refused = carrier.requests()
    assert ["VoiceUrl", "https://user:***@app.example/voice"] in kept["form"]
    assert (None, 415) == (refused["form"], refused["status"])
    assert "hidden" not in str([kept, refused])
    assert TOKEN not in str([kept, refused])


def test_what_was_broken_off_is_recorded_too(carrier: Carrier) -> None:
    """Also a request that no client got an answer to."""
    carrier.faults({"fault": "reset", "times": 1})

    with pytest.raises(httpx.TransportError):
        carrier.raw("GET", f"{API}.json")

    assert ("reset", False, None, None) == outcome(carrier)
