"""Searching for numbers to buy, through Twilio's own SDK."""

from __future__ import annotations

from typing import Any

import pytest
from twilio.rest import Client

from tests.local.carrier.rest.conftest import API, Carrier, refusal

AUSTIN, DALLAS = (30.27, -97.74), (32.78, -96.80)


def search(sdk: Client, country: str = "US", kind: str = "local", **filters: Any) -> list[Any]:
    found: list[Any] = getattr(sdk.available_phone_numbers(country), kind).list(**filters)
    return found


def test_countries_say_what_they_have(sdk: Client) -> None:
    """Every country with the kinds of numbers that are sold there, and no others."""
    countries = {each.country_code: each for each in sdk.available_phone_numbers.list()}
    germany = sdk.available_phone_numbers("DE").fetch()

    assert {"US", "CA", "GB", "DE"} <= set(countries)
    assert {"local", "toll_free"} == set(countries["US"].subresource_uris)
    assert {"local", "mobile"} == set(germany.subresource_uris)
    assert "Germany" == germany.country


def test_an_area_code_gives_numbers_of_that_area(sdk: Client) -> None:
    """The search an administrator makes: by area code, with voice."""
    found = search(sdk, area_code=737, voice_enabled=True, limit=20)

    assert 20 == len({each.phone_number for each in found})
    assert all(each.phone_number.startswith("+1737") and each.capabilities["voice"] for each in found)
    assert {("TX", "Austin", "none")} == {(each.region, each.locality, each.address_requirements) for each in found}


def test_the_stock_is_the_same_at_every_start(carrier: Carrier, sdk: Client) -> None:
    """A search gives the same numbers in the same order after a restart."""
    before = [each.phone_number for each in search(sdk, limit=200)]

    carrier.start()

    assert before == [each.phone_number for each in search(sdk, limit=200)]
    assert 200 == len(set(before))


def test_what_somebody_has_is_not_for_sale(sdk: Client) -> None:
    """Neither the run's own numbers nor what has just been bought; released, it is for sale again."""
    everything = [each.phone_number for each in search(sdk, area_code=512, limit=1000)]
    bought = sdk.incoming_phone_numbers.create(phone_number=everything[0])
    without = [each.phone_number for each in search(sdk, area_code=512, limit=1000)]
    bought.delete()

    assert 98 == len(everything)
    assert {everything[0]} == set(everything) - set(without)
    assert "+15125550100" not in everything
    assert everything == [each.phone_number for each in search(sdk, area_code=512, limit=1000)]


def test_a_page_is_all_there_is(sdk: Client) -> None:
    """Twilio gives one page of a search, of fifty unless asked for more."""
    assert 50 == len(search(sdk))
    assert 7 == len(search(sdk, page_size=7))
    assert 300 == len(search(sdk, limit=300))


@pytest.mark.parametrize("name", ["voice", "sms", "mms"])
@pytest.mark.parametrize("wanted", [True, False])
def test_capabilities_filter_both_ways(sdk: Client, name: str, wanted: bool) -> None:
    """There are numbers with and without each of them."""
    found = search(sdk, **{f"{name}_enabled": wanted}, limit=300)

    assert {wanted} == {each.capabilities[name] for each in found}


def test_nobody_sells_fax(sdk: Client) -> None:
    """A search that nothing fits is an empty list, not an error."""
    assert [] == search(sdk, fax_enabled=True)


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("5550142", lambda number: "5550142" in number),
        ("+1512", lambda number: number.startswith("+1512")),
        ("42$", lambda number: number.endswith("42")),
        ("737555****", lambda number: number.startswith("+1737555")),
        ("%0142$", lambda number: number.endswith("0142")),
        ("*2555014*", lambda number: number[4] == "2" and "555014" in number),
        ("PEG", lambda number: "734" in number),
        ("+1peg", lambda number: number.startswith("+1734")),
    ],
)
def test_patterns(sdk: Client, pattern: str, fits: Any) -> None:
    """Digits anywhere, + and $ for the ends, * for one and % for many at the ends, letters as on the keypad."""
    found = [each.phone_number for each in search(sdk, contains=pattern, limit=50)]

    assert found
    assert all(fits(number) for number in found)


