"""Buying and bringing in: never a number paid for and lost, never one bought twice."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from ringfold.errors import DependencyError
from ringfold_admin.carrier.client import CarrierError
from ringfold_admin.services import purchases
from ringfold_admin.services.releases import LEASE_MS
from ringfold_admin.stores.table import Table
from tests.admin.desk import Answer
from tests.admin.numbers_desk import AREA, BASE, FALLBACK, NUMBERS, Office, at_once, killed_at, principal_of

BUSY_S = LEASE_MS / 1000 + 1


def state_of(office: Office, phone_number: str) -> str | None:
    item = office.item(f"NUMBER#{phone_number}")
    return str(item["state"]) if item else None


@pytest.mark.accept("C2")
@pytest.mark.accept("C3")
def test_a_number_is_configured_from_its_first_moment(office: Office) -> None:
    """Every webhook is set in the very request that buys, and Twilio's SID is kept."""
    number = office.bought(transfer_number="+15125550190", language="en-US", name="Main line")

    assert 1 == office.twilio.count("create")
    created = dict(office.twilio.seen)["create"]
    assert {
        "PhoneNumber": number["phone_number"],
        "FriendlyName": "Main line",
        "VoiceUrl": f"{BASE}/api/voice/incoming",
        "VoiceMethod": "POST",
        "VoiceFallbackUrl": f"{FALLBACK}/voice?transfer=%2B15125550190&language=en-US",
        "VoiceFallbackMethod": "GET",
        "StatusCallback": f"{BASE}/api/voice/status",
        "StatusCallbackMethod": "POST",
        "SmsUrl": f"{BASE}/api/sms/incoming",
        "SmsMethod": "POST",
        "SmsFallbackUrl": f"{FALLBACK}/message",
        "SmsFallbackMethod": "GET",
    } == created
    owned = office.twilio.numbers_of(number["phone_number"])
    assert [number["phone_sid"]] == [each["sid"] for each in owned]
    assert ("active", []) == (number["state"], number["drift"])


def test_a_plain_purchase_asks_twilio_once(office: Office) -> None:
    """One request to Twilio, and one reminder before it."""
    number = office.bought()

    assert ["create"] == [name for name, _ in office.twilio.seen]
    assert [number["id"]] == office.reminders.sent


@pytest.mark.accept("C11")
@pytest.mark.parametrize("fault", ["lost", "503 done"])
def test_a_purchase_whose_answer_is_lost_is_looked_up(office: Office, fault: str) -> None:
    """Twilio has sold it and did not say so: it is found in the account's list, and not bought again."""
    office.twilio.faults["create"] = [fault]

    number = office.bought()

    assert ["create", "list"] == [name for name, _ in office.twilio.seen]
    assert 1 == len(office.twilio.numbers_of(number["phone_number"]))
    assert "active" == number["state"]


@pytest.mark.accept("C11")
@pytest.mark.parametrize("fault", ["reset", "503"])
def test_a_purchase_that_may_have_failed_stays_open(office: Office, fault: str) -> None:
    """Nobody knows: the record is kept, and the same request again looks first and then buys."""
    office.twilio.faults["create"] = [fault]

    first = office.buy()
    stored = state_of(office, office.phone())
    second = office.buy()

    assert (504, "twilio_unreachable", "purchasing") == (first.status, first.code, stored)
    assert 201 == second.status
    assert ["create", "list", "list", "create"] == [name for name, _ in office.twilio.seen]


@pytest.mark.accept("C11")
def test_a_purchase_that_cannot_even_be_looked_up_stays_open(office: Office) -> None:
    """The same request again finds the number that was sold, and adopts it."""
    office.twilio.faults = {"create": ["lost"], "list": ["reset"]}

    first, second = office.buy(), office.buy()

    assert (504, 201) == (first.status, second.status)
    assert 1 == office.twilio.count("create")
    assert first.json["error"]["details"][0]["number_id"] == second.json["id"]


@pytest.mark.accept("C11")
def test_a_refusal_behind_a_lost_answer_is_not_believed_at_once(office: Office) -> None:
    """The number may be gone because our own first request took it, which no list shows yet: the record stays."""
    office.twilio.faults["create"] = ["reset", "21422", "21422"]

    statuses = [office.buy().status for _ in range(2)]
    stored = state_of(office, office.phone())
    office.clock.pass_s(purchases.SETTLED_MS / 1000 + 1)
    late = office.buy()

    assert ([504, 504], "purchasing") == (statuses, stored)
    assert (409, "number_unavailable", None) == (late.status, late.code, state_of(office, office.phone()))


