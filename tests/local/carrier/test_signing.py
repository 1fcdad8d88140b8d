"""Signatures as Twilio computes them."""

from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # Twilio ships no types

from local.carrier.manners import HandshakeForm
from local.carrier.signing import sign, sign_handshake, with_body_hash

URL = "wss://relay.example/prod?b=2&a=1"


def test_the_published_example_comes_out() -> None:
    """Twilio's own example of a signed request."""
    params = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675310",
        "Digits": "1234",
        "From": "+14158675310",
        "To": "+18005551212",
    }

    assert "L/OH5YylLD5NRKLltdqwSvS0BnU=" == sign("12345", "https://example.com/myapp.php?foo=1&bar=2", params.items())


@pytest.mark.parametrize(
    "url", ["https://a.example:8443/x", "http://127.0.0.1:8000/api/voice/incoming", "https://u:p@a.example/x#rc=2"]
)
def test_ports_and_user_information_are_signed_as_the_validator_expects(url: str) -> None:
    """An https port, user information and the fragment are left out."""
    seen = url.replace("u:p@", "").partition("#")[0]

    assert RequestValidator("t").validate(seen, {"A": "1"}, sign("t", url, [("A", "1")]))


def test_a_body_that_is_no_form_is_hashed_into_the_url() -> None:
    """JSON bodies are covered by bodySHA256."""
    url = with_body_hash("https://a.example/x?y=1", b'{"a": 1}')

    assert RequestValidator("t").validate(url, '{"a": 1}', sign("t", url))


@pytest.mark.parametrize(
    ("form", "signed", "params"),
    [
        ("plain", URL, ()),
        ("slash", "wss://relay.example/prod/?b=2&a=1", ()),
        ("params", "wss://relay.example/prod", (("a", "1"), ("b", "2"))),
        ("https", "https://relay.example/prod?b=2&a=1", ()),
        ("https-params-slash", "https://relay.example/prod/", (("a", "1"), ("b", "2"))),
    ],
)
def test_the_handshake_can_be_signed_in_every_reading(
    form: HandshakeForm, signed: str, params: tuple[tuple[str, str], ...]
) -> None:
    """Each form is the signature over that spelling of the URL."""
    assert sign("t", signed, params) == sign_handshake("t", URL, form)


def test_a_forged_handshake_matches_no_reading() -> None:
    """The wrong form differs from all the right ones."""
    right = {sign_handshake("t", URL, form) for form in ("plain", "slash", "params", "https", "https-slash")}

    assert sign_handshake("t", URL, "wrong") not in right
