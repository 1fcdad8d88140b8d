"""What Twilio has and what it should have."""

from __future__ import annotations

from typing import Any

import pytest

from ringfold_admin.carrier import numbers as carrier
from ringfold_admin.carrier.client import Carriers
from ringfold_admin.problems import Problem
from ringfold_admin.services.sites import Site
from ringfold_admin.services.webhooks import Webhooks
from ringfold_admin.stores.numbers import NumberRecord, Numbers, carrier_key
from ringfold_admin.stores.table import Table
from ringfold_admin.vault import Credentials
from tests.admin.numbers_desk import NUMBERS, TOKEN, Office

SITE = Site("https://site.example.com", "wss://relay.example.com/dev")


def webhooks_of(office: Office) -> tuple[Webhooks, Numbers]:
    numbers = Numbers(Table(office.desk.aws.client("dynamodb", parameter_validation=False), office.desk.aws.table))
    carriers = Carriers(office.twilio.url)
    credentials = Credentials(office.account_sid, TOKEN)
    return Webhooks(numbers, SITE, carriers, carriers, lambda _: credentials, office.clock), numbers


def record_of(numbers: Numbers, number: dict[str, Any]) -> NumberRecord:
    found = numbers.record(number["id"])
    assert found
    return found


def test_settling_writes_what_is_expected_and_keeps_what_twilio_says(office: Office) -> None:
    """Afterwards nothing differs, neither at Twilio nor in what is remembered of it."""
    number = office.bought()
    webhooks, numbers = webhooks_of(office)

    record, why = webhooks.settle(record_of(numbers, number))

    assert ("", "https://site.example.com/api/voice/incoming") == (why, record.seen["voice_url"])
    assert "https://site.example.com/api/voice/incoming" == office.twilio.owned[number["phone_sid"]]["voice_url"]
    kept = office.item(*carrier_key(number["phone_number"]))
    assert kept
    assert record.seen["voice_url"] == kept["voice_url"]


def test_settling_what_is_settled_asks_nothing(office: Office) -> None:
    """Twilio is told once."""
    number = office.bought()
    webhooks, numbers = webhooks_of(office)
    webhooks.settle(record_of(numbers, number))
    asked = len(office.twilio.seen)

    webhooks.settle(record_of(numbers, number))

    assert asked == len(office.twilio.seen)


def test_a_trunk_is_taken_away_only_where_that_is_asked_for(office: Office) -> None:
    """A change of settings leaves it, a repair does not."""
    number = office.bought()
    office.twilio.owned[number["phone_sid"]]["trunk_sid"] = "TK1"
    webhooks, numbers = webhooks_of(office)
    record = webhooks.fetch(record_of(numbers, number))

    record, _ = webhooks.settle(record)
    left = office.twilio.owned[number["phone_sid"]]["trunk_sid"]
    webhooks.settle(record, clear=True)

    assert ("TK1", "") == (left, office.twilio.owned[number["phone_sid"]]["trunk_sid"])


def test_what_is_kept_of_twilio_does_not_outlive_the_number(office: Office) -> None:
    """A look that comes back after the release leaves nothing behind."""
    number = office.bought()
    webhooks, numbers = webhooks_of(office)
    record = record_of(numbers, number)
    found = carrier.fetch(webhooks.client(record.account), record.phone_sid)
    office.admin.delete(f"{NUMBERS}/{number['id']}")

    webhooks.keep(record, found)
    webhooks.keep_more(record, {"registration": {}})

    assert office.item(*carrier_key(number["phone_number"])) is None


def test_a_number_without_an_account_cannot_be_asked_for(office: Office) -> None:
    """It is told, and the number is shown all the same."""
    webhooks, numbers = webhooks_of(office)
    record = record_of(numbers, office.bought())
    orphan = NumberRecord(record.item, record.seen, {})

    _, why = webhooks.glance(orphan)

    assert "not there" in why
    with pytest.raises(Problem, match="credentials_missing"):
        webhooks.client({})


def test_settings_that_change_while_twilio_is_told_are_told_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And if they change for ever, that is said."""
    number = office.bought()
    webhooks, numbers = webhooks_of(office)
    bases = iter(f"https://b{i}.example.com" for i in range(100))
    monkeypatch.setattr(Site, "base_url", lambda *_: next(bases))

    _, why = webhooks.settle(record_of(numbers, number))

    assert "again and again" in why