def test_an_open_purchase_is_finished_by_a_repair(office: Office) -> None:
    """An administrator who sees it in the list needs not know what was asked for."""
    office.twilio.faults = {"create": ["lost"], "list": ["reset"]}
    number_id = office.buy().json["error"]["details"][0]["number_id"]
    listed = office.admin.get(NUMBERS).json["numbers"][0]

    repaired = office.admin.post(f"{NUMBERS}/{number_id}/repair")

    assert ("purchasing", None) == (listed["state"], listed["phone_sid"])
    assert (200, "active") == (repaired.status, repaired.json["state"])
    assert 1 == office.twilio.count("create")


@pytest.mark.parametrize(
    ("code", "status", "told"),
    [
        ("21422", 409, "number_unavailable"),
        ("21421", 422, "number_invalid"),
        ("21631", 422, "address_required"),
        ("21649", 422, "bundle_required"),
        ("21404", 422, "twilio_trial_account"),
        ("20429", 429, "twilio_rate_limited"),
    ],
)
def test_what_twilio_refuses_is_not_bought_and_leaves_nothing(
    office: Office, code: str, status: int, told: str
) -> None:
    """Our words with Twilio's code, and no record of a number that never was ours."""
    office.twilio.faults["create"] = [code]

    refused = office.buy()

    assert (status, told) == (refused.status, refused.code)
    assert int(code) == refused.json["error"]["details"][0]["twilio_code"]
    assert state_of(office, office.phone()) is None
    assert [] == office.admin.get(NUMBERS).json["numbers"]
    assert [] == [item for item in office.everything() if "num_" in str(item["sk"]) and "AUDIT" not in item["pk"]]


def test_a_number_the_account_owns_already_is_not_taken_over_by_a_purchase(office: Office) -> None:
    """It may serve something else: its webhooks stay, and the import is named."""
    phone_number = "+15125550177"
    office.twilio.own(office.account_sid, phone_number)

    refused = office.admin.post(NUMBERS, {"phone_number": phone_number, "account_id": office.account})

    assert (409, "number_owned") == (refused.status, refused.code)
    assert "https://demo.twilio.com/welcome/voice/" == office.twilio.numbers_of(phone_number)[0]["voice_url"]
    assert state_of(office, phone_number) is None


def test_a_number_the_account_owned_before_keeps_its_webhooks_whatever_happens(office: Office) -> None:
    """Whether it was just sold or owned before cannot be told: it is written down, and not redirected."""
    phone_number = "+15125550177"
    office.twilio.own(office.account_sid, phone_number)
    office.twilio.faults["create"] = ["reset"]

    answer = office.admin.post(NUMBERS, {"phone_number": phone_number, "account_id": office.account})

    assert (201, "active") == (answer.status, answer.json["state"])
    assert "voice_url" in [each["field"] for each in answer.json["drift"]]
    assert "https://demo.twilio.com/welcome/voice/" == office.twilio.numbers_of(phone_number)[0]["voice_url"]


def test_a_purchase_taken_up_with_another_base_url_is_set_to_the_new_one(office: Office) -> None:
    """The number was sold with the first one; it is ours all the same, and gets the newest."""
    office.twilio.faults = {"create": ["lost"], "list": ["reset"]}
    office.buy()
    office.clock.pass_s(BUSY_S)

    answer = office.buy(base_url="https://new.example.com")

    assert (201, []) == (answer.status, answer.json["drift"])
    assert "https://new.example.com/api/voice/incoming" == answer.json["configured_webhook_url"]
    assert 1 == office.twilio.count("create")


def test_nothing_is_bought_without_a_reminder(office: Office) -> None:
    """If nobody could look after it, no money is spent."""
    office.reminders.fails = DependencyError("sqs", "send: down")

    refused = office.buy()

    assert 503 == refused.status
    assert 0 == office.twilio.count("create")
    assert state_of(office, office.phone()) is None


@pytest.mark.accept("C8")
def test_a_number_is_here_once(office: Office) -> None:
    """Its own organization is told where it is; another one only that it cannot have it."""
    number = office.bought()
    other = office.desk.organization("Other")
    their_account, _ = office.account_of(other, "c3")
    office.twilio.stock.append(number["phone_number"])

    again = office.buy(office.admin, name="Another name")
    theirs = office.desk.admin(other).post(
        NUMBERS, {"phone_number": number["phone_number"], "account_id": their_account}
    )

    assert (409, "number_exists") == (again.status, again.code)
    assert number["id"] == again.json["error"]["details"][0]["number_id"]
    assert (409, "number_unavailable", []) == (theirs.status, theirs.code, theirs.json["error"]["details"])
    assert 1 == office.twilio.count("create")


