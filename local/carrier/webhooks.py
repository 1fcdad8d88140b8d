"""The requests Twilio makes for a voice call: parameters, signature, time limit."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from local.carrier.signing import sign

VOICE_PATH: Final = "/api/voice/incoming"
STATUS_PATH: Final = "/api/voice/status"
SMS_PATH: Final = "/api/sms/incoming"
VOICE_FALLBACK_PATH: Final = "/fallback/voice"
SMS_FALLBACK_PATH: Final = "/fallback/message"
API_VERSION: Final = "2010-04-01"
USER_AGENT: Final = "TwilioProxy/1.1"
PLACES: Final = {"City": "", "State": "", "Zip": "", "Country": "US"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a webhook was answered; ``status`` 0 and ``error`` when it was not."""

    url: str
    status: int
    body: bytes
    content_type: str
    took_ms: int
    error: str = ""


def new_client(base_url: str) -> httpx.AsyncClient:
    """A client without proxies; certificates are loaded only where there will be TLS, which takes 20 ms."""
    secure = urlsplit(base_url).scheme == "https"
    context = ssl.create_default_context() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(verify=context, trust_env=False, limits=httpx.Limits(max_connections=500))


def voice_params(
    *, call_sid: str, account_sid: str, from_number: str, to_number: str, status: str, direction: str = "inbound"
) -> dict[str, str]:
    """The parameters every voice webhook of an inbound call carries."""
    params = {
        "CallSid": call_sid,
        "AccountSid": account_sid,
        "ApiVersion": API_VERSION,
        "From": from_number,
        "To": to_number,
        "Caller": from_number,
        "Called": to_number,
        "CallStatus": status,
        "Direction": direction,
    }
    for who in ("From", "To", "Caller", "Called"):
        params |= {who + what: value for what, value in PLACES.items()}
    return params


class Webhooks:
    """Signs and sends webhooks for one account.

    Args:
        client: Makes the requests.
        auth_token: The account's, or what tells it at the moment of each request.
        timeout_s: How long an answer may take.
    """

    def __init__(
        self, client: httpx.AsyncClient, auth_token: str | Callable[[], str], *, timeout_s: float = 15.0
    ) -> None:
        self._client = client
        self._auth_token = auth_token if callable(auth_token) else lambda: auth_token
        self._timeout_s = timeout_s

    async def send(
        self,
        url: str,
        params: dict[str, str],
        *,
        method: str = "POST",
        signature: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Make the request; whatever goes wrong is in the answer.

        Args:
            url: Absolute.
            params: The form, or for GET the query.
            method: POST or GET.
            signature: Sent instead of the right one, by tests that forge.
            headers: Added or replaced.
        """
        fields = list(params.items())
        body: dict[str, Any] = {"content": urlencode(fields).encode()}
        if method == "GET":
            url += ("&" if urlsplit(url).query else "?") + urlencode(fields)
            body, fields = {}, []
        sent_headers = {
            "X-Twilio-Signature": sign(self._auth_token(), url, fields) if signature is None else signature,
            "User-Agent": USER_AGENT,
            "Accept": "*/*",
            **({"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"} if body else {}),
            **(headers or {}),
        }
        return await self._request(method, url, sent_headers, body)

    async def _request(self, method: str, url: str, headers: dict[str, str], body: dict[str, Any]) -> Answer:
        started_s = time.monotonic()
        try:
            response = await self._client.request(method, url, headers=headers, timeout=self._timeout_s, **body)
        except httpx.HTTPError as exc:
            return Answer(url, 0, b"", "", _ms_since(started_s), f"11200: {type(exc).__name__} {exc}".strip())
        content_type = response.headers.get("content-type", "")
        return Answer(url, response.status_code, response.content, content_type, _ms_since(started_s))


def absolute(base: str, url: str) -> str:
    """A webhook URL of a document, seen from the document it stands in."""
    return urljoin(base, url)


def _ms_since(started_s: float) -> int:
    return round((time.monotonic() - started_s) * 1000)
