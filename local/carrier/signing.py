"""X-Twilio-Signature as Twilio computes it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from local.carrier.manners import HandshakeForm

Params = Iterable[tuple[str, str]]


def sign(auth_token: str, url: str, params: Params = ()) -> str:
    """Sign a webhook.

    Args:
        auth_token: The primary token of the account that owns the number.
        url: As configured; user information, fragment and, for https, the port are left out of what is signed.
        params: The form's fields. Empty for GET, JSON bodies and the WebSocket handshake.
    """
    text = signed_url(url) + "".join(name + value for name, value in sorted(set(params)))
    digest = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def signed_url(url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme == "https" and parts.port is not None:
        host = host.rpartition(":")[0]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))


def with_body_hash(url: str, body: bytes) -> str:
    """Add what Twilio adds to the URL when the body is not a form."""
    joint = "&" if urlsplit(url).query else "?"
    return f"{url}{joint}bodySHA256={hashlib.sha256(body).hexdigest()}"


def sign_handshake(auth_token: str, url: str, form: HandshakeForm = "plain") -> str:
    """Sign the WebSocket upgrade in one of the readings of Twilio's rules; ``plain`` is the URL as written."""
    if form == "wrong":
        return sign(auth_token + "?", url)
    params: list[tuple[str, str]] = []
    parts = urlsplit(url)
    if "params" in form:
        params = parse_qsl(parts.query, keep_blank_values=True)
        parts = parts._replace(query="")
    if "slash" in form and not parts.path.endswith("/"):
        parts = parts._replace(path=parts.path + "/")
    if form.startswith("https"):
        parts = parts._replace(scheme={"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme))
    text = urlunsplit(parts) + "".join(name + value for name, value in sorted(params))
    digest = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()
