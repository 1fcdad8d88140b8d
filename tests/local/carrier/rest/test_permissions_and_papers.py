"""Voice dialing permissions, and the addresses that some numbers ask for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twilio.rest import Client

from tests.local.carrier.rest.conftest import OTHER_SID, OTHER_TOKEN, Carrier, refusal

ADDRESS = {
    "customer_name": "Jane",
    "street": "1 Main St",
    "city": "Austin",
    "region": "TX",
    "postal_code": "78701",
    "iso_country": "US",
}


def permit(sdk: Client, *updates: dict[str, Any]) -> Any:
    return sdk.voice.v1.dialing_permissions.bulk_country_updates.create(update_request=json.dumps(updates))


def test_an_account_may_call_north_america_at_first(sdk: Client) -> None:
    """Everything else has to be allowed, country by country, as at Twilio."""
    countries = sdk.voice.v1.dialing_permissions.countries
    germany = countries("DE").fetch()

    assert {"US", "CA"} == {each.iso_code for each in countries.list(low_risk_numbers_enabled=True)}
    assert ("Germany", "EUROPE", ["+49"]) == (germany.name, germany.continent, germany.country_codes)
    assert {"AR", "BR", "CL", "CO", "PE"} == {each.iso_code for each in countries.list(continent="SOUTH_AMERICA")}
    assert ["GB"] == [each.iso_code for each in countries.list(country_code="+44")]
    assert len(countries.list()) == len({each.iso_code for each in countries.list(page_size=20)}) > 50
    assert (404, 20404) == refusal(countries("ZZ").fetch)


def test_permissions_are_changed_in_bulk(carrier: Carrier, sdk: Client) -> None:
    """For this account only, kept over a restart, and inherited by its subaccounts until they say otherwise."""
    child = sdk.api.accounts.create()
    made = permit(
        sdk,
        {"iso_code": "DE", "low_risk_numbers_enabled": "true"},
        {"iso_code": "US", "low_risk_numbers_enabled": False},
    )
    carrier.start()

    def may(client: Client, iso_code: str) -> bool:
        return bool(client.voice.v1.dialing_permissions.countries(iso_code).fetch().low_risk_numbers_enabled)

    its_own, stranger = carrier.sdk(child.sid, child.auth_token), carrier.sdk(OTHER_SID, OTHER_TOKEN)
    permit(its_own, {"iso_code": "US", "low_risk_numbers_enabled": True})
    assert 2 == made.update_count
    assert (True, False) == (may(sdk, "DE"), may(sdk, "US"))
    assert (True, True) == (may(its_own, "DE"), may(its_own, "US"))
    assert (False, True) == (may(stranger, "DE"), may(stranger, "US"))


@pytest.mark.parametrize(
    "request_",
    [
        "",
        "{}x",
        "[1]",
        '[{"iso_code": "ZZ"}]',
        '[{"iso_code": "DE", "x": 1}]',
        '[{"iso_code": "DE", "low_risk_numbers_enabled": 2}]',
    ],
)
def test_bulk_updates_that_mean_nothing_are_refused(sdk: Client, request_: str) -> None:
    """No JSON, no list of objects, unknown countries, flags and values."""
    updates = sdk.voice.v1.dialing_permissions.bulk_country_updates

    assert (400, 20001) == refusal(lambda: updates.create(update_request=request_))


def test_addresses_are_kept(sdk: Client) -> None:
    """Created, listed by their properties, changed, deleted."""
    address = sdk.addresses.create(**ADDRESS, friendly_name="Office")
    changed = sdk.addresses(address.sid).update(street="2 Main St", street_secondary="Suite 3")

    assert ("2 Main St", "Suite 3", "Austin") == (changed.street, changed.street_secondary, changed.city)
    assert [address.sid] == [each.sid for each in sdk.addresses.list(iso_country="US", friendly_name="Office")]
    assert [] == sdk.addresses.list(iso_country="DE")
    assert address.sid == sdk.addresses(address.sid).fetch().sid
    assert sdk.addresses(address.sid).delete() is True
    assert (404, 20404) == refusal(sdk.addresses(address.sid).fetch)


@pytest.mark.parametrize("missing", sorted(ADDRESS))
def test_an_address_is_whole_or_refused(carrier: Carrier, sdk: Client, missing: str) -> None:
    """Every required part; the refusal names it."""
    fields = {name: "" if name == missing else value for name, value in ADDRESS.items()}

    assert (400, 20001) == refusal(lambda: sdk.addresses.create(**fields))
    assert 1 == len(carrier.violations())
