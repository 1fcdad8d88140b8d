"""What is asked of Twilio about numbers, and how its answers are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twilio.rest import Client

from ringfold_admin.carrier import numbers as carrier
from ringfold_admin.carrier.client import CarrierError, Carriers
from ringfold_admin.carrier.numbers import Messaging
from ringfold_admin.vault import Credentials
from tests.admin.twilio_numbers import TwilioNumbers, running

SID = "AC" + "1".rjust(32, "0")
PHONE = "+15125550100"
URLS = {"voice_url": "https://a.example.com/api/voice/incoming", "voice_method": "POST"}


@pytest.fixture
def shop() -> Iterator[TwilioNumbers]:
    """Twilio, with one number to sell."""
    with running(TwilioNumbers(accounts={SID: "token"}, stock=[PHONE, "+15125550101", "+18005550100"])) as shop:
        yield shop


@pytest.fixture
def client(shop: TwilioNumbers) -> Client:
    """The SDK's, for the account."""
    return Carriers(shop.url, 2.0).client(Credentials(SID, "token"))


@pytest.mark.accept("C1")
def test_a_search_asks_for_what_was_meant(shop: TwilioNumbers, client: Client) -> None:
    """Area code, pattern, abilities and place; the answer is in our words."""
    filters = carrier.search_filters("512", "5550", "voice,sms", "TX", "Austin")

    found = carrier.search(client, "US", "local", filters, 1)

    asked = {"AreaCode": "512", "Contains": "5550", "InRegion": "TX", "InLocality": "Austin", "PageSize": "1"}
    assert [("search", {**asked, "VoiceEnabled": "true", "SmsEnabled": "true"})] == shop.seen
    assert (PHONE, "local", "US", {"voice": True, "sms": True, "mms": True, "fax": False}) == tuple(
        found[0][name] for name in ("phone_number", "type", "country", "capabilities")
    )


def test_toll_free_numbers_are_another_list(client: Client) -> None:
    """Twilio keeps them apart."""
    found = carrier.search(client, "US", "toll_free", carrier.search_filters(None, None, "voice", None, None), 5)

    assert [("+18005550100", "toll_free")] == [(each["phone_number"], each["type"]) for each in found]


def test_buying_finding_changing_and_releasing(shop: TwilioNumbers, client: Client) -> None:
    """One number through its life; releasing twice is as good as once."""
    bought = carrier.buy(client, PHONE, URLS)
    found = carrier.find_owned(client, PHONE)
    changed = carrier.configure(client, bought.sid, {"voice_url": "https://b.example.com", "trunk_sid": ""})
    fetched = carrier.fetch(client, bought.sid)
    carrier.release(client, bought.sid)
    carrier.release(client, bought.sid)

    assert bought == found
    assert URLS == dict(bought.configured)
    assert "https://b.example.com" == changed.configured["voice_url"] == fetched.configured["voice_url"]
    assert {} == shop.owned
    assert carrier.find_owned(client, PHONE) is None


def test_a_number_that_only_looks_alike_is_not_found(shop: TwilioNumbers, client: Client) -> None:
    """Twilio takes the number as a pattern."""
    shop.own(SID, f"{PHONE}9")

    assert carrier.find_owned(client, PHONE) is None


@pytest.mark.parametrize(("fault", "processed"), [("reset", None), ("503", None), ("21422", False), ("20429", False)])
def test_an_error_says_whether_it_may_have_been_done(
    shop: TwilioNumbers, client: Client, fault: str, processed: bool | None
) -> None:
    """What is unknown is looked up before anything is bought again."""
    shop.faults["create"] = [fault]

    with pytest.raises(CarrierError) as caught:
        carrier.buy(client, PHONE, URLS)

    assert processed is caught.value.processed
    assert 1 == shop.count("create")


