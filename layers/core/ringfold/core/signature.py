"""``X-Twilio-Signature`` on webhooks and on the WebSocket handshake, without the Twilio package.

The signed text is the URL as configured, then each form parameter's name and value, sorted; its HMAC-SHA1 under
the auth token of the account that owns the number is sent in base64
(https://www.twilio.com/docs/usage/webhooks/webhooks-security). Three things need care: userinfo and fragment
are never signed; whether a port is, depends on the product; and how a ``wss`` URL with a query is signed is
documented nowhere, so every plausible form is tried. All forms are always computed and compared in constant time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final, Literal
from urllib.parse import parse_qsl, urlencode

from ringfold.errors import SignatureError, WireError

SIGNATURE_HEADER: Final = "X-Twilio-Signature"
SHARED_KEY_HEADER: Final = "X-Twilio-Webhooks-Signature-Settings"
MAX_FORM_BYTES: Final = 256 * 1024
MAX_FORM_FIELDS: Final = 1000

_FORM: Final = "application/x-www-form-urlencoded"
_SIGNED_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^#]*)")
_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(:[0-9]+)?")
_TWIN_SCHEMES: Final = {"wss": "https", "https": "wss", "ws": "http", "http": "ws"}


@dataclass(frozen=True, slots=True)
class HandshakeForm:
    """How Twilio turned out to sign the handshake.

    Attributes:
        scheme: Scheme of the signed URL.
        trailing_slash: Whether its path ended with a slash.
        query_as: ``"url"`` when the query stood in the signed URL, ``"params"`` when its parameters were sorted
            and appended as those of a form are.
        port_dropped: Whether an explicit port was left out.
    """

    scheme: str
    trailing_slash: bool
    query_as: Literal["url", "params"]
    port_dropped: bool = False

    def __str__(self) -> str:
        slash = "trailing slash" if self.trailing_slash else "no slash"
        return f"{self.scheme}, {slash}, query as {self.query_as}" + (", no port" if self.port_dropped else "")


def find_header(headers: Mapping[str, str], name: str) -> str | None:
    """Look a header up whatever its case: HTTP APIs lower-case names, WebSocket APIs keep the sender's."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def refuse_shared_key(headers: Mapping[str, str]) -> None:
    """Refuse a request signed with a Webhooks SharedKey, which we do not hold, rather than misjudge it.

    Raises:
        SignatureError: If the header is there; ``reason`` says what to change.
    """
    if (find_header(headers, SHARED_KEY_HEADER) or "").strip():
        raise SignatureError(
            f"{SHARED_KEY_HEADER} is present: Twilio signs with a SharedKey, Ringfold checks auth token signatures; "
            "take the SharedKey off this webhook in Twilio's Webhooks configuration"
        )


def parse_form(raw_body: bytes) -> list[tuple[str, str]]:
    """Read a form body as Twilio signs it: order kept, nothing trimmed, blank and repeated names kept.

    Raises:
        WireError: If the body is too large or has too many fields.
    """
    if len(raw_body) > MAX_FORM_BYTES:
        raise WireError(f"form: {len(raw_body)} bytes, at most {MAX_FORM_BYTES}")
    try:
        text = raw_body.decode("utf-8", errors="replace")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FORM_FIELDS)
    except ValueError as exc:
        raise WireError(f"form: more than {MAX_FORM_FIELDS} fields") from exc


def webhook_signature(url: str, params: Iterable[tuple[str, str]], auth_token: str) -> str:
    """The signature Twilio sends for this URL, taken as it stands, and these parameters."""
    signed = url + "".join(name + value for name, value in sorted(set(params)))
    # surrogatepass: what cannot be UTF-8 was not signed by Twilio, and must not raise either.
    key, text = auth_token.encode("utf-8", "surrogatepass"), signed.encode("utf-8", "surrogatepass")
    return base64.b64encode(hmac.digest(key, text, "sha1")).decode()