@pytest.mark.parametrize("phone_number", ["+1512555", "15125550100", "+10005550100", "+1512555010x"])
@pytest.mark.accept("C8")
def test_what_is_no_number_is_refused(office: Office, phone_number: str) -> None:
    """E.164, and one that exists."""
    refused = office.admin.post(NUMBERS, {"phone_number": phone_number, "account_id": office.account})

    assert (400, "phone_number") == (refused.status, refused.json["error"]["details"][0]["field"])


def test_either_a_number_or_an_area_code(office: Office) -> None:
    """Both or neither cannot be meant."""
    neither = office.admin.post(NUMBERS, {"account_id": office.account})
    both = office.buy(None, 100, area_code=AREA)

    assert [400, 400] == [neither.status, both.status]


def test_the_only_account_needs_not_be_named(office: Office) -> None:
    """An organization with one account buys on it."""
    answer = office.admin.post(NUMBERS, {"phone_number": office.phone()})

    assert (201, office.account) == (answer.status, answer.json["account_id"])


def test_an_account_that_is_switched_off_buys_nothing(office: Office) -> None:
    """It refuses calls too."""
    office.admin.patch(f"/api/voice/accounts/{office.account}", {"is_active": False})

    refused = office.buy()

    assert (409, "account_inactive") == (refused.status, refused.code)


# -- area codes -------------------------------------------------------------------------------------------------------


def by_area(office: Office, key: str = "") -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return office.admin.post(NUMBERS, {"area_code": AREA, "account_id": office.account}, headers=headers)


def test_an_area_code_buys_the_first_number_that_can_be_had(office: Office) -> None:
    """Somebody else was quicker with the first: the next one."""
    first, second = office.phone(101), office.phone(102)
    office.twilio.faults["create"] = ["21422"]

    answer = by_area(office)

    assert (201, second) == (answer.status, answer.json["phone_number"])
    assert state_of(office, first) is None


def test_an_area_code_without_numbers_is_told(office: Office) -> None:
    """Nothing is bought elsewhere instead."""
    answer = by_area(office)

    assert (404, "number_unavailable") == (answer.status, answer.code)


@pytest.mark.parametrize("key", ["", "key-1"])
@pytest.mark.accept("C11")
def test_an_area_code_whose_answer_was_lost_buys_one_number(office: Office, key: str) -> None:
    """The same request again goes on with the number it had begun with, not with another of the area."""
    office.phone(101)
    office.phone(102)
    office.twilio.faults = {"create": ["lost"], "list": ["reset"]}

    first, second = by_area(office, key), by_area(office, key)

    assert (504, 201) == (first.status, second.status)
    assert 1 == len(office.twilio.owned)


def test_an_area_code_goes_on_to_another_number_when_its_own_is_gone(office: Office) -> None:
    """Somebody else got it while nobody knew."""
    office.phone(101)
    second = office.phone(102)
    office.twilio.faults["create"] = ["reset", "21422"]

    first = by_area(office)
    office.clock.pass_s(purchases.SETTLED_MS / 1000 + 1)
    office.twilio.stock.remove(office.phone(101))
    again = by_area(office)

    assert (504, 201, second) == (first.status, again.status, again.json["phone_number"])


def test_two_requests_without_a_key_are_two_numbers(office: Office) -> None:
    """What was finished is finished: the next request buys another."""
    office.phone(101)
    office.phone(102)

    first, second = by_area(office), by_area(office)

    assert {201} == {first.status, second.status}
    assert first.json["id"] != second.json["id"]


