"""An organization's own secrets for its tools: ``{prefix}tools/{organization_id}/{name}`` in Secrets Manager."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from ringfold.errors import ConfigError, DependencyError

FRESH_S: Final = 300.0
_PART: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ToolSecrets:
    """Reads them through a botocore ``secretsmanager`` client, and keeps them for minutes.

    Args:
        client: Makes the client when the first secret is read: most workers never do.
        prefix: Of every secret's name, for example ``/ringfold/dev/``.
        clock: Seconds, monotonic.
    """

    def __init__(self, client: Callable[[], Any], prefix: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._client, self._prefix, self._clock = client, prefix, clock
        self._kept: dict[str, tuple[float, str]] = {}

    def read(self, organization_id: str, name: str) -> str:
        """A secret's text.

        Raises:
            ConfigError: If there is no such secret of this organization, or it is no text that fits into a header.
            DependencyError: If it cannot be had now.
        """
        if not _PART.fullmatch(organization_id) or not _PART.fullmatch(name):
            raise ConfigError("tool secret: expected letters, digits, _ and -")
        secret_id = f"{self._prefix}tools/{organization_id}/{name}"
        at, kept = self._kept.get(secret_id, (-FRESH_S, ""))
        if self._clock() - at < FRESH_S:
            return kept
        try:
            text = self._client().get_secret_value(SecretId=secret_id).get("SecretString")
        except ClientError as exc:
            code = exc.response["Error"]["Code"]
            if code == "ResourceNotFoundException":
                raise ConfigError(f"there is no secret {secret_id}; store it in Secrets Manager") from exc
            raise DependencyError("secretsmanager", f"cannot read secret {secret_id}: {code}", code=code) from exc
        except BotoCoreError as exc:
            raise DependencyError("secretsmanager", f"cannot read secret {secret_id}: {type(exc).__name__}") from exc
        if not isinstance(text, str) or not 0 < len(text) <= 4096 or not text.isascii() or not text.isprintable():
            raise ConfigError(f"secret {secret_id}: expected printable ASCII text")
        self._kept[secret_id] = (self._clock(), text)
        return text
