"""Who may speak for Twilio: a webhook is believed when the account that owns the call's number has signed it."""

from __future__ import annotations

import re
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from ringfold.core import phone
from ringfold.core.calls import CallRecord, Line
from ringfold.core.ids import AccountId, AccountSid, CallSid
from ringfold.core.lines import Account, Number
from ringfold.errors import ConfigError, SignatureError, WireError
from ringfold.ports import AccountTokens, LineDirectory, SecretStore
from ringfold.service.deadline import Deadline
from ringfold.service.webhook import WebhookRequest, is_signed, resolve_base_url

_CALL_SID: Final = re.compile(r"CA[0-9A-Za-z]{1,62}")
_ACCOUNT_SID: Final = re.compile(r"AC[0-9A-Za-z]{1,62}")


@dataclass(frozen=True)
class Named:
    """Who a webhook says it is about; not to be believed before the signature holds.

    Attributes:
        to: ``""`` when it is no number.
        caller: ``From`` as it came.
    """

    call_sid: CallSid
    account_sid: AccountSid
    to: str
    caller: str


def read_names(request: WebhookRequest) -> Named:
    """Read what every voice webhook must say.

    Raises:
        WireError: If it does not say which call of which account it is about.
    """
    call_sid, account_sid = request.get("CallSid"), request.get("AccountSid")
    if not _CALL_SID.fullmatch(call_sid) or not _ACCOUNT_SID.fullmatch(account_sid):
        raise WireError("CallSid and AccountSid: expected CA… and AC…")
    to = request.get("To")
    return Named(CallSid(call_sid), AccountSid(account_sid), to if phone.is_e164(to) else "", request.get("From"))


class Doorkeeper:
    """Verifies webhooks.

    Args:
        directory: Knows the accounts.
        secrets: Holds their auth tokens.
        public_base_url: Where Twilio reaches us unless an account or a number says otherwise.
    """

    def __init__(self, directory: LineDirectory, secrets: SecretStore, public_base_url: str) -> None:
        self._directory = directory
        self._secrets = secrets
        self._public_base_url = public_base_url

    def ask_tokens(self, number: Number, deadline: Deadline) -> Future[AccountTokens]:
        """Start reading the tokens of the account that owns a number."""
        return deadline.start(self._secrets.account, number.account.account_id, number.account.secret_id)

    def base_url(self, number: Number | None, account: Account) -> str:
        """The base URL that a number's webhooks have."""
        return resolve_base_url(number, account, self._public_base_url)

    def base_urls(self, number: Number | None, account: Account) -> list[str]:
        """Every base URL Twilio may sign a number's webhooks under: today's, and those it was given before."""
        return [self.base_url(number, account), *(number.base_urls if number else ())]

    def verify_by_account(self, request: WebhookRequest, line: Line, deadline: Deadline) -> None:
        """Verify a request about a call that may outlive its number.

        Raises:
            SignatureError: If it is not signed by the account it names, or that account is not ours.
            DependencyError: If that cannot be checked now.
            ConfigError: If the account's settings or secret are unusable.
        """
        account_sid = request.get("AccountSid")
        number = line.number if line.number and line.number.account.account_sid == account_sid else None
        account_id = number.account.account_id if number else AccountId(line.account_id)
        if not account_id:
            raise SignatureError("neither the number nor the account is known")
        stored = deadline.start(self._directory.account, account_id)
        tokens = deadline.start(self._secrets.account, account_id, number.account.secret_id if number else "")
        account = deadline.wait(stored) or (number.account if number else None)
        if account is None or account.account_sid != account_sid:
            raise SignatureError("the account is not known")
        self.verify(request, [*_own_base_urls(line.call), *self.base_urls(number, account)], account, tokens, deadline)

    def verify(
        self,
        request: WebhookRequest,
        base_urls: list[str],
        account: Account,
        tokens: Future[AccountTokens],
        deadline: Deadline,
    ) -> None:
        """Believe a request, or raise as :meth:`verify_by_account` does.

        A signature that does not hold may be made with a token rotated a moment ago: the secret is read once more.
        """
        secret: AccountTokens | None = deadline.wait(tokens)
        for read_again in (False, True):
            if read_again:
                secret = deadline.run(self._secrets.account_again, account.account_id, account.secret_id)
            if secret is None:
                break
            if secret.account_sid != account.account_sid:
                raise ConfigError(f"account {account.account_id!r}: its secret is another account's; store it again")
            if is_signed(request, base_urls, secret.auth_tokens):
                return
        raise SignatureError("the signature does not hold")


def _own_base_urls(call: CallRecord | None) -> list[str]:
    """The base URL the call's action URL was written with, whatever is configured since."""
    base_url = call.snapshot.number.get("base_url") if call and call.snapshot else None
    return [base_url] if isinstance(base_url, str) and base_url else []