def test_a_key_holds_an_area_code_to_one_number_however_it_was_cut_short(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed when the number was bought and written down, before anybody was told."""
    office.phone(101)
    office.phone(102)
    with killed_at(purchases.Purchases, "_shown", monkeypatch):
        by_area(office, "key-1")
    forget_keys(office)

    answer = by_area(office, "key-1")

    assert 201 == answer.status
    assert 1 == len(office.twilio.owned)


def forget_keys(office: Office) -> None:
    """The idempotency record of a killed request has timed out."""
    client = office.desk.aws.client("dynamodb")
    for item in office.everything():
        if item["pk"] == "IDEMPOTENCY":
            client.delete_item(TableName=office.desk.aws.table, Key={"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}})


# -- killed -----------------------------------------------------------------------------------------------------------


def points() -> list[tuple[str, object, str, int, bool]]:
    """Where the process may be killed during a purchase: before and after each thing it does outside."""
    return [
        ("before the record", Table, "write", 1, False),
        ("after the record", Table, "write", 1, True),
        ("before twilio", purchases.carrier, "buy", 1, False),
        ("after twilio", purchases.carrier, "buy", 1, True),
        ("before it is written down", Table, "write", 2, False),
        ("after it is written down", Table, "write", 2, True),
    ]


@pytest.mark.accept("C11")
@pytest.mark.parametrize("point", points(), ids=lambda point: point[0])
@pytest.mark.parametrize("way", ["same request", "reconcile"])
def test_a_purchase_killed_anywhere_ends_with_one_number_or_none(
    office: Office, monkeypatch: pytest.MonkeyPatch, point: Any, way: str
) -> None:
    """The same request again finishes it; else the delayed look finishes or drops it. Nothing is paid for and lost."""
    _, owner, name, nth, after = point
    phone_number = office.phone()
    with killed_at(owner, name, monkeypatch, nth=nth, after=after):
        office.buy()
    sold = len(office.twilio.numbers_of(phone_number))

    if way == "same request":
        assert 201 == office.buy().status
    else:
        office.clock.pass_s(90)
        for number_id in office.reminders.sent:
            office.desk.purchases.reconcile(number_id)

    owned = office.twilio.numbers_of(phone_number)
    stored = office.item(f"NUMBER#{phone_number}")
    expected = 1 if way == "same request" else sold
    assert expected == len(owned)
    assert [each["sid"] for each in owned] == ([stored["phone_sid"]] if stored else [])
    assert state_of(office, phone_number) == ("active" if expected else None)
    assert expected == len(office.admin.get(NUMBERS).json["numbers"])


def test_another_administrator_goes_on_when_nobody_is_at_it(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first request may still be alive they are asked to wait."""
    with killed_at(purchases.carrier, "buy", monkeypatch, after=True):
        office.buy()

    early = office.buy(office.platform, organization_id=office.org)
    office.clock.pass_s(BUSY_S)
    late = office.buy(office.platform, organization_id=office.org)

    assert (409, "purchase_in_progress", "30") == (early.status, early.code, early.headers["Retry-After"])
    assert 201 == late.status
    assert 1 == office.twilio.count("create")


def test_a_look_at_a_purchase_that_is_under_way_leaves_it_alone(office: Office) -> None:
    """Whoever is at it has sent a reminder of their own."""
    office.twilio.faults["create"] = ["503"]
    number_id = office.buy().json["error"]["details"][0]["number_id"]

    busy = office.desk.purchases.reconcile(number_id)
    office.clock.pass_s(BUSY_S)
    dropped = office.desk.purchases.reconcile(number_id)

    assert ("busy", "dropped", "nothing") == (busy, dropped, office.desk.purchases.reconcile(number_id))
    assert state_of(office, office.phone()) is None


def test_a_look_that_cannot_ask_twilio_comes_again(office: Office) -> None:
    """It raises, so that the queue delivers it once more."""
    office.twilio.faults["create"] = ["503"]
    number_id = office.buy().json["error"]["details"][0]["number_id"]
    office.clock.pass_s(BUSY_S)
    office.twilio.faults["list"] = ["reset"]

    with pytest.raises(CarrierError):
        office.desk.purchases.reconcile(number_id)

    assert "purchasing" == state_of(office, office.phone())


def test_a_number_that_was_bought_is_written_down_even_if_its_record_went(office: Office) -> None:
    """However unlikely: it is paid for, so it must be here."""
    phone_number = office.phone()
    original = purchases.carrier.buy

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        bought = original(*args, **kwargs)
        number_id = office.reminders.sent[0]
        office.clock.pass_s(BUSY_S)
        office.twilio.owned, kept = {}, office.twilio.owned
        assert "dropped" == office.desk.purchases.reconcile(number_id)
        office.twilio.owned = kept
        return bought

    purchases.carrier.buy = meanwhile
    try:
        answer = office.buy()
    finally:
        purchases.carrier.buy = original

    assert (201, "active") == (answer.status, state_of(office, phone_number))


# -- races ------------------------------------------------------------------------------------------------------------


@pytest.mark.accept("C11")
@pytest.mark.parametrize("_round", range(4))
def test_the_same_purchase_twice_at_once_buys_one_number(office: Office, _round: int) -> None:
    """All get the same number; Twilio has sold one."""
    given, crew = {"phone_number": office.phone(), "account_id": office.account}, office.crew()

    outcomes = at_once(*(partial(crew.purchases.purchase, principal_of(office.org), given) for _ in range(3)))

    assert 1 == len(office.twilio.owned)
    assert [200] * 3 == [status for status, _ in outcomes], outcomes
    assert 1 == len({shown["id"] for _, shown in outcomes})
    assert "active" == state_of(office, office.phone())


@pytest.mark.accept("C8")
@pytest.mark.parametrize("_round", range(4))
def test_two_organizations_at_once_get_one_number_between_them(office: Office, _round: int) -> None:
    """The other one is told that it cannot be had."""
    other = office.desk.organization("Other")
    their_account, _ = office.account_of(other, "c3")
    crew, phone_number = office.crew(), office.phone()
    wanted = [(office.org, office.account), (other, their_account)]

    outcomes = at_once(
        *(
            partial(
                crew.purchases.purchase, principal_of(org), {"phone_number": phone_number, "account_id": account_id}
            )
            for org, account_id in wanted
        )
    )

    assert [200, 409] == sorted(status for status, _ in outcomes), outcomes
    assert 1 == len(office.twilio.owned)
    assert 1 == len(office.platform.get(NUMBERS).json["numbers"])


@pytest.mark.parametrize("_round", range(6))
def test_a_purchase_and_the_removal_of_its_account_do_not_both_happen(office: Office, _round: int) -> None:
    """Either the number keeps the account, or the leaving account gets no number."""
    crew, given = office.crew(), {"phone_number": office.phone(), "account_id": office.account}
    admin = principal_of(office.org)

    bought, removed = at_once(
        lambda: crew.purchases.purchase(admin, given),
        lambda: crew.account_service.delete(admin, office.account, None),
    )

    has_account = office.item(f"ACCOUNT#{office.account}") is not None
    number = office.item(f"NUMBER#{office.phone()}")
    assert has_account == (removed[0] != 200), (bought, removed)
    assert not (number and not has_account)
    assert len(office.twilio.owned) == (1 if bought[0] == 200 else 0), (bought, removed)


# -- import -----------------------------------------------------------------------------------------------------------


@pytest.mark.accept("C12")
@pytest.mark.parametrize("by", ["phone_number", "phone_sid"])
def test_a_number_that_is_owned_already_is_brought_in(office: Office, by: str) -> None:
    """By its number or its SID; its webhooks are set, and nothing is bought."""
    sid = office.twilio.own(office.account_sid, "+15125550177", trunk_sid="TK1")
    named = {"phone_number": "+15125550177", "phone_sid": sid}

    answer = office.admin.post(f"{NUMBERS}/import", {"account_id": office.account, by: named[by], "name": "Old"})

    assert (201, sid, []) == (answer.status, answer.json["phone_sid"], answer.json["drift"])
    assert f"{BASE}/api/voice/incoming" == office.twilio.owned[sid]["voice_url"]
    assert "" == office.twilio.owned[sid]["trunk_sid"]
    assert 0 == office.twilio.count("create")


def test_an_import_may_leave_the_webhooks_alone(office: Office) -> None:
    """Then drift shows what differs, and repair would change it."""
    sid = office.twilio.own(office.account_sid, "+15125550177")

    answer = office.admin.post(
        f"{NUMBERS}/import", {"account_id": office.account, "phone_sid": sid, "configure": False}
    )

    assert 201 == answer.status
    assert "voice_url" in [each["field"] for each in answer.json["drift"]]
    assert 0 == office.twilio.count("update")


def test_what_the_account_does_not_own_is_not_brought_in(office: Office) -> None:
    """Another account's number is as absent as none."""
    sid = office.twilio.own(office.platform_sid, "+15125550177")

    by_number = office.admin.post(f"{NUMBERS}/import", {"account_id": office.account, "phone_number": "+15125550177"})
    by_sid = office.admin.post(f"{NUMBERS}/import", {"account_id": office.account, "phone_sid": sid})

    assert (404, 404) == (by_number.status, by_sid.status)


def test_a_number_is_brought_in_once(office: Office) -> None:
    """It is here already."""
    number = office.bought()

    again = office.admin.post(f"{NUMBERS}/import", {"account_id": office.account, "phone_sid": number["phone_sid"]})

    assert (409, "number_exists") == (again.status, again.code)


def test_an_import_names_one_number(office: Office) -> None:
    """By one of the two."""
    assert 400 == office.admin.post(f"{NUMBERS}/import", {"account_id": office.account}).status


def test_every_step_is_in_the_audit_trail(office: Office) -> None:
    """Bought, in use, given back: who, when, what."""
    number = office.bought()
    office.admin.delete(f"{NUMBERS}/{number['id']}")

    actions = [each["action"] for each in office.admin.get("/api/audit").json["entries"]]

    assert {"number.released", "number.release", "number.active", "number.purchase"} <= set(actions)
