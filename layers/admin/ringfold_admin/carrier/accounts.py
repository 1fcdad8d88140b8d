"""What Twilio says of an account: whether its credentials hold, what it may not do; and rotating its tokens."""

from __future__ import annotations

from dataclasses import dataclass

from twilio.rest import Client

from ringfold_admin.carrier.client import CarrierError, ask


@dataclass(frozen=True)
class AccountState:
    """An account as Twilio knows it.

    Attributes:
        status: ``active``, ``suspended`` or ``closed``.
        kind: ``Full`` or ``Trial``.
    """

    name: str
    status: str
    kind: str


def fetch_state(client: Client, account_sid: str) -> AccountState:
    """Ask Twilio about the account.

    Raises:
        CarrierError: 401 when the credentials are refused.
    """
    found = ask("fetch account", client.api.v2010.accounts(account_sid).fetch)
    return AccountState(str(found.friendly_name or ""), str(found.status or ""), str(found.type or ""))


def may_be_called_from(client: Client, country: str) -> bool | None:
    """Whether the account may dial ordinary numbers of a country; ``None`` when Twilio does not say.

    A transfer to a person is an outbound call: this is what decides whether it works.
    """
    try:
        found = ask("fetch dialing permission", client.voice.v1.dialing_permissions.countries(country).fetch)
    except CarrierError:
        return None
    allowed = found.low_risk_numbers_enabled
    return None if allowed is None else bool(allowed)


def make_secondary_token(client: Client) -> str:
    """Have Twilio make the secondary auth token.

    Raises:
        CarrierError: If it will not; one may exist already.
    """
    made = ask("create secondary token", client.accounts.v1.secondary_auth_token().create)
    return str(made.secondary_auth_token)


def drop_secondary_token(client: Client) -> None:
    """Have Twilio forget the secondary auth token."""
    ask("delete secondary token", client.accounts.v1.secondary_auth_token().delete)


def promote_secondary_token(client: Client) -> str:
    """Have Twilio sign with the secondary token from now on; gives it back."""
    promoted = ask("promote secondary token", client.accounts.v1.auth_token_promotion().update)
    return str(promoted.auth_token)
