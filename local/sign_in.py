"""Plays the user pool of the template: signs the access tokens that administrators have.

The key is made at the first start and lies below `.local/state`, for its owner only. What a token grants comes from the
trigger that is deployed, `functions/token_claims`; the rest is as Cognito writes it.
"""

import os
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key

from functions.token_claims.app import SCOPES_OF_GROUP, handler
from local.processes import StartError
from local.resources import JwtAuthorizer, Template

ROLES: Final = tuple(SCOPES_OF_GROUP)
PLATFORM_ADMIN, ORGANIZATION_ADMIN, ORGANIZATION_VIEWER = ROLES
VALID_S: Final = 30 * 24 * 3600
KEY_ID: Final = "local"


class UserPool:
    """Signs tokens that an authorizer accepts.

    Args:
        key: Signs them.
        authorizer: Whose issuer and audience they name.
    """

    def __init__(self, key: RSAPrivateKey, authorizer: JwtAuthorizer) -> None:
        self._key = key
        self._authorizer = authorizer

    @property
    def public_keys(self) -> Mapping[str, RSAPublicKey]:
        """What the pool publishes: key id to key."""
        return {KEY_ID: self._key.public_key()}

    def token(
        self, role: str, organization_id: str | None = None, *, valid_s: int = VALID_S, now_s: float | None = None
    ) -> str:
        """Sign an access token.

        Args:
            role: The user's group, one of `ROLES`.
            organization_id: The user's organization, if any.
            valid_s: How long it is good for.
            now_s: When it was signed.
        """
        now = int(time.time() if now_s is None else now_s)
        subject = str(uuid.uuid5(uuid.NAMESPACE_URL, f"ringfold-local:{role}:{organization_id or ''}"))
        attributes = {"sub": subject, "email": f"{role}@{(organization_id or 'platform').replace('_', '-')}.example"}
        if organization_id:
            attributes["custom:organization_id"] = organization_id
        claims: dict[str, Any] = {
            "sub": subject,
            "cognito:groups": [role],
            "iss": self._authorizer.issuer,
            "version": 2,
            "client_id": self._authorizer.audience[0],
            "event_id": str(uuid.uuid4()),
            "token_use": "access",
            "auth_time": now,
            "exp": now + valid_s,
            "iat": now,
            "jti": str(uuid.uuid4()),
            "username": subject,
        }
        claims |= _granted(role, attributes)
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": KEY_ID})


def _granted(role: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    """What the trigger adds, applied as Cognito does."""
    scopes = ["aws.cognito.signin.user.admin"]
    group = {"groupsToOverride": [role], "iamRolesToOverride": [], "preferredRole": None}
    request = {"userAttributes": dict(attributes), "groupConfiguration": group, "scopes": scopes}
    event = {"version": "2", "triggerSource": "TokenGeneration_Authentication", "request": request}
    token = handler(event, None)["response"]["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]
    scopes = [scope for scope in [*scopes, *token["scopesToAdd"]] if scope not in token["scopesToSuppress"]]
    return {**token["claimsToAddOrOverride"], "scope": " ".join(scopes)}


def load_key(home: Path) -> RSAPrivateKey:
    """The key below `.local/state`, made when there is none.

    Raises:
        StartError: If what lies there is no key.
    """
    path = home / "state" / "token_key.pem"
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        return _make_key(path)
    except ValueError as exc:
        raise StartError(f"{path} holds no key; delete it, and a new one is made") from exc
    if not isinstance(key, RSAPrivateKey):
        raise StartError(f"{path} holds no RSA key; delete it, and a new one is made")
    return key


def _make_key(path: Path) -> RSAPrivateKey:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    scratch = path.with_suffix(".tmp")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
    scratch.replace(path)
    return key


def user_pool(home: Path, template: Template) -> UserPool | None:
    """The pool that the template's administrators sign in to; None when it has no administrators.

    Raises:
        StartError: If its key cannot be used.
    """
    authorizers = {route.authorizer for route in template.http_routes if route.authorizer is not None}
    if len(authorizers) > 1:
        raise StartError("the local run signs tokens for one authorizer, and the template has several")
    return UserPool(load_key(home), authorizers.pop()) if authorizers else None
