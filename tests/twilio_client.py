"""Twilio's own SDK, pointed at the carrier: scheme and host are replaced, the path is kept behind the base's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client


@dataclass(frozen=True)
class Exchanged:
    """A request of the SDK's as it went over the wire, and its answer."""

    method: str
    path: str
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    content_type: str
    status: int
    text: str


class RebasedHttpClient(TwilioHttpClient):
    """Sends whatever host the SDK means to the base, and keeps what was exchanged.

    Args:
        base_url: The carrier's REST base.
        timeout_s: After which it gives up.
    """

    def __init__(self, base_url: str, timeout_s: float = 10.0) -> None:
        super().__init__(timeout=timeout_s)
        self.session.trust_env = False
        self.session.hooks["response"].append(self._keep)
        self.exchanged: list[Exchanged] = []
        self._base_url = base_url.rstrip("/")

    def request(self, method: str, url: str, *args: Any, **more: Any) -> Response:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        return super().request(method, f"{self._base_url}{parts.path}{query}", *args, **more)

    def _keep(self, response: Any, **_: Any) -> None:
        request = response.request
        parts = urlsplit(request.url)
        body = request.body or ""
        self.exchanged.append(
            Exchanged(
                request.method,
                parts.path.removeprefix(urlsplit(self._base_url).path),
                parse_qsl(parts.query, keep_blank_values=True),
                parse_qsl(body, keep_blank_values=True),
                request.headers.get("Content-Type", ""),
                response.status_code,
                response.text,
            )
        )

    def close(self) -> None:
        self.session.close()


def client_of(http: RebasedHttpClient, user: str, password: str, account_sid: str | None = None) -> Client:
    """The SDK's client, for an account with its token or an API key with its secret."""
    return Client(user, password, account_sid, http_client=http, environment={"none": ""})
