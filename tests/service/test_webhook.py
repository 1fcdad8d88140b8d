"""Webhook requests and base URLs."""

from __future__ import annotations

import pytest

from ringfold.core.ids import AccountId, AccountSid, AgentId, NumberId, OrganizationId, PhoneNumber
from ringfold.core.lines import Account, Number
from ringfold.core.signature import webhook_signature
from ringfold.errors import SignatureError, WireError
from ringfold.service.webhook import WebhookRequest, is_signed, resolve_base_url

FORM = {"content-type": "application/x-www-form-urlencoded"}
PATH = "/api/voice/incoming"


def account(base_url: str = "") -> Account:
    return Account(AccountId("a"), AccountSid("AC1"), base_url=base_url)


def number(base_url: str = "") -> Number:
    return Number(NumberId("n"), PhoneNumber("+15125550100"), OrganizationId("o"), account(base_url), AgentId("agt"))


@pytest.mark.accept("B6")
@pytest.mark.parametrize(
    ("of_number", "of_account", "system", "expected"),
    [
        ("https://n", "https://a", "https://s", "https://n"),
        ("", "https://a/", "https://s", "https://a"),
        ("", "", "https://s", "https://s"),
        ("", "", "", "http://localhost:8000"),
    ],
)
def test_a_base_url_is_the_most_special_one(of_number: str, of_account: str, system: str, expected: str) -> None:
    """The number's, the account's, the system's, localhost."""
    assert expected == resolve_base_url(number(of_number), account(of_account), system)
    assert system.rstrip("/") or not resolve_base_url(None, None, system).startswith("https")


def test_parameters_come_from_the_form_or_the_query() -> None:
    """Of a POST its body, of a GET its query."""
    post = WebhookRequest("POST", PATH, "To=query", FORM, b"To=%2B1&From=a+b&x=")
    get = WebhookRequest("GET", PATH, "To=%2B1", {}, b"")

    assert ("+1", "a b", "", "", "+1") == (
        post.get("To"),
        post.get("From"),
        post.get("x"),
        post.get("y"),
        get.get("To"),
    )


def test_a_name_with_two_values_says_nothing() -> None:
    """The same value twice is one."""
    request = WebhookRequest("POST", PATH, "", FORM, b"a=1&a=1&b=1&b=2")

    assert "1" == request.get("a")
    with pytest.raises(WireError):
        request.get("b")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_far_too_many_fields_are_refused(method: str) -> None:
    """In the query as in the form."""
    fields = "&".join(f"a{i}=b" for i in range(2000))

    with pytest.raises(WireError):
        WebhookRequest(method, PATH, fields, FORM, fields.encode()).get("a1")


def test_any_of_several_base_urls_may_be_signed() -> None:
    """A base URL changed during a call does not lock its callbacks out."""
    signature = webhook_signature(f"https://old{PATH}?q=1", [("a", "b")], "token")
    request = WebhookRequest("POST", PATH, "q=1", {**FORM, "x-twilio-signature": signature}, b"a=b")

    assert is_signed(request, ["https://new", "https://old"], ["other", "token"])
    assert not is_signed(request, ["https://new"], ["token"])
    assert not is_signed(request, ["https://old"], [])


def test_a_shared_key_is_refused_loudly() -> None:
    """Never skipped."""
    request = WebhookRequest("POST", PATH, "", {**FORM, "x-twilio-webhooks-signature-settings": "key=KS1"}, b"a=b")

    with pytest.raises(SignatureError):
        is_signed(request, ["https://s"], ["token"])
