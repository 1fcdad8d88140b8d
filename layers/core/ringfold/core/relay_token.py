"""The one-time token in the relay URL: who is on the line, settled when the voice webhook answers (design D1).

``base64url(JSON claims) "." base64url(HMAC-SHA256)``, unpadded, so that it is made of unreserved URL characters.
The same claims always give the same token: a webhook delivered twice gets the same TwiML. That the token is used
once is the authorizer's business, which burns the attempt in the session item.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from ringfold.core.ids import AccountId, AccountSid, CallSid, ConversationId, OrganizationId
from ringfold.errors import ConfigError, SignatureError

MAX_TOKEN_CHARS: Final = 2048


@dataclass(frozen=True, slots=True)
class Claims:
    """What the token says.

    Attributes:
        attempt: 0 for the call's first session, 1 and up for the recoveries.
        expires_at: Epoch seconds; from that second on the token is refused.
        reusable: Whether Twilio may present it again (``applicationReconnect="true"``).
    """

    call_sid: CallSid
    account_id: AccountId
    account_sid: AccountSid
    organization_id: OrganizationId
    conversation_id: ConversationId
    attempt: int
    expires_at: int
    reusable: bool = False


def mint(claims: Claims, key: str) -> str:
    """Sign the claims.

    Raises:
        ConfigError: If the key is empty.
    """
    fields = {
        "c": claims.call_sid,
        "a": claims.account_id,
        "s": claims.account_sid,
        "o": claims.organization_id,
        "v": claims.conversation_id,
        "n": claims.attempt,
        "x": claims.expires_at,
        "r": claims.reusable,
    }
    payload = _encode(json.dumps(fields, separators=(",", ":"), sort_keys=True).encode())
    return f"{payload}.{_seal(payload, _usable([key])[0])}"


def read(token: str | None, keys: str | Sequence[str], now: float) -> Claims:
    """Read a token that one of our keys signed.

    Args:
        token: As it came in the query string; ``None`` when there was none.
        keys: The key, or the current and former keys while they rotate.
        now: Epoch seconds.

    Raises:
        SignatureError: If the token is missing, malformed, forged or expired. To the outside all are one;
            ``reason`` is for our log.
        ConfigError: If there is no key to check it with.
    """
    usable = _usable([keys] if isinstance(keys, str) else keys)
    if not token:
        raise SignatureError("token missing")
    if len(token) > MAX_TOKEN_CHARS or not token.isascii():
        raise SignatureError("token malformed")
    payload, _, seal = token.partition(".")
    # The text is compared, not the bytes it decodes to: base64 has spare bits that could be flipped unnoticed.
    matches = [hmac.compare_digest(_seal(payload, key).encode(), seal.encode()) for key in usable]
    if not any(matches):
        raise SignatureError("token forged")
    claims = _parse_claims(payload)
    if now >= claims.expires_at:
        raise SignatureError("token expired")
    return claims


def _usable(keys: Sequence[str]) -> list[str]:
    # WARNING: an HMAC with an empty key is one that anybody can compute.
    usable = [key for key in keys if key]
    if not usable:
        raise ConfigError("relay token key is empty; the secret must hold {'key': '<random text>'}")
    return usable


def _seal(payload: str, key: str) -> str:
    return _encode(hmac.digest(key.encode(), payload.encode(), "sha256"))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _parse_claims(payload: str) -> Claims:
    """Read claims whose signature holds; a wrong shape means another program shares our key."""
    try:
        fields: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        texts = [fields[name] for name in ("c", "a", "s", "o", "v")]
        attempt, expires_at, reusable = fields["n"], fields["x"], fields["r"]
    except (ValueError, LookupError, TypeError, RecursionError) as exc:
        raise SignatureError("token malformed") from exc
    numbers = type(attempt) is int and type(expires_at) is int and type(reusable) is bool
    if not numbers or not all(isinstance(text, str) and text for text in texts):
        raise SignatureError("token malformed")
    call_sid, account_id, account_sid, organization_id, conversation_id = texts
    return Claims(
        CallSid(call_sid),
        AccountId(account_id),
        AccountSid(account_sid),
        OrganizationId(organization_id),
        ConversationId(conversation_id),
        attempt,
        expires_at,
        reusable,
    )
