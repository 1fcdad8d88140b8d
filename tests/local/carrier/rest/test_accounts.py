"""Accounts: read, named, suspended, closed; subaccounts; and who may do what with whose."""

from __future__ import annotations

import pytest
from twilio.rest import Client

from tests.local.carrier.rest.conftest import API, OTHER_SID, OTHER_TOKEN, SID, TOKEN, Carrier, refusal


def test_an_account_reads_itself(sdk: Client) -> None:
    """Status, type and owner; the run's accounts are upgraded main accounts."""
    account = sdk.api.accounts(SID).fetch()

    assert (SID, SID, "active", "Full", TOKEN) == (
        account.sid, account.owner_account_sid, account.status, account.type, account.auth_token,
    )  # fmt: skip


def test_a_subaccount_is_made_and_managed(carrier: Carrier, sdk: Client) -> None:
    """It has a SID and a token of its own, its parent may act on it, and it is listed with its parent."""
    child = sdk.api.accounts.create(friendly_name="Harbor Dental")
    itself = carrier.sdk(child.sid, child.auth_token).api.accounts(child.sid).fetch()
    renamed = sdk.api.accounts(child.sid).update(friendly_name="Harbor")

    assert (SID, "Full") == (itself.owner_account_sid, itself.type)
    assert "Harbor" == renamed.friendly_name
    assert [child.sid, SID] == [each.sid for each in sdk.api.accounts.list()]
    assert [child.sid] == [each.sid for each in sdk.api.accounts.list(friendly_name="Harbor", status="active")]
    assert [] == sdk.api.accounts.list(status="closed")


def test_a_suspended_subaccount_may_do_nothing(carrier: Carrier, sdk: Client) -> None:
    """20005 for its own requests and for its parent's on its behalf, until it is active again."""
    child = sdk.api.accounts.create(friendly_name="Child")
    its_own, as_parent = carrier.sdk(child.sid, child.auth_token), carrier.sdk(SID, TOKEN, account_sid=child.sid)
    sdk.api.accounts(child.sid).update(status="suspended")

    assert (403, 20005) == refusal(its_own.api.accounts(child.sid).fetch)
    assert (403, 20005) == refusal(as_parent.incoming_phone_numbers.list)
    assert "suspended" == sdk.api.accounts(child.sid).fetch().status
    sdk.api.accounts(child.sid).update(status="active")
    assert [] == its_own.incoming_phone_numbers.list()


def test_a_closed_subaccount_loses_its_numbers_for_good(carrier: Carrier, sdk: Client) -> None:
    """They are for sale again, its token opens nothing, and it cannot come back."""
    child = sdk.api.accounts.create(friendly_name="Child")
    its_own = carrier.sdk(child.sid, child.auth_token)
    its_own.incoming_phone_numbers.create(phone_number="+15125550101")

    sdk.api.accounts(child.sid).update(status="closed")

    assert (401, 20003) == refusal(its_own.api.accounts(child.sid).fetch)
    assert (400, 21479) == refusal(lambda: sdk.api.accounts(child.sid).update(status="active"))
    assert "+15125550101" == sdk.incoming_phone_numbers.create(phone_number="+15125550101").phone_number


def test_statuses_that_are_not_ones_own(carrier: Carrier, sdk: Client) -> None:
    """A main account's status is Twilio's business, a subaccount's its parent's, and it has no children."""
    child = sdk.api.accounts.create(friendly_name="Child")
    its_own = carrier.sdk(child.sid, child.auth_token)

    assert (400, 21477) == refusal(lambda: sdk.api.accounts(SID).update(status="suspended"))
    assert (401, 20003) == refusal(lambda: its_own.api.accounts(child.sid).update(status="suspended"))
    assert (403, 20006) == refusal(lambda: its_own.api.accounts.create(friendly_name="Grandchild"))
    assert (400, 20001) == refusal(lambda: sdk.api.accounts(child.sid).update(status="gone"))


def test_a_stranger_sees_nothing(carrier: Carrier) -> None:
    """Another main account is not found, whether or not it exists."""
    other = carrier.sdk(OTHER_SID, OTHER_TOKEN)

    assert (404, 20404) == refusal(other.api.accounts(SID).fetch)
    assert (404, 20404) == refusal(other.api.accounts("AC" + "9" * 32).fetch)
    assert (404, 20404) == refusal(carrier.sdk(OTHER_SID, OTHER_TOKEN, account_sid=SID).incoming_phone_numbers.list)


@pytest.mark.parametrize(
    "auth", [None, (SID, ""), (SID, "wrong"), (SID, OTHER_TOKEN), ("AC" + "9" * 32, TOKEN), ("SK" + "9" * 32, TOKEN)]
)
def test_wrong_credentials_are_not_authenticated(carrier: Carrier, auth: tuple[str, str] | None) -> None:
    """20003 with Twilio's body and the header that asks for credentials; no violation, people do mistype."""
    answer = carrier.raw("GET", f"{API}.json", auth=auth)

    assert (401, 20003) == (answer.status_code, answer.json()["code"])
    assert "Basic" in answer.headers["www-authenticate"]
    assert [] == carrier.violations()


def test_an_organization_brings_its_own_account(carrier: Carrier) -> None:
    """An account signs up at the carrier, with a token that is told once, and is there after a restart."""
    sid, token = carrier.sign_up(friendly_name="Own Twilio", type="Trial")
    account = carrier.sdk(sid, token).api.accounts(sid).fetch()
    carrier.start()
    listed = carrier.raw("GET", "/accounts", auth=None)

    assert ("Own Twilio", "Trial", "active") == (account.friendly_name, account.type, account.status)
    assert sid in [each["sid"] for each in listed.json()["accounts"]]
    assert token not in listed.text
    assert sid == carrier.sdk(sid, token).api.accounts(sid).fetch().sid


def test_what_only_twilio_can_do_is_done_by_the_control_interface(carrier: Carrier) -> None:
    """Suspending a main account and upgrading a trial."""
    sid, token = carrier.sign_up(type="Trial")
    account = carrier.sdk(sid, token).api.accounts(sid)

    carrier.control("PATCH", f"/accounts/{sid}", json={"type": "Full"})
    assert "Full" == account.fetch().type
    carrier.control("PATCH", f"/accounts/{sid}", json={"status": "suspended"})
    assert (403, 20005) == refusal(account.fetch)


@pytest.mark.parametrize(
    ("method", "path", "fields", "status"),
    [
        ("POST", "/accounts", {"type": "Free"}, 400),
        ("POST", "/accounts", {"name": "x"}, 400),
        ("PATCH", f"/accounts/{SID}", {"status": "gone"}, 400),
        ("PATCH", "/accounts/AC1", {"status": "active"}, 404),
        ("POST", f"/accounts/{SID}/bundles", {"iso_country": "ZZ"}, 400),
        ("POST", f"/accounts/{SID}/bundles", {}, 400),
    ],
)
def test_the_control_interface_refuses_what_it_does_not_know(
    carrier: Carrier, method: str, path: str, fields: dict[str, str], status: int
) -> None:
    """In the control interface's own shape."""
    answer = carrier.raw(method, path, auth=None, json=fields)

    assert status == answer.status_code
    assert {"code", "message"} == set(answer.json()["error"])
