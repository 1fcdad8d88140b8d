"""Buying, configuring, finding, moving and releasing numbers, through Twilio's own SDK."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

from tests.local.carrier.rest.conftest import API, OTHER_SID, OTHER_TOKEN, SID, TOKEN, Carrier, refusal

HOOKS = {
    "voice_url": "https://app.example/api/voice/incoming",
    "voice_method": "POST",
    "voice_fallback_url": "https://app.example/fallback",
    "voice_fallback_method": "GET",
    "status_callback": "https://app.example/api/voice/status",
    "status_callback_method": "POST",
    "sms_url": "https://app.example/api/sms/incoming",
    "sms_method": "POST",
}
ADDRESS = {"customer_name": "Jane", "street": "1, rue X", "region": "Île-de-France", "postal_code": "75001"}


def buy(sdk: Client, phone_number: str = "+15125550101", **more: Any) -> Any:
    return sdk.incoming_phone_numbers.create(phone_number=phone_number, **more)


# -- buying ------------------------------------------------------------------------------------------------------------


def test_a_number_is_bought_with_its_webhooks(sdk: Client) -> None:
    """What is set at the purchase is there at once, and when it is fetched."""
    bought = buy(sdk, friendly_name="Front desk", **HOOKS)
    fetched = sdk.incoming_phone_numbers(bought.sid).fetch()

    assert "+15125550101" == fetched.phone_number
    assert HOOKS == {name: getattr(fetched, name) for name in HOOKS}
    assert ("Front desk", SID, "in-use", "twilio") == (
        fetched.friendly_name, fetched.account_sid, fetched.status, fetched.origin,
    )  # fmt: skip
    assert {"voice": True, "sms": True, "mms": True, "fax": False} == fetched.capabilities


def test_a_number_is_bought_bare(sdk: Client) -> None:
    """Without settings nothing calls anybody, and the name is the number."""
    bought = buy(sdk)

    assert (None, None, None) == (bought.voice_url, bought.sms_url, bought.status_callback)
    assert ("(512) 555-0101", "POST") == (bought.friendly_name, bought.voice_method)


def test_every_documented_parameter_is_taken(sdk: Client) -> None:
    """The less usual ones too."""
    address = sdk.addresses.create(**ADDRESS, city="Paris", iso_country="FR", emergency_enabled=True)
    bought = buy(
        sdk,
        api_version="2010-04-01",
        emergency_address_sid=address.sid,
        emergency_status="Active",
        identity_sid="RI" + "1" * 32,
        sms_application_sid="AP" + "2" * 32,
        sms_fallback_method="GET",
        sms_fallback_url=HOOKS["sms_url"],
        sms_url=HOOKS["sms_url"],
        trunk_sid="TK" + "3" * 32,
        voice_caller_id_lookup=True,
        voice_receive_mode="voice",
    )

    assert (True, "TK" + "3" * 32, "Active", "registered") == (
        bought.voice_caller_id_lookup, bought.trunk_sid, bought.emergency_status, bought.emergency_address_status,
    )  # fmt: skip


def test_any_number_of_an_area_code_is_bought(sdk: Client) -> None:
    """The carrier chooses one that can take calls; two purchases give two."""
    first, second = (sdk.incoming_phone_numbers.create(area_code="737") for _ in range(2))

    assert first.phone_number != second.phone_number
    assert all(each.phone_number.startswith("+1737") and each.capabilities["voice"] for each in (first, second))


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"phone_number": "512-555-0101"}, 21421),
        ({"phone_number": "+0125550101"}, 21421),
        ({"phone_number": "+15125550100"}, 21422),
        ({"phone_number": "+15125550120"}, 21422),
        ({"phone_number": "+15125551234"}, 21422),
        ({"area_code": "999"}, 21451),
        ({"area_code": "51"}, 21451),
        ({"area_code": "212"}, 21452),
        ({}, 20001),
        ({"phone_number": "+15125550101", "area_code": "512"}, 20001),
    ],
)
def test_what_cannot_be_bought(carrier: Carrier, sdk: Client, wanted: dict[str, str], code: int) -> None:
    """No number, another's, none there is, no such area, a sold-out one, neither, both: nothing is bought."""
    before = set(carrier.books.numbers)

    assert (400, code) == refusal(lambda: sdk.incoming_phone_numbers.create(**wanted))
    assert before == set(carrier.books.numbers)


