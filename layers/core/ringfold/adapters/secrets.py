"""Secrets Manager: auth tokens of the accounts and the key of relay tokens, kept in memory for minutes (design D10).

A value is asked for again when it is older than ``FRESH_S``; if that fails it may still serve until ``STALE_S``: a
short outage of Secrets Manager costs no call. After that there is nothing to verify with, and nobody is let in.
A signature that does not hold may mean a rotated token, so it may ask again at once, but only once per account and
minute: a flood of forged requests must not become a flood at Secrets Manager.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from ringfold.core.ids import AccountId, AccountSid
from ringfold.errors import ConfigError, DependencyError

FRESH_S: Final = 300.0
STALE_S: Final = 3600.0
REFETCH_S: Final = 60.0
JUST_FETCHED_S: Final = 1.0

T = TypeVar("T")


@dataclass(frozen=True)
class AccountSecret:
    """What signs for an account; never shown, not even in a traceback's repr.

    Attributes:
        auth_tokens: The primary token, and the secondary one if there is one: both are accepted while they rotate.
    """

    account_sid: AccountSid
    auth_tokens: tuple[str, ...] = field(repr=False)


@dataclass
class _Kept:
    value: Any = field(repr=False)
    fetched_at: float


class Secrets:
    """Reads secrets through a botocore ``secretsmanager`` client.

    Args:
        client: The client.
        prefix: Of every secret's name, for example ``/ringfold/dev/``.
        relay_key_id: ARN or name of the secret that signs relay tokens.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, client: Any, *, prefix: str, relay_key_id: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._prefix = prefix
        self._relay_key_id = relay_key_id
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._refetched: dict[str, float] = {}

    def account(self, account_id: AccountId, secret_id: str = "") -> AccountSecret:
        """The tokens of an account.

        Args:
            account_id: Whose.
            secret_id: The secret's ARN, if it is known.

        Raises:
            DependencyError: If it cannot be had now.
            ConfigError: If what it holds is not an account's secret.
        """
        return self._get(secret_id or self._name(account_id), _parse_account)

    def account_again(self, account_id: AccountId, secret_id: str = "") -> AccountSecret | None:
        """The tokens of an account, asked for anew because a signature did not hold.

        Returns:
            ``None`` when it was asked for a moment ago, or asked for anew less than a minute ago: the signature
            stays refused.
        """
        name = secret_id or self._name(account_id)
        now = self._clock()
        with self._lock:
            kept = self._kept.get(name)
            just_fetched = kept is not None and now - kept.fetched_at < JUST_FETCHED_S
            if just_fetched or now - self._refetched.get(name, now - REFETCH_S) < REFETCH_S:
                return None
            self._refetched[name] = now
        return self._fetch(name, _parse_account)

    def relay_key(self) -> str:
        """The key that signs relay tokens."""
        return self._get(self._relay_key_id, _parse_relay_key)

    def _name(self, account_id: AccountId) -> str:
        return f"{self._prefix}accounts/{account_id}/twilio"

    def _get(self, name: str, parse: Callable[[str, dict[str, Any]], T]) -> T:
        kept = self._kept.get(name)
        age = self._clock() - kept.fetched_at if kept else STALE_S
        if kept is None or age >= FRESH_S:
            try:
                return self._fetch(name, parse)
            except DependencyError:
                if kept is None or age >= STALE_S:
                    raise
        value: T = kept.value
        return value

    def _fetch(self, name: str, parse: Callable[[str, dict[str, Any]], T]) -> T:
        try:
            answer = self._client.get_secret_value(SecretId=name)
        except ClientError as exc:
            code = exc.response["Error"]["Code"]
            raise DependencyError("secretsmanager", f"cannot read secret {name}: {code}", code=code) from exc
        except BotoCoreError as exc:
            raise DependencyError("secretsmanager", f"cannot read secret {name}: {type(exc).__name__}") from exc
        value = parse(name, _parse_object(name, answer.get("SecretString")))
        self._kept[name] = _Kept(value, self._clock())
        return value


def _parse_object(name: str, text: object) -> dict[str, Any]:
    # WARNING: `from None`: a JSONDecodeError carries the whole text, which is the secret.
    try:
        fields = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise ConfigError(f"secret {name}: expected a JSON object as text; store it again") from None
    return fields


def _parse_account(name: str, fields: dict[str, Any]) -> AccountSecret:
    wrong = [field_ for field_ in ("account_sid", "auth_token") if not _is_text(fields.get(field_))]
    if fields.get("secondary_token") not in (None, "") and not _is_text(fields["secondary_token"]):
        wrong.append("secondary_token")
    if wrong:
        raise ConfigError(f"secret {name}: {', '.join(wrong)}: expected non-empty text of at most 256 characters")
    tokens = (fields["auth_token"], fields.get("secondary_token") or "")
    return AccountSecret(AccountSid(fields["account_sid"]), tuple(token for token in tokens if token))


def _parse_relay_key(name: str, fields: dict[str, Any]) -> str:
    key = fields.get("key")
    if not _is_text(key):
        raise ConfigError(f"secret {name}: key: expected non-empty text of at most 256 characters")
    return str(key)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 256
