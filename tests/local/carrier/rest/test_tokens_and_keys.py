"""What opens an account: its tokens, their rotation, and API keys."""

from __future__ import annotations

import json
import stat

import pytest
from twilio.rest import Client

from tests.local.carrier.rest.conftest import OTHER_SID, SID, TOKEN, Carrier, refusal


def test_both_tokens_open_the_account_until_one_is_promoted(carrier: Carrier, sdk: Client) -> None:
    """Rotation with overlap: two tokens are valid, then only the new one."""
    secondary = sdk.accounts.v1.secondary_auth_token().create()
    new = carrier.sdk(SID, secondary.secondary_auth_token)
    both = [client.api.accounts(SID).fetch().auth_token for client in (sdk, new)]

    promoted = new.accounts.v1.auth_token_promotion().update()

    assert [TOKEN, TOKEN] == both
    assert (SID, secondary.secondary_auth_token) == (promoted.account_sid, promoted.auth_token)
    assert (401, 20003) == refusal(sdk.api.accounts(SID).fetch)
    assert secondary.secondary_auth_token == new.api.accounts(SID).fetch().auth_token


def test_a_second_token_can_be_thrown_away(carrier: Carrier, sdk: Client) -> None:
    """It opens nothing any more, and a new one can be made; there are never three."""
    tokens = sdk.accounts.v1.secondary_auth_token()
    first = tokens.create().secondary_auth_token

    assert (409, 20409) == refusal(tokens.create)
    assert tokens.delete() is True
    assert (401, 20003) == refusal(carrier.sdk(SID, first).api.accounts(SID).fetch)
    assert first != tokens.create().secondary_auth_token


def test_nothing_is_promoted_or_deleted_that_is_not_there(sdk: Client) -> None:
    """Twilio's 20404."""
    assert (404, 20404) == refusal(sdk.accounts.v1.secondary_auth_token().delete)
    assert (404, 20404) == refusal(sdk.accounts.v1.auth_token_promotion().update)


def test_a_rotation_survives_a_restart(carrier: Carrier, sdk: Client) -> None:
    """The run still publishes the old token; Twilio's side knows better. The books are for the owner's eyes only."""
    token = sdk.accounts.v1.secondary_auth_token().create().secondary_auth_token
    sdk.accounts.v1.auth_token_promotion().update()

    carrier.start()

    assert (401, 20003) == refusal(sdk.api.accounts(SID).fetch)
    assert SID == carrier.sdk(SID, token).api.accounts(SID).fetch().sid
    assert carrier.books_file is not None
    assert 0o600 == stat.S_IMODE(carrier.books_file.stat().st_mode)


@pytest.mark.parametrize("by", ["2010", "iam"])
def test_a_key_opens_its_account(carrier: Carrier, sdk: Client, by: str) -> None:
    """Its secret is shown once; with it, numbers can be handled, but neither accounts nor keys nor tokens."""
    made = (
        sdk.new_keys.create(friendly_name="CI")
        if by == "2010"
        else sdk.iam.v1.new_api_key.create(account_sid=SID, friendly_name="CI")
    )
    keyed = carrier.sdk(made.sid, made.secret, account_sid=SID)

    assert "CI" == made.friendly_name
    assert "+15125550101" == keyed.incoming_phone_numbers.create(phone_number="+15125550101").phone_number
    assert SID == keyed.incoming_phone_numbers.list()[0].account_sid
    assert keyed.voice.v1.dialing_permissions.countries("US").fetch().low_risk_numbers_enabled
    for request in (
        keyed.api.accounts(SID).fetch,
        keyed.keys.list,
        keyed.iam.v1.api_key(made.sid).fetch,
        keyed.accounts.v1.secondary_auth_token().create,
    ):
        assert (401, 20003) == refusal(request)
    assert (401, 20003) == refusal(carrier.sdk(made.sid, "wrong", account_sid=SID).incoming_phone_numbers.list)


def test_keys_are_managed_by_both_interfaces(sdk: Client) -> None:
    """What one makes the other lists, renames and deletes; neither shows a secret again."""
    first, second = sdk.new_keys.create(), sdk.iam.v1.new_api_key.create(account_sid=SID)
    sdk.keys(second.sid).update(friendly_name="by 2010")
    sdk.iam.v1.api_key(first.sid).update(friendly_name="by iam")

    assert {"by iam": first.sid, "by 2010": second.sid} == {
        each.friendly_name: each.sid for each in sdk.iam.v1.get_api_keys.list(account_sid=SID)
    }
    assert "by 2010" == sdk.iam.v1.api_key(second.sid).fetch().friendly_name
    assert "by iam" == sdk.keys(first.sid).fetch().friendly_name
    assert sdk.keys(second.sid).delete() is True
    assert sdk.iam.v1.api_key(first.sid).delete() is True
    assert [] == sdk.keys.list()
    assert (404, 20404) == refusal(sdk.keys(first.sid).fetch)


def test_keys_that_are_not_to_be_had(sdk: Client) -> None:
    """Another account's, and restricted ones, which this carrier does not play."""
    assert (404, 20404) == refusal(lambda: sdk.iam.v1.new_api_key.create(account_sid=OTHER_SID))
    assert (400, 20001) == refusal(lambda: sdk.iam.v1.new_api_key.create(account_sid=SID, key_type="restricted"))


def test_a_deleted_key_opens_nothing(carrier: Carrier, sdk: Client) -> None:
    """From the next request on."""
    made = sdk.new_keys.create()
    keyed = carrier.sdk(made.sid, made.secret, account_sid=SID)
    keyed.incoming_phone_numbers.list()

    sdk.keys(made.sid).delete()

    assert (401, 20003) == refusal(keyed.incoming_phone_numbers.list)


def test_a_parents_key_does_not_open_its_subaccounts(carrier: Carrier, sdk: Client) -> None:
    """Only its token does."""
    child = sdk.api.accounts.create()
    made = sdk.new_keys.create()

    assert (401, 20003) == refusal(
        carrier.sdk(made.sid, made.secret, account_sid=child.sid).incoming_phone_numbers.list
    )
    assert [] == carrier.sdk(SID, TOKEN, account_sid=child.sid).incoming_phone_numbers.list()


def test_no_secret_reaches_the_feed(carrier: Carrier, sdk: Client) -> None:
    """Tokens and key secrets are blotted out of the traffic and of the record, wherever they turn up."""
    secret = sdk.new_keys.create().secret
    token = sdk.accounts.v1.secondary_auth_token().create().secondary_auth_token
    for value in (secret, token, TOKEN):
        carrier.raw("GET", f"/2010-04-01/Accounts/{value}.json?Leaked={value}")

    shown = json.dumps(carrier.traffic.records()) + json.dumps(carrier.requests())
    assert 3 <= shown.count("***")
    assert not [value for value in (secret, token, TOKEN) if value in shown]