@pytest.mark.parametrize("pattern", ["5", "1" * 17, "5*5", "**", "*1", "+*12", "12*$", "5-5", "%%12", "12$3"])
def test_patterns_that_mean_nothing_are_refused(carrier: Carrier, sdk: Client, pattern: str) -> None:
    """Too short, too long, wildcards inside, without two digits, or side by side with other signs."""
    assert (400, 20001) == refusal(lambda: search(sdk, contains=pattern))
    assert 1 == len(carrier.violations())


def test_places_filter(sdk: Client) -> None:
    """Region, locality, postal code, and the rate centre within its LATA; a number stands for its place."""
    assert {"TX"} == {each.region for each in search(sdk, in_region="TX", limit=400)}
    assert {"Dallas"} == {each.locality for each in search(sdk, in_locality="dallas", limit=60)}
    assert {"78701"} == {each.postal_code for each in search(sdk, in_postal_code="78701", limit=60)}
    assert {"AUSTIN"} == {each.rate_center for each in search(sdk, in_lata="558", in_rate_center="AUSTIN", limit=60)}
    assert {"CA"} == {each.region for each in search(sdk, in_region="+14155550100", limit=60)}
    assert [] == search(sdk, in_region="XX")


def test_distance_filters(sdk: Client) -> None:
    """Near a number or a place: 25 miles unless told otherwise."""
    near = {each.locality for each in search(sdk, near_number="+15125559999", limit=300)}
    wide = {each.locality for each in search(sdk, near_lat_long="30.27,-97.74", distance=200, limit=1000)}

    assert {"Austin"} == near
    assert {"Austin", "San Antonio", "Dallas", "Houston", "Waco"} <= wide
    assert "El Paso" not in wide


def test_requirements_filter(sdk: Client) -> None:
    """Numbers that ask for an address can be left out, and those that ask for a local one."""
    assert {"local"} == {each.address_requirements for each in search(sdk, "FR", limit=60)}
    assert [] == search(sdk, "FR", exclude_local_address_required=True)
    assert [] == search(sdk, "GB", exclude_all_address_required=True)
    assert 60 == len(search(sdk, "FR", exclude_foreign_address_required=True, limit=60))


def test_beta_numbers_can_be_left_out(sdk: Client) -> None:
    """New kinds of numbers are marked."""
    assert all(each.beta for each in search(sdk, "FR", "mobile", limit=20))
    assert [] == search(sdk, "FR", "mobile", beta=False)


@pytest.mark.parametrize(("country", "kind"), [("US", "mobile"), ("DE", "toll_free"), ("ZZ", "local"), ("US", "voip")])
def test_a_kind_the_country_does_not_have_is_not_found(sdk: Client, country: str, kind: str) -> None:
    """404 and 20404, as for a country nobody sells in; that is no violation, a client cannot know."""
    assert (404, 20404) == refusal(lambda: search(sdk, country, kind))


@pytest.mark.parametrize(
    ("country", "filters", "code"),
    [
        ("GB", {"area_code": 207}, 21457),
        ("GB", {"in_region": "England"}, 20001),
        ("US", {"in_rate_center": "AUSTIN"}, 20001),
        ("US", {"distance": 30}, 20001),
        ("US", {"near_number": "+442079460000"}, 20001),
        ("US", {"near_lat_long": "north"}, 20001),
    ],
)
def test_filters_that_do_not_go_together_are_refused(
    sdk: Client, country: str, filters: dict[str, Any], code: int
) -> None:
    """Filters of North America elsewhere, a rate centre without its LATA, a distance from nowhere."""
    assert (400, code) == refusal(lambda: search(sdk, country, **filters))


@pytest.mark.parametrize(
    "query", ["Areacode=512", "AreaCode=abc", "AreaCode=512&AreaCode=737", "SmsEnabled=yes", "PageSize=0", "Page=1"]
)
def test_malformed_queries_are_refused(carrier: Carrier, query: str) -> None:
    """Unknown, unreadable and repeated parameters, and a second page of what has one."""
    answer = carrier.raw("GET", f"{API}/AvailablePhoneNumbers/US/Local.json?{query}")

    assert (400, 20001) == (answer.status_code, answer.json()["code"])
    assert 1 == len(carrier.violations())


def test_a_page_too_large_is_refused(carrier: Carrier) -> None:
    """20007, above a thousand."""
    answer = carrier.raw("GET", f"{API}/AvailablePhoneNumbers/US/Local.json?PageSize=1001")

    assert 20007 == answer.json()["code"]
