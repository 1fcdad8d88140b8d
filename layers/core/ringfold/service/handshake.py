"""The handshake of a relay session: who is on the line is settled here, once (design D1).

The token in the URL decides access. It is checked before any table is touched, so a flood of handshakes without one
costs nothing. Twilio's signature is checked as well; how Twilio signs a URL with a query is documented nowhere, so a
mismatch is refused or only counted, as ``HANDSHAKE_SIGNATURE`` says. The context that is returned reaches every later
frame of the connection; nothing else does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from ringfold.core import relay_token, signature
from ringfold.core.relay_token import Claims
from ringfold.errors import AppError, SignatureError
from ringfold.log import Log
from ringfold.ports import AccountTokens, LinkStore, SecretStore

_DIMENSIONS: Final = {"Function": "relay_connect"}


@dataclass(frozen=True)
class HandshakeRequest:
    """A WebSocket upgrade as the authorizer sees it.

    Attributes:
        query: Decoded, in order; empty when there was none.
    """

    connection_id: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()


class Handshake:
    """Lets relay sessions in.

    Args:
        links: Counts the links of a call.
        secrets: Holds auth tokens and the key of relay tokens.
        relay_url: The URL in the TwiML, without its query.
        policy: What a wrong signature means.
        log: Its lines carry no token.
        clock: Epoch seconds.
    """

    def __init__(
        self,
        *,
        links: LinkStore,
        secrets: SecretStore,
        relay_url: str,
        policy: Literal["enforce", "observe"],
        log: Log,
        clock: Callable[[], float],
    ) -> None:
        self._links = links
        self._secrets = secrets
        self._relay_url = relay_url
        self._policy = policy
        self._log = log
        self._clock = clock

    def authorize(self, request: HandshakeRequest) -> dict[str, str] | None:
        """Check a handshake and open the call's next link.

        Returns:
            The context of every later frame, or ``None``: refuse, without saying why.
        """
        try:
            return self._authorize(request)
        except SignatureError as exc:
            self._log.warning("handshake refused", reason=exc.reason)
        except AppError as exc:
            self._log.error("handshake failed", error=type(exc).__name__, detail=str(exc))
        return None

    def closed(self, call_sid: str, link_gen: int) -> None:
        """Note that a link was closed. The call is not over: the caller may be on a newer link already."""
        try:
            known = self._links.close_link(call_sid, link_gen, int(self._clock() * 1000))
        except AppError as exc:
            self._log.warning("link close not noted", call_sid=call_sid, link_gen=link_gen, detail=str(exc))
        else:
            self._log.info("link closed", call_sid=call_sid, link_gen=link_gen, known=known)

    def _authorize(self, request: HandshakeRequest) -> dict[str, str]:
        tokens = [value for name, value in request.query if name == "token"]
        presented = tokens[0] if len(tokens) == 1 else None
        claims = relay_token.read(presented, self._secrets.relay_key(), self._clock())
        log = self._log.bind(
            call_sid=claims.call_sid,
            organization_id=claims.organization_id,
            conversation_id=claims.conversation_id,
        )
        self._check_signature(request, claims, log)
        link_gen = self._links.claim_link(claims, request.connection_id, self._clock())
        log.info("link opened", link_gen=link_gen, attempt=claims.attempt)
        return {
            "call_sid": claims.call_sid,
            "account_sid": claims.account_sid,
            "organization_id": claims.organization_id,
            "conversation_id": claims.conversation_id,
            "link_gen": str(link_gen),
        }

    def _check_signature(self, request: HandshakeRequest, claims: Claims, log: Log) -> None:
        try:
            form = self._match(request, claims)
        except SignatureError as exc:
            self._mismatch(log, exc.reason)
            return
        except AppError as exc:
            if self._policy == "enforce":
                raise
            log.error("handshake signature not checked", error=type(exc).__name__, detail=str(exc))
            return
        if form is None:
            self._mismatch(log, "no form of the URL matches the signature")
        else:
            log.debug("handshake signature", form=str(form))

    def _match(self, request: HandshakeRequest, claims: Claims) -> signature.HandshakeForm | None:
        """Find the form Twilio signed, with tokens read once more if none matches: they may have been rotated."""
        signature.refuse_shared_key(request.headers)
        sent = signature.find_header(request.headers, signature.SIGNATURE_HEADER)
        if not sent:
            raise SignatureError(f"{signature.SIGNATURE_HEADER} is missing")
        secret: AccountTokens | None = self._secrets.account(claims.account_id)
        for read_again in (False, True):
            if read_again:
                secret = self._secrets.account_again(claims.account_id)
            if secret is None:
                return None
            form = signature.verify_handshake(self._relay_url, request.query, sent, secret.auth_tokens)
            if form is not None:
                return form
        return None

    def _mismatch(self, log: Log, reason: str) -> None:
        """Count it, and refuse it where it is to be refused."""
        at_ms = int(self._clock() * 1000)
        count = {"HandshakeSignatureMismatch": (1.0, "Count")}
        log.metrics("handshake signature mismatch", count, _DIMENSIONS, at_ms=at_ms, reason=reason, policy=self._policy)
        if self._policy == "enforce":
            raise SignatureError(reason)
