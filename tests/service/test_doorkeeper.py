"""Whose signature is believed; through the webhooks see tests/service/test_incoming.py and test_progress.py."""

from __future__ import annotations

import json

import pytest

from functions.incoming import app
from ringfold.adapters.directory import account_sid_key
from ringfold.errors import WireError
from ringfold.service.doorkeeper import read_names
from ringfold.service.webhook import WebhookRequest
from tests.world import World, call_params, http_event, relay_of, spoken


def rotate(world: World, account_id: str, **fields: str) -> None:
    carrier = world.carriers[account_id]
    value = {"account_sid": carrier.account_sid, "auth_token": carrier.auth_token, **fields}
    world.secrets_client.put_secret_value(
        SecretId=f"{world.prefix}accounts/{account_id}/twilio", SecretString=json.dumps(value)
    )


def ring(world: World, token: str, call: str = "1") -> int:
    params = call_params(world.carriers["acc_skyowl"], "CA" + call * 32)
    status: int = app.handler(http_event("/api/voice/incoming", params, auth_token=token), None)["statusCode"]
    return status


@pytest.mark.accept("G6")
def test_no_webhook_is_refused_while_tokens_rotate(world: World) -> None:
    """Secondary stored, promoted at Twilio, stored as primary: each webhook on the way is accepted."""
    old = world.carriers["acc_skyowl"].auth_token
    answers = [ring(world, old, "1")]
    world.now += 120
    rotate(world, "acc_skyowl", secondary_token="second")

    answers += [ring(world, "second", "2"), ring(world, old, "3")]
    world.now += 120
    rotate(world, "acc_skyowl", auth_token="second")
    answers += [ring(world, "second", "4")]
    world.now += 400
    answers += [ring(world, "second", "5"), ring(world, old, "6")]

    assert [200, 200, 200, 200, 200, 403] == answers


def test_a_secret_of_another_account_verifies_nothing(world: World) -> None:
    """A mixed-up secret is a fault of ours: the caller is told politely, the log says which."""
    rotate(world, "acc_skyowl", account_sid="AC" + "9" * 32)
    params = call_params(world.carriers["acc_skyowl"])
    event = http_event("/api/voice/incoming", params, auth_token=world.carriers["acc_skyowl"].auth_token)

    answer = app.handler(event, None)

    assert spoken(answer)
    assert not world.items("CALL#")
    assert any("another account's" in line.get("detail", "") for line in world.lines)


@pytest.mark.accept("G6", "G15")
def test_a_pointer_to_another_account_believes_nobody(world: World) -> None:
    """The account that is found by its SID must have that SID."""
    skyowl = world.carriers["acc_skyowl"]
    world.change(account_sid_key(skyowl.account_sid), account_id="acc_harbor")
    params = call_params(skyowl, To="+15125559999")
    event = http_event("/api/voice/incoming", params, auth_token=world.carriers["acc_harbor"].auth_token)

    assert 403 == app.handler(event, None)["statusCode"]


def test_a_platform_account_may_own_an_organizations_number(world: World) -> None:
    """Its own token signs, and the organization is the number's."""
    platform = world.carriers["acc_platform"]
    event = http_event("/api/voice/incoming", call_params(platform, To="+15125550110"), auth_token=platform.auth_token)

    assert relay_of(app.handler(event, None)).get("url")
    assert {"org_skyowl"} == {item["organization_id"] for item in world.items("CALL#") if item["sk"] == "SESSION"}


@pytest.mark.parametrize(
    "form",
    [
        b"", b"CallSid=CA1", b"AccountSid=AC1", b"CallSid=XX1&AccountSid=AC1", b"CallSid=CA1&AccountSid=CA1",
        b"CallSid=CA%231&AccountSid=AC1", b"CallSid=CA&AccountSid=AC1",
    ],
)  # fmt: skip
def test_a_webhook_must_name_its_call_and_account(form: bytes) -> None:
    """Anything else is no request of Twilio's."""
    with pytest.raises(WireError):
        read_names(WebhookRequest("POST", "/", "", {}, form))
