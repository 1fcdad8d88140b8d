"""Numbers, accounts and contacts as they are stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.lines import account_from_item, conversation_id_of, last_call_from_item, number_from_item
from ringfold.errors import ConfigError

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=9), inner, max_size=2),
    max_leaves=5,
)


def number_item(said: Any = None, /, **changes: Any) -> dict[str, Any]:
    item = {
        "number_id": "num_1",
        "phone_number": "+15125550100",
        "organization_id": "org_1",
        "account_id": "acc_1",
        "account_sid": "AC1",
        "secret_arn": "arn:x",
        "is_active": True,
        "routing_mode": "fixed",
        "default_agent_id": "agt_1",
        "doc": json.dumps(said if said is not None else {"name": "Desk", "greeting": "Hello."}),
    }
    return {**item, **changes}


def test_a_number_is_read() -> None:
    """Settings, owner, and no fault."""
    number = number_from_item(number_item({"greeting": "Hi.", "relay": {"voice": "x"}, "base_url": "https://a.b/"}))

    assert ("Hi.", {"voice": "x"}, "https://a.b", "arn:x", "") == (
        number.greeting,
        number.relay,
        number.account.base_url,
        number.account.secret_id,
        number.fault,
    )


@pytest.mark.parametrize("name", ["account_id", "account_sid", "phone_number"])
@pytest.mark.parametrize("value", [None, "", 5])
def test_a_number_that_belongs_to_nobody_cannot_be_read(name: str, value: Any) -> None:
    """Nothing about it could be verified."""
    with pytest.raises(ConfigError, match=name):
        number_from_item(number_item(**{name: value}))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"doc": "no JSON"}, "not JSON"),
        ({"doc": "[1]"}, "not a JSON object"),
        ({"doc": '{"relay": [1]}'}, "relay"),
        ({"doc": '{"languages": {"code": "en"}}'}, "languages"),
        ({"doc": '{"transfer_number": 5}'}, "transfer_number"),
        ({"doc": '{"base_url": "skyowl.example"}'}, "base_url"),
        ({"default_agent_id": ""}, "default_agent_id"),
        ({"default_agent_id": None}, "default_agent_id"),
        ({"routing_mode": "magic"}, "fixed or dynamic"),
    ],
    ids=str,
)
def test_faulty_settings_are_told_on_the_number(change: dict[str, Any], told: str) -> None:
    """Its account can still be verified, and its caller is told politely."""
    number = number_from_item(number_item(**change))

    assert told in number.fault
    assert "AC1" == number.account.account_sid


def test_a_faulty_number_still_knows_where_to_send_its_callers() -> None:
    """One wrong setting does not take the transfer number along."""
    number = number_from_item(number_item({"transfer_number": "+15125550190", "relay": "loud"}))

    assert ("+15125550190", True) == (number.transfer_number, bool(number.fault))


@given(changes=st.dictionaries(st.sampled_from(sorted(number_item())), JUNK, max_size=5))
def test_any_number_item_is_read_or_refused(changes: dict[str, Any]) -> None:
    """However odd the item, nothing but ConfigError gets out."""
    try:
        number_from_item(number_item(**changes))
    except ConfigError:
        return


@given(item=st.dictionaries(st.sampled_from(["account_id", "account_sid", "doc", "is_active"]), JUNK))
def test_any_account_item_is_read_or_refused(item: dict[str, Any]) -> None:
    """However odd the item, nothing but ConfigError gets out."""
    try:
        account_from_item(item)
    except ConfigError:
        return


@given(item=st.dictionaries(st.sampled_from(["last_call_sid", "ended_ms", "end_reason", "doc"]), JUNK))
def test_any_contact_is_read(item: dict[str, Any]) -> None:
    """A memory that cannot be read is none; the call is answered."""
    last_call_from_item(item)


def test_a_tail_keeps_what_is_an_utterance() -> None:
    """Entries of another shape are left out."""
    entries = [{"role": "caller", "text": "Hi"}, {"role": "system", "text": "x"}, {"role": "agent"}, "x", None]

    last = last_call_from_item({"doc": json.dumps({"tail": entries}), "ended_ms": 5, "end_reason": "caller_hung_up"})

    assert (({"role": "caller", "text": "Hi"},), 5, "caller_hung_up") == (last.tail, last.ended_ms, last.end_reason)


def test_a_conversation_id_is_the_calls_own() -> None:
    """The same for the same call, another for any other call or account; fit for a URL path."""
    ids = {conversation_id_of(account, call) for account in ("AC1", "AC2") for call in ("CA1", "CA2")}

    assert 4 == len(ids)
    assert conversation_id_of("AC1", "CA1") in ids
    assert all(name.replace("_", "").isalnum() for name in ids)


def test_an_inactive_flag_must_be_said_to_be_active() -> None:
    """Only a plain true is active."""
    flags = [True, False, None, "true", 1]

    assert [True, False, False, False, False] == [number_from_item(number_item(is_active=f)).is_active for f in flags]


@pytest.mark.parametrize(
    "change",
    [{"organization_id": None}, {"organization_id": ""}, {"organization_id": 5}, {"state": "releasing"}],
    ids=str,
)
def test_a_number_of_nobody_or_one_that_is_given_back_is_not_in_service(change: dict[str, Any]) -> None:
    """Its account can be verified all the same, so its callers are told politely."""
    number = number_from_item(number_item(**change))

    assert (False, "AC1", "") == (number.is_active, number.account.account_sid, number.fault)


@pytest.mark.parametrize("state", [None, "active", "purchasing"])
def test_a_number_is_in_service_from_its_purchase_on(state: str | None) -> None:
    """Twilio may send calls before the purchase is written down."""
    assert number_from_item(number_item(state=state)).is_active


def test_the_base_urls_twilio_was_given_are_read() -> None:
    """What cannot be one is left out, and harms nothing."""
    told = ["https://b.example.com/", "http://c.example.com", "ftp://d", 5, None]

    assert ("https://b.example.com", "http://c.example.com") == number_from_item(
        number_item({"base_urls": told})
    ).base_urls
    assert () == number_from_item(number_item({"base_urls": "https://b"})).base_urls
    assert () == number_from_item(number_item(doc="no JSON")).base_urls
