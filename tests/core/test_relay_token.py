"""The one-time token of the relay URL."""

import base64
import hashlib
import hmac
import json
import re
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.ids import AccountId, AccountSid, CallSid, ConversationId, OrganizationId
from ringfold.core.relay_token import Claims, mint, read
from ringfold.errors import ConfigError, SignatureError

KEY = "a key of this test"
NOW = 1_790_000_000
CLAIMS = Claims(
    CallSid("CAtest"),
    AccountId("acc_1"),
    AccountSid("ACtest"),
    OrganizationId("org_1"),
    ConversationId("conv_1"),
    attempt=0,
    expires_at=NOW + 120,
)

NAMES = st.text(min_size=1, max_size=40)
ANY_CLAIMS = st.builds(
    Claims,
    call_sid=NAMES.map(CallSid),
    account_id=NAMES.map(AccountId),
    account_sid=NAMES.map(AccountSid),
    organization_id=NAMES.map(OrganizationId),
    conversation_id=NAMES.map(ConversationId),
    attempt=st.integers(0, 9),
    expires_at=st.integers(NOW + 1, NOW + 600),
    reusable=st.booleans(),
)


def sealed(payload: bytes, key: str = KEY) -> str:
    """A token with a right signature over any payload."""
    encoded = base64.urlsafe_b64encode(payload).rstrip(b"=")
    seal = base64.urlsafe_b64encode(hmac.digest(key.encode(), encoded, hashlib.sha256)).rstrip(b"=")
    return f"{encoded.decode()}.{seal.decode()}"


def refused(token: str | None, key: str = KEY, now: float = NOW) -> SignatureError:
    """The error that reading this token raises."""
    with pytest.raises(SignatureError) as caught:
        read(token, key, now)
    return caught.value


@given(ANY_CLAIMS)
def test_what_is_minted_is_read_back(claims: Claims) -> None:
    """Claims survive the round trip, in characters that need no escaping in a URL."""
    token = mint(claims, KEY)

    assert claims == read(token, KEY, NOW)
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token)


def test_the_same_claims_give_the_same_token() -> None:
    """A webhook delivered twice gets identical TwiML."""
    assert mint(CLAIMS, KEY) == mint(replace(CLAIMS), KEY)


def test_the_token_is_what_the_contract_says() -> None:
    """Base64url of the claims, a dot, base64url of the HMAC-SHA256 over that text."""
    payload = {
        "a": "acc_1",
        "c": "CAtest",
        "n": 0,
        "o": "org_1",
        "r": False,
        "s": "ACtest",
        "v": "conv_1",
        "x": NOW + 120,
    }

    assert sealed(json.dumps(payload, separators=(",", ":")).encode()) == mint(CLAIMS, KEY)


@pytest.mark.accept("G6")
@given(st.data())
def test_any_changed_character_is_refused(data: st.DataObject) -> None:
    """No character can be changed unnoticed: not in the claims, the dot, nor the spare bits of the signature."""
    token = mint(CLAIMS, KEY)
    place = data.draw(st.integers(0, len(token) - 1))
    letters = [letter for letter in string.ascii_letters + string.digits + "-_=. \0é" if letter != token[place]]
    forged = token[:place] + data.draw(st.sampled_from(letters)) + token[place + 1 :]

    refused(forged)


@pytest.mark.parametrize(
    "token", [None, "", ".", "a.b", "a" * 3000, "é", "\ud800", mint(CLAIMS, KEY) + "=", mint(CLAIMS, KEY)[:-1]]
)
def test_missing_and_malformed_tokens_are_refused(token: str | None) -> None:
    """Whatever stands in the query string, only SignatureError comes out."""
    refused(token)


@given(st.text(max_size=200))
def test_any_text_is_refused(token: str) -> None:
    """Random text never passes and never raises anything else."""
    refused(token)


def test_a_token_expires_to_the_second() -> None:
    """It holds up to its last second and not in the one it names."""
    token = mint(CLAIMS, KEY)

    assert CLAIMS == read(token, KEY, CLAIMS.expires_at - 0.001)
    assert "token expired" == refused(token, now=CLAIMS.expires_at).reason


def test_a_former_key_is_still_read() -> None:
    """While keys rotate, both open the door."""
    token = mint(CLAIMS, "former")

    assert CLAIMS == read(token, ["current", "former"], NOW)
    refused(token, "current")


def test_the_outside_learns_nothing_of_the_reason() -> None:
    """Missing, forged and expired tokens give one and the same message; the reason is for the log."""
    errors = [refused(None), refused("a.b"), refused(mint(CLAIMS, KEY), now=NOW + 999)]

    assert 1 == len({str(error) for error in errors})
    assert ["token missing", "token forged", "token expired"] == [error.reason for error in errors]


@pytest.mark.parametrize(
    "payload",
    [
        b"not JSON",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{}",
        b"[" * 1000,
        json.dumps({**dict.fromkeys("casov", "x"), "n": "0", "x": NOW + 9, "r": False}).encode(),
        json.dumps({**dict.fromkeys("casov", "x"), "n": True, "x": NOW + 9, "r": False}).encode(),
        json.dumps({**dict.fromkeys("casov", "x"), "n": 0, "x": NOW + 9, "r": 1}).encode(),
        json.dumps({**dict.fromkeys("casov", ""), "n": 0, "x": NOW + 9, "r": False}).encode(),
        json.dumps({**dict.fromkeys("casov", 7), "n": 0, "x": NOW + 9, "r": False}).encode(),
    ],
)
def test_a_right_signature_over_wrong_claims_is_refused(payload: bytes) -> None:
    """Another program with our key still cannot make us read nonsense."""
    assert "token malformed" == refused(sealed(payload)).reason


@pytest.mark.parametrize("keys", ["", [], ["", ""]])
def test_an_empty_key_is_a_configuration_error(keys: str | list[str]) -> None:
    """An HMAC under an empty key could be computed by anybody: nothing is accepted, nothing minted."""
    with pytest.raises(ConfigError):
        read(sealed(b"{}", ""), keys, NOW)
    with pytest.raises(ConfigError):
        mint(CLAIMS, "")