def test_an_answer_that_is_none_leaves_it_open(shop: TwilioNumbers, client: Client) -> None:
    """A proxy's page may stand for anything."""
    shop.serve = lambda *_: ("create", {"hello": "world"})  # type: ignore[method-assign]  # an instance's own

    with pytest.raises(CarrierError) as caught:
        carrier.buy(client, PHONE, URLS)

    assert caught.value.processed is None


@pytest.mark.parametrize("operation", ["search", "list", "services"])
def test_a_refused_list_keeps_twilios_code(shop: TwilioNumbers, client: Client, operation: str) -> None:
    """The SDK hides status and code of a list that is refused."""
    shop.faults[operation] = ["20003"]
    calls = {
        "search": lambda: carrier.search(client, "US", "local", {}, 5),
        "list": lambda: carrier.find_owned(client, PHONE),
        "services": lambda: carrier.find_messaging(client, "PN1"),
    }

    with pytest.raises(CarrierError) as caught:
        calls[operation]()

    assert (400, 20003, False) == (caught.value.status, caught.value.twilio_code, caught.value.processed)


def service(sid: str, **more: Any) -> dict[str, Any]:
    inbound = {"use_inbound_webhook_on_number": True, "inbound_request_url": None}
    return {"sid": sid, "senders": [], **inbound, **more}


def test_the_messaging_service_of_a_number_is_found(shop: TwilioNumbers, client: Client) -> None:
    """Or that it is in none; as many as there is time for are looked through."""
    sid = shop.own(SID, PHONE)
    shop.services = {
        "MG1": service("MG1"),
        "MG2": service("MG2", senders=[sid], use_inbound_webhook_on_number=False, inbound_request_url="https://x"),
    }

    found = carrier.find_messaging(client, sid)
    none = carrier.find_messaging(client, "PN" + "0" * 32)
    hurried = carrier.find_messaging(client, sid, lambda: False)

    assert Messaging("MG2", uses_number_webhook=False, inbound_url="https://x") == found
    assert Messaging() == none
    assert Messaging(complete=False) == hurried


@pytest.mark.accept("C14")
@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("TWILIO_APPROVED", "registered"),
        ("PENDING_REVIEW", "pending"),
        ("IN_REVIEW", "pending"),
        ("TWILIO_REJECTED", "failed"),
        ("SOMETHING_NEW", "unknown"),
        (None, "unregistered"),
    ],
)
def test_a_toll_free_number_is_verified_or_blocked(
    shop: TwilioNumbers, client: Client, state: str | None, status: str
) -> None:
    """Its verification says so, in Twilio's words beside ours."""
    sid = shop.own(SID, "+18005550100")
    if state:
        shop.verifications[sid] = state

    found = carrier.find_registration(client, sid, "US", "toll_free", Messaging())

    assert ("toll_free", status, state or "") == (found["program"], found["status"], found["twilio_status"])
    assert (status == "registered") == (found["blocks"] == [])


@pytest.mark.accept("C14")
def test_where_no_registration_is_asked_for_none_is_missing(shop: TwilioNumbers, client: Client) -> None:
    """A British number sends without; Twilio needs not be asked."""
    found = carrier.find_registration(client, "PN1", "GB", "local", Messaging())

    assert ("none", "not_required", []) == (found["program"], found["status"], found["blocks"])
    assert [] == shop.seen


@pytest.mark.accept("C14")
def test_what_cannot_be_told_is_unknown(shop: TwilioNumbers, client: Client) -> None:
    """Too many services to look through, or a refusal."""
    shop.faults["verifications"] = ["20003"]

    refused = carrier.find_registration(client, "PN1", "US", "toll_free", Messaging())
    many = carrier.find_registration(client, "PN1", "US", "local", Messaging(complete=False))

    assert ["unknown", "unknown"] == [refused["status"], many["status"]]


def test_capabilities_are_read_however_they_are_spelt() -> None:
    """Twilio writes SMS here and sms there."""
    assert {"voice": True, "sms": True, "mms": False, "fax": False} == carrier.read_capabilities(
        {"voice": True, "SMS": True, "MMS": False}
    )
    assert not any(carrier.read_capabilities(None).values())