def test_one_of_two_gets_the_number(carrier: Carrier) -> None:
    """Ten purchases of one number at once: one succeeds, the others learn that it is taken."""
    clients = [carrier.sdk() for _ in range(10)]

    def attempt(sdk: Client) -> int | None:
        try:
            buy(sdk)
        except TwilioRestException as exc:
            return exc.code
        return 0

    with ThreadPoolExecutor(10) as pool:
        outcomes = sorted(pool.map(attempt, clients), key=str)

    assert [0] + 9 * [21422] == outcomes


def test_a_trial_account_gets_one_number(carrier: Carrier) -> None:
    """The second is refused with 21404."""
    sdk = carrier.sdk(*carrier.sign_up(type="Trial"))
    buy(sdk)

    assert (400, 21404) == refusal(lambda: buy(sdk, "+15125550102"))


def test_a_number_that_needs_an_address(sdk: Client) -> None:
    """21631 without one, 21628 with one of nobody's, bought with one."""
    address = sdk.addresses.create(**ADDRESS, city="Paris", iso_country="FR")

    assert (400, 21631) == refusal(lambda: buy(sdk, "+61255500000"))
    assert (400, 21628) == refusal(lambda: buy(sdk, "+61255500000", address_sid="AD" + "0" * 32))
    assert address.sid == buy(sdk, "+61255500000", address_sid=address.sid).address_sid
    assert (400, 21625) == refusal(address.delete)


def test_a_number_that_needs_a_local_address(sdk: Client) -> None:
    """21615 with an address in another town, bought with one in its own."""
    far, near = (sdk.addresses.create(**ADDRESS, city=city, iso_country="FR") for city in ("Lyon", "Paris"))

    assert (400, 21631) == refusal(lambda: buy(sdk, "+33199000001"))
    assert (400, 21615) == refusal(lambda: buy(sdk, "+33199000001", address_sid=far.sid))
    assert "local" == buy(sdk, "+33199000001", address_sid=near.sid).address_requirements


def test_a_number_that_needs_a_bundle(carrier: Carrier, sdk: Client) -> None:
    """21649 without one, with another country's, and with one that is still being looked at."""
    bundles = {
        status: carrier.control("POST", f"/accounts/{SID}/bundles", json={"iso_country": iso_code, "status": status})
        for iso_code, status in (("DE", "twilio-approved"), ("DE", "in-review"), ("GB", "draft"))
    }

    assert (400, 21649) == refusal(lambda: buy(sdk, "+493023125001"))
    for status in ("in-review", "draft"):
        assert (400, 21649) == refusal(
            lambda status=status: buy(sdk, "+493023125001", bundle_sid=bundles[status]["sid"])
        )
    bought = buy(sdk, "+493023125001", bundle_sid=bundles["twilio-approved"]["sid"])
    assert bundles["twilio-approved"]["sid"] == bought.bundle_sid


def test_each_refusal_hides_the_next(sdk: Client) -> None:
    """A British number asks for an address first, and only then for the bundle."""
    address = sdk.addresses.create(**ADDRESS, city="London", iso_country="GB")

    assert (400, 21631) == refusal(lambda: buy(sdk, "+442079460001"))
    assert (400, 21649) == refusal(lambda: buy(sdk, "+442079460001", address_sid=address.sid))


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"voice_url": "/api/voice/incoming"}, 21402),
        ({"voice_url": "ftp://app.example"}, 21402),
        ({"status_callback": "https://under_score.example/x"}, 21402),
        ({"sms_url": "https://"}, 21402),
        ({"voice_method": "PUT"}, 21403),
        ({"voice_fallback_url": HOOKS["voice_url"]}, 21405),
        ({"sms_fallback_url": HOOKS["sms_url"]}, 21406),
        ({"friendly_name": "x" * 65}, 20001),
        ({"voice_application_sid": "AP1"}, 20001),
        ({"voice_receive_mode": "video"}, 20001),
    ],
)
def test_settings_that_cannot_be(carrier: Carrier, sdk: Client, settings: dict[str, str], code: int) -> None:
    """The same at a purchase and at an update; nothing is bought, nothing changed."""
    number = buy(sdk)
    count = len(carrier.books.numbers)

    assert (400, code) == refusal(lambda: buy(sdk, "+15125550102", **settings))
    assert (400, code) == refusal(lambda: number.update(**settings))
    assert count == len(carrier.books.numbers)
    assert number.date_updated == number.fetch().date_updated