def verify_webhook(
    url: str,
    params: list[tuple[str, str]],
    raw_body: bytes,
    content_type: str | None,
    signature: str | None,
    tokens: Sequence[str],
) -> bool:
    """Whether one of the account's tokens signed this request.

    Args:
        url: The public URL Twilio was configured with, query included, made from our settings and never from Host.
        params: ``parse_form(raw_body)`` of a form POST; not looked at otherwise.
        raw_body: The body as received, ``b""`` for GET.
        content_type: Header of that name, if any.
        signature: Header ``X-Twilio-Signature``, if any.
        tokens: Auth tokens of the account, the secondary one included; blank ones never match.

    Returns:
        False also for a body the signature does not cover: neither a form nor named by ``bodySHA256``, or with
        another hash than that.
    """
    is_form = (content_type or "").partition(";")[0].strip().lower() == _FORM
    signed_params = params if is_form and raw_body else []
    candidates = [webhook_signature(form, signed_params, key) for form in _webhook_urls(url) for key in tokens if key]
    # A list, not a generator: which token or form matched must not show in the time taken.
    matches = [_same(candidate, signature or "") for candidate in candidates]
    return any(matches) and _covers(url, raw_body, is_form=is_form)


def verify_handshake(
    url: str, query: Sequence[tuple[str, str]], signature: str | None, tokens: Sequence[str]
) -> HandshakeForm | None:
    """Find the form in which one of the tokens signed a WebSocket handshake.

    Scheme (as configured, or ``https`` for ``wss`` and ``http`` for ``ws``) × path with and without a trailing
    slash × query in the URL or as sorted parameters: eight; twice that where the URL has a port.

    Args:
        url: The URL written in the TwiML, without its query.
        query: Parameters of the handshake's query, decoded, in order.
        signature: Header ``X-Twilio-Signature``, if any.
        tokens: Auth tokens of the account; blank ones never match.

    Returns:
        The form that matched, or ``None``.
    """
    matched = [
        form
        for form, text, params in _handshake_forms(url, query)
        for token in tokens
        if token and _same(webhook_signature(text, params, token), signature or "")
    ]
    return matched[0] if matched else None


def _handshake_forms(
    url: str, query: Sequence[tuple[str, str]]
) -> list[tuple[HandshakeForm, str, Sequence[tuple[str, str]]]]:
    scheme, host, port, tail = _split(url)
    path = tail.partition("?")[0].rstrip("/")
    raw_query = f"?{urlencode(query, errors='surrogatepass')}" if query else ""
    schemes = (scheme, _TWIN_SCHEMES.get(scheme, scheme))
    forms: list[tuple[HandshakeForm, str, Sequence[tuple[str, str]]]] = []
    for signed_port, each, slash in product(dict.fromkeys((port, "")), schemes, (False, True)):
        base = f"{each}://{host}{signed_port}{path}{'/' if slash else ''}"
        dropped = signed_port != port
        forms.append((HandshakeForm(each, slash, "url", dropped), base + raw_query, ()))
        forms.append((HandshakeForm(each, slash, "params", dropped), base, query))
    return forms


def _webhook_urls(url: str) -> tuple[str, str]:
    """The URL with and without its port, or with the default one: Twilio's products differ."""
    scheme, host, port, tail = _split(url)
    other = "" if port else (":443" if scheme == "https" else ":80")
    return f"{scheme}://{host}{port}{tail}", f"{scheme}://{host}{other}{tail}"


def _split(url: str) -> tuple[str, str, str, str]:
    """Scheme, host, port with its colon or empty, path and query; userinfo and fragment are left out.

    Done by hand: ``urlsplit`` drops characters, and a signature is over every one.
    """
    match = _SIGNED_URL.match(url)
    if match is None:
        return "", url.partition("#")[0], "", ""
    host = _HOST.fullmatch(authority := match[2].rpartition("@")[2])
    return match[1].lower(), host[1] if host else authority, (host[2] or "") if host else "", match[3]


def _covers(url: str, raw_body: bytes, *, is_form: bool) -> bool:
    """Whether a signature that holds vouches for the body too."""
    query = parse_qsl(url.partition("#")[0].partition("?")[2], keep_blank_values=True)
    body_hash = next((value for name, value in query if name == "bodySHA256"), None)
    if body_hash is None:
        return is_form or not raw_body
    # Of forms too: else the signature of a JSON request would also pass for an empty form.
    return _same(hashlib.sha256(raw_body).hexdigest(), body_hash)


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "surrogatepass"))
