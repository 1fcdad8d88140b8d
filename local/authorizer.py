"""The JWT authorizer of an HTTP API, as API Gateway runs it: signature, issuer, audience, times, scopes.

One thing is added on purpose: beside AWS's `message` the two refusals carry the error shape that everything else of the
API has. At AWS that body cannot be changed (docs/adr, "Who may administer").
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.types import Options

from local.resources import JwtAuthorizer

ALGORITHMS: Final = ["RS256", "RS384", "RS512"]
_BY_HAND: Final[Options] = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
_ADVICE: Final = {
    401: ("unauthenticated", "Send a valid token as `Authorization: Bearer …`; locally `make token` prints one."),
    403: ("forbidden", "The token's role may not do this."),
}


@dataclass
class Refused(Exception):
    """A request that is not let through.

    Attributes:
        status: 401 without a valid token, 403 with one that has none of the scopes.
        reason: For `www-authenticate`; empty when there was no token at all.
    """

    status: int
    reason: str
    scopes: tuple[str, ...]

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """As API Gateway sends them."""
        told = "Bearer"
        if self.reason:
            error = "invalid_token" if self.status == 401 else "insufficient_scope"
            told = f'Bearer scope="{" ".join(self.scopes)}" error="{error}" error_description="{self.reason}"'
        return (("content-type", "application/json"), ("www-authenticate", told))

    @property
    def body(self) -> bytes:
        """API Gateway's message, and ours."""
        code, advice = _ADVICE[self.status]
        message = "Unauthorized" if self.status == 401 else "Forbidden"
        return json.dumps({"message": message, "error": {"code": code, "message": advice, "details": []}}).encode()


@dataclass(frozen=True)
class TokenCheck:
    """Checks bearer tokens.

    Attributes:
        keys: What the issuer publishes: key id to key.
        clock: Epoch seconds.
    """

    keys: Mapping[str, RSAPublicKey]
    clock: Callable[[], float] = time.time

    def admit(self, authorizer: JwtAuthorizer, scopes: tuple[str, ...], header: str) -> dict[str, Any]:
        """Check the `Authorization` header of one request.

        Returns:
            What the function finds under `requestContext.authorizer`.

        Raises:
            Refused: If the request does not reach the function.
        """
        scheme, _, rest = header.strip().partition(" ")
        token = rest.strip() if scheme.lower() == "bearer" else header.strip()
        if not token:
            raise Refused(401, "", scopes)
        claims = self._claims(authorizer, scopes, token)
        held = str(claims.get("scope") or claims.get("scp") or "").split()
        if scopes and not set(scopes) & set(held):
            raise Refused(403, "the token has none of the scopes", scopes)
        texts = {name: as_text(value) for name, value in claims.items()}
        return {"jwt": {"claims": texts, "scopes": held if scopes else None}}

    def _claims(self, authorizer: JwtAuthorizer, scopes: tuple[str, ...], token: str) -> dict[str, Any]:
        try:
            key = self.keys[str(jwt.get_unverified_header(token).get("kid"))]
            claims: dict[str, Any] = jwt.decode(token, key, algorithms=ALGORITHMS, options=_BY_HAND)
        except KeyError as exc:
            raise Refused(401, "the key of the token is not known", scopes) from exc
        except (jwt.PyJWTError, ValueError) as exc:
            raise Refused(401, "the token is malformed or its signature is invalid", scopes) from exc
        if reason := self._fault(authorizer, claims):
            raise Refused(401, reason, scopes)
        return claims

    def _fault(self, authorizer: JwtAuthorizer, claims: Mapping[str, Any]) -> str:
        now = self.clock()
        if claims.get("iss") != authorizer.issuer:
            return "the token does not have a valid issuer"
        # `client_id` counts only where there is no `aud`: Cognito's access tokens have none.
        named = claims.get("aud", claims.get("client_id"))
        if not set(named if isinstance(named, list) else [named]) & set(authorizer.audience):
            return "the token does not have a valid audience"
        times = {name: claims.get(name) for name in ("exp", "nbf", "iat")}
        if any(value is not None and not _is_time(value) for value in times.values()) or times["exp"] is None:
            return "the token does not have valid times"
        if times["exp"] <= now:
            return "the token has expired"
        if max(times["nbf"] or 0, times["iat"] or 0) > now:
            return "the token is not valid yet"
        return ""


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def as_text(value: object) -> str:
    """A claim as the function sees it: API Gateway makes text of everything."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(as_text(each) for each in value)}]"
    return json.dumps(value, separators=(",", ":"))