def test_a_number_without_texts_takes_no_sms_url(sdk: Client) -> None:
    """21407, which a purchase has to foresee from the number's capabilities."""
    assert (400, 21407) == refusal(lambda: buy(sdk, "+15125550107", sms_url=HOOKS["sms_url"]))
    assert not buy(sdk, "+15125550107").capabilities["sms"]


def test_unknown_parameters_are_refused(carrier: Carrier) -> None:
    """Twilio ignores most of what it does not know; here it is an error and a violation in the feed."""
    form = {"PhoneNumber": "+15125550101", "VoiceURL": HOOKS["voice_url"]}
    answer = carrier.raw("POST", f"{API}/IncomingPhoneNumbers.json", data=form)

    assert (400, 20001) == (answer.status_code, answer.json()["code"])
    (violation,) = carrier.violations()
    assert "unknown parameter VoiceURL" in violation


@pytest.mark.parametrize(("kind", "phone_number", "other"), [
    ("local", "+15125550101", "+18445550101"), ("toll_free", "+18445550101", "+15125550101"),
])  # fmt: skip
def test_numbers_can_be_bought_and_listed_by_kind(sdk: Client, kind: str, phone_number: str, other: str) -> None:
    """Local and toll-free have lists of their own; the wrong kind is 21458."""
    resource = getattr(sdk.incoming_phone_numbers, kind)

    bought = resource.create(phone_number=phone_number)

    assert bought.sid in [each.sid for each in resource.list()]
    assert (400, 21458) == refusal(lambda: resource.create(phone_number=other))
    assert [] == sdk.incoming_phone_numbers.mobile.list()


# -- finding -----------------------------------------------------------------------------------------------------------


def test_numbers_are_found_by_pattern_and_name(sdk: Client) -> None:
    """A whole number, a part of one, * for any digit, and the exact friendly name."""
    buy(sdk, "+15125550101", friendly_name="Desk")
    buy(sdk, "+17375550102")

    def found(**filters: Any) -> list[str]:
        return sorted(each.phone_number for each in sdk.incoming_phone_numbers.list(**filters))

    assert ["+15125550101"] == found(phone_number="+15125550101")
    assert ["+15125550100", "+15125550101"] == found(phone_number="+1512*")
    assert ["+17375550102"] == found(phone_number="737555")
    assert ["+15125550101"] == found(friendly_name="Desk")
    assert [] == found(friendly_name="desk")
    assert [] == found(origin="hosted")
    assert 3 == len(found(origin="twilio", beta=False))
    assert (400, 20001) == refusal(lambda: found(phone_number="five"))


def test_a_long_list_is_read_page_by_page(sdk: Client) -> None:
    """The SDK follows next_page_uri to the end; newest first, nothing twice, nothing missing."""
    bought = [buy(sdk, f"+15125550{number}").sid for number in range(130, 155)]

    listed = [each.sid for each in sdk.incoming_phone_numbers.list(page_size=10)]
    page = sdk.incoming_phone_numbers.page(page_size=10)
    second = page.next_page()
    back = second.previous_page()

    assert bought[::-1] == listed[:25]
    assert 26 == len(set(listed))
    assert bought[::-1][:10] == [each.sid for each in back]


def test_a_list_that_changes_between_pages_is_read_whole(sdk: Client) -> None:
    """What is released or bought meanwhile shifts nothing: every other number comes exactly once."""
    kept = [buy(sdk, f"+15125550{number}") for number in range(130, 150)]
    page = sdk.incoming_phone_numbers.page(page_size=5)
    seen = [each.sid for each in page]
    kept[-1].delete()
    buy(sdk, "+15125550160")

    while page := page.next_page():
        seen += [each.sid for each in page]

    assert [each.sid for each in kept[::-1]] == seen[:20]
    assert len(seen) == len(set(seen)) == 21


@pytest.mark.parametrize("query", ["Page=1", "Page=1&PageToken=PAx", "PageToken=1"])
def test_pages_without_a_token_of_ours_are_refused(carrier: Carrier, query: str) -> None:
    """Counting pages instead of following them is a violation."""
    assert 20001 == carrier.raw("GET", f"{API}/IncomingPhoneNumbers.json?{query}").json()["code"]
    assert 1 == len(carrier.violations())


def test_an_account_sees_its_own_numbers_only(carrier: Carrier, sdk: Client) -> None:
    """Another account's number is not found, neither to read nor to change nor to release."""
    mine = buy(sdk)
    other = carrier.sdk(OTHER_SID, OTHER_TOKEN).incoming_phone_numbers

    assert mine.sid not in [each.sid for each in other.list()]
    for request in (other(mine.sid).fetch, other(mine.sid).update, other(mine.sid).delete):
        assert (404, 20404) == refusal(request)


