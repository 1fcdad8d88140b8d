"""Twilio's credentials in Secrets Manager: one secret an account, under the stage's prefix (design D10).

The secret is a JSON object: ``account_sid``, ``auth_token``, ``secondary_token`` (the other one that is accepted while
tokens rotate), ``api_key_sid`` and ``api_key_secret`` (what REST requests are made with, where there is one).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from ringfold.errors import ConfigError, DependencyError

RECOVERY_DAYS: Final = 30


@dataclass(frozen=True)
class Credentials:
    """What an account's secret holds; its repr shows none of it."""

    account_sid: str
    auth_token: str = field(repr=False)
    secondary_token: str | None = field(default=None, repr=False)
    api_key_sid: str | None = None
    api_key_secret: str | None = field(default=None, repr=False)

    def rotated(self, auth_token: str) -> Credentials:
        """With a new token in front; the one it replaces is accepted until the next change."""
        if auth_token == self.auth_token:
            return self
        return replace(self, auth_token=auth_token, secondary_token=self.auth_token)


class Vault:
    """Writes and reads the secrets through a botocore ``secretsmanager`` client.

    Args:
        client: The client.
        prefix: Of every secret's name, for example ``/ringfold/dev/``.
        key_id: The KMS key they are encrypted with; ``""``: the account's default key.
    """

    def __init__(self, client: Any, *, prefix: str, key_id: str = "") -> None:
        self._client, self._prefix, self._key_id = client, prefix, key_id

    def name(self, account_id: str) -> str:
        """The name of an account's secret."""
        return f"{self._prefix}accounts/{account_id}/twilio"

    def create(self, account_id: str, credentials: Credentials) -> str:
        """Store a new account's credentials.

        Returns:
            The secret's ARN.
        """
        arguments: dict[str, Any] = {
            "Name": self.name(account_id),
            "Description": "Twilio credentials of one account; written by the provisioning API.",
            "SecretString": _dump(credentials),
        }
        if self._key_id:
            arguments["KmsKeyId"] = self._key_id
        try:
            return str(self._call("create_secret", **arguments)["ARN"])
        except DependencyError as exc:
            if exc.code != "ResourceExistsException":
                raise
        # Asked for before, and killed before it was noted: the same name is the same account's.
        return str(
            self._call("put_secret_value", SecretId=self.name(account_id), SecretString=_dump(credentials))["ARN"]
        )

    def read(self, account_id: str, secret_arn: str = "") -> Credentials:
        """An account's credentials, always from Secrets Manager.

        Raises:
            ConfigError: If there are none, or what is stored is no account's secret.
            DependencyError: If Secrets Manager failed.
        """
        try:
            answer = self._call("get_secret_value", SecretId=secret_arn or self.name(account_id))
        except DependencyError as exc:
            if exc.code in {"ResourceNotFoundException", "InvalidRequestException"}:
                raise ConfigError(
                    f"account {account_id}: no credentials are stored; send its auth_token again"
                ) from exc
            raise
        try:
            fields = json.loads(answer.get("SecretString") or "")
            return Credentials(**{name: fields.get(name) for name in Credentials.__dataclass_fields__})
        except (ValueError, TypeError, AttributeError):
            # `from None`: the exception may carry the text, which is the secret.
            raise ConfigError(f"account {account_id}: its secret cannot be read; send its auth_token again") from None

    def write(self, account_id: str, secret_arn: str, credentials: Credentials) -> None:
        """Replace an account's credentials."""
        self._call("put_secret_value", SecretId=secret_arn or self.name(account_id), SecretString=_dump(credentials))

    def delete(self, account_id: str, secret_arn: str) -> None:
        """Delete an account's secret; it can be restored for ``RECOVERY_DAYS``."""
        try:
            self._call(
                "delete_secret", SecretId=secret_arn or self.name(account_id), RecoveryWindowInDays=RECOVERY_DAYS
            )
        except DependencyError as exc:
            if exc.code not in {"ResourceNotFoundException", "InvalidRequestException"}:
                raise

    def _call(self, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, operation)(**arguments)
        except ClientError as exc:
            code = exc.response["Error"]["Code"]
            raise DependencyError("secretsmanager", f"{operation}: {code}", code=code) from exc
        except BotoCoreError as exc:
            raise DependencyError("secretsmanager", f"{operation}: {type(exc).__name__}", processed=None) from exc


def _dump(credentials: Credentials) -> str:
    fields = {name: getattr(credentials, name) for name in Credentials.__dataclass_fields__}
    return json.dumps({name: value for name, value in fields.items() if value is not None})
