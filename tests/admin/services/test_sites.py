"""Where a deployment is reached, and what that makes of a number at Twilio."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringfold_admin.services.sites import Site, drift_of, mending, remembered
from ringfold_admin.stores.numbers import NumberRecord

SITE = Site("https://system.example.com", "wss://relay.example.com/dev", "https://fallback.example.com")


def record(doc: dict[str, Any], account: dict[str, Any] | None = None) -> NumberRecord:
    item = {"phone_number": "+15125550100", "doc": json.dumps(doc)}
    return NumberRecord(item, {}, {"doc": json.dumps(account)} if account is not None else {})


@pytest.mark.accept("B6")
@pytest.mark.parametrize(
    ("own", "account", "system", "found"),
    [
        ("https://n.example.com/", "https://a.example.com", "https://s.example.com", "https://n.example.com"),
        (None, "https://a.example.com", "https://s.example.com", "https://a.example.com"),
        ("", "", "https://s.example.com/", "https://s.example.com"),
        (None, None, "", "http://localhost:8000"),
    ],
)
def test_the_base_url_resolves_from_the_narrowest_to_the_widest(
    own: str | None, account: str | None, system: str, found: str
) -> None:
    """The number's override, the account's, the system's setting, then localhost."""
    asked = record({"base_url": own}, {"base_url": account})

    assert found == Site(system).base_url(asked.doc, asked.account)


def test_a_number_without_its_account_has_a_base_url_too() -> None:
    """It can be shown, whatever is missing."""
    assert "https://system.example.com" == SITE.base_url({}, {})


def test_fallbacks_are_set_only_where_there_are_any() -> None:
    """A fallback URL that leads nowhere would be worse than none."""
    without = Site("https://s.example.com", "wss://relay.example.com/dev")

    assert not [name for name in without.expected(record({})) if "fallback" in name]
    assert "https://fallback.example.com/voice" == SITE.expected(record({}))["voice_fallback_url"]


def test_a_fallback_knows_where_to_send_callers_and_in_which_tongue() -> None:
    """It answers when nothing can be looked up, so all it needs is in its URL."""
    doc = {"transfer_number": "+15125550190", "relay": {"language": "pt-BR"}}

    expected = SITE.expected(record(doc))["voice_fallback_url"]

    assert "https://fallback.example.com/voice?transfer=%2B15125550190&language=pt-BR" == expected


@pytest.mark.parametrize(
    ("relay_url", "path"), [("wss://relay.example.com/dev", "/dev"), ("wss://relay.example.com", "/"), ("", "/")]
)
def test_the_websocket_path_is_the_stage(relay_url: str, path: str) -> None:
    """A WebSocket API takes no path behind it."""
    assert path == Site(relay_url=relay_url).websocket_path


def test_drift_names_what_differs_and_how_to_mend_it() -> None:
    """A URL that is another, one that is missing, and what keeps Twilio from looking at URLs."""
    expected = {"voice_url": "https://a", "sms_url": "https://b", "voice_method": "POST"}
    configured = {"voice_url": "https://x", "voice_method": "POST", "trunk_sid": "TK1", "checked_at": "now"}

    drift = drift_of(expected, configured)

    assert ["voice_url", "sms_url", "trunk_sid"] == [each["field"] for each in drift]
    assert {"voice_url": "https://a", "sms_url": "https://b", "trunk_sid": ""} == mending(drift)


def test_nothing_has_drifted_while_twilio_was_never_asked() -> None:
    """What is not known is not claimed."""
    assert [] == drift_of({"voice_url": "https://a"}, {})


def test_base_urls_are_remembered_newest_first_and_few() -> None:
    """Enough for Twilio to catch up, not for ever."""
    known: list[str] = []
    for name in "abcdefa":
        known = remembered(f"https://{name}", known)

    assert ["https://a", "https://f", "https://e", "https://d", "https://c"] == known
    assert ["https://a"] == remembered("https://a", None)