# -- changing ----------------------------------------------------------------------------------------------------------


def test_an_update_changes_what_it_names(sdk: Client) -> None:
    """Everything else stays; an empty URL takes it away."""
    number = buy(sdk, **HOOKS)

    number = number.update(voice_url="https://elsewhere.example/voice", sms_url="", friendly_name="Desk")

    assert ("https://elsewhere.example/voice", "", "Desk") == (number.voice_url, number.sms_url, number.friendly_name)
    assert HOOKS["status_callback"] == number.status_callback
    assert (400, 21405) == refusal(lambda: number.update(voice_url=""))


def test_a_trunk_and_an_application_exclude_one_another(sdk: Client) -> None:
    """Setting the one takes the other away."""
    number = buy(sdk, voice_application_sid="AP" + "2" * 32)

    trunked = number.update(trunk_sid="TK" + "3" * 32)
    applied = number.update(voice_application_sid="AP" + "2" * 32)

    assert (None, "TK" + "3" * 32) == (trunked.voice_application_sid, trunked.trunk_sid)
    assert ("AP" + "2" * 32, None) == (applied.voice_application_sid, applied.trunk_sid)


def test_a_parent_moves_a_number_within_the_family(carrier: Carrier, sdk: Client) -> None:
    """To a subaccount and back, with the parent's credentials; it is found where it is."""
    child = sdk.api.accounts.create(friendly_name="Child")
    as_parent = carrier.sdk(SID, TOKEN, account_sid=child.sid)
    number = buy(sdk)

    moved = number.update(account_sid=child.sid)
    back = as_parent.incoming_phone_numbers(number.sid).update(account_sid=SID)

    assert child.sid == moved.account_sid
    assert SID == back.account_sid
    assert [] == as_parent.incoming_phone_numbers.list()


def test_moves_that_are_refused(carrier: Carrier, sdk: Client) -> None:
    """To no account, a closed one, a stranger's; and a child may not do it."""
    child, closed = (sdk.api.accounts.create(friendly_name=name) for name in ("Child", "Closed"))
    closed.update(status="closed")
    number = buy(sdk)
    childs = buy(carrier.sdk(child.sid, child.auth_token), "+15125550102")

    assert (400, 21470) == refusal(lambda: number.update(account_sid="AC1"))
    assert (400, 21471) == refusal(lambda: number.update(account_sid="AC" + "9" * 32))
    assert (400, 21472) == refusal(lambda: number.update(account_sid=closed.sid))
    assert (400, 21473) == refusal(lambda: number.update(account_sid=OTHER_SID))
    assert (400, 21474) == refusal(lambda: childs.update(account_sid=SID))


def test_a_released_number_is_gone(sdk: Client) -> None:
    """204, then not found, and not released twice."""
    number = buy(sdk)

    assert number.delete() is True
    assert (404, 20404) == refusal(number.fetch)
    assert (404, 20404) == refusal(number.delete)


# -- over restarts -----------------------------------------------------------------------------------------------------


def test_the_runs_numbers_are_there_from_the_start(carrier: Carrier, sdk: Client) -> None:
    """Configured at Twilio with the system's own paths, and no fallback."""
    (number,) = sdk.incoming_phone_numbers.list()

    assert "+15125550100" == number.phone_number
    assert carrier.url + "/api/voice/incoming" == number.voice_url
    assert carrier.url + "/api/voice/status" == number.status_callback
    assert carrier.url + "/api/sms/incoming" == number.sms_url
    assert number.voice_fallback_url.endswith("/fallback/voice")


def test_what_was_done_survives_a_restart(carrier: Carrier, sdk: Client) -> None:
    """Bought, changed and released stay so, the run's own numbers included."""
    (own,) = sdk.incoming_phone_numbers.list()
    own.delete()
    bought = buy(sdk, **HOOKS)

    carrier.start()

    (number,) = sdk.incoming_phone_numbers.list()
    assert (bought.sid, HOOKS["voice_url"]) == (number.sid, number.voice_url)
    assert bought.date_created == number.date_created


def test_without_its_books_everything_is_forgotten(carrier: Carrier, sdk: Client) -> None:
    """As after `make reset`."""
    buy(sdk)
    assert carrier.books_file is not None
    carrier.books_file.unlink()

    carrier.start()

    assert ["+15125550100"] == [each.phone_number for each in sdk.incoming_phone_numbers.list()]
