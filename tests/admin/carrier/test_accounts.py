"""What Twilio says of an account."""

from __future__ import annotations

import pytest

from ringfold_admin.carrier import accounts
from ringfold_admin.carrier.accounts import AccountState
from ringfold_admin.carrier.client import CarrierError, Carriers
from ringfold_admin.vault import Credentials
from tests.admin.twilio import Twilio

SID = "AC" + "1" * 32
TOKEN = "auth-token-of-this-test"


def test_an_account_tells_its_state(twilio: Twilio) -> None:
    """Name, status and kind."""
    twilio.tokens[SID], twilio.kinds[SID] = [TOKEN], "Trial"
    client = Carriers(twilio.url).client(Credentials(SID, TOKEN))

    assert AccountState("Acme at Twilio", "active", "Trial") == accounts.fetch_state(client, SID)


def test_a_country_is_allowed_forbidden_or_unknown(twilio: Twilio) -> None:
    """Where Twilio does not say, nobody is told that it is forbidden."""
    twilio.tokens[SID], twilio.blocked = [TOKEN], {"LV"}
    client = Carriers(twilio.url).client(Credentials(SID, TOKEN))

    told = [accounts.may_be_called_from(client, country) for country in ("US", "LV")]
    twilio.faults[("GET", "/US")] = (500, 20500)

    assert [True, False, None] == [*told, accounts.may_be_called_from(client, "US")]


def test_tokens_are_made_promoted_and_dropped(twilio: Twilio) -> None:
    """A second one is refused while there is one."""
    twilio.tokens[SID] = [TOKEN]
    client = Carriers(twilio.url).client(Credentials(SID, TOKEN))

    made = accounts.make_secondary_token(client)
    with pytest.raises(CarrierError):
        accounts.make_secondary_token(client)
    accounts.drop_secondary_token(client)
    again = accounts.make_secondary_token(client)

    assert made != again
    assert again == accounts.promote_secondary_token(client) == twilio.tokens[SID][0]
