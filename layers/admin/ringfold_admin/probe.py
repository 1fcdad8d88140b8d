"""Plays Twilio's side for a moment: a signed webhook, and a relay session over a WebSocket.

What it talks to is a URL that an administrator may have set, so it goes to public addresses only, besides the hosts
this deployment itself is reached at; it follows no redirect, and reads no more than it needs.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import urllib3
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from ringfold.core.signature import SIGNATURE_HEADER, webhook_signature
from ringfold.errors import DependencyError

MOST_BYTES: Final = 64 * 1024
USER_AGENT: Final = "Ringfold verification"


@dataclass(frozen=True)
class Answer:
    """What a webhook answered."""

    status: int
    text: str


class Session:
    """An open relay session."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def send(self, frame: Mapping[str, Any]) -> None:
        """Send a frame as Twilio would.

        Raises:
            DependencyError: If the session is over.
        """
        try:
            self._connection.send(json.dumps(frame))
        except ConnectionClosed as exc:
            raise DependencyError("relay", "the session was closed") from exc

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        """The next frame; ``None`` when there is none in time.

        Raises:
            DependencyError: If the session is over, or what came is no frame.
        """
        try:
            raw = self._connection.recv(timeout=max(0.0, timeout_s))
            frame = json.loads(raw)
        except TimeoutError:
            return None
        except ConnectionClosed as exc:
            raise DependencyError("relay", "the session was closed") from exc
        except ValueError as exc:
            raise DependencyError("relay", "what came is no JSON") from exc
        if not isinstance(frame, dict):
            raise DependencyError("relay", "what came is no frame")
        return frame


class Probe:
    """Makes the requests.

    Args:
        own_urls: URLs this deployment is reached at, wherever that is.
    """

    def __init__(self, own_urls: Sequence[str]) -> None:
        self._web = urllib3.PoolManager(num_pools=2)
        self._own_hosts = {(parts.hostname, parts.port) for parts in map(urlsplit, own_urls) if parts.hostname}

    @staticmethod
    def now() -> float:
        """Seconds that only grow."""
        return time.monotonic()

    @staticmethod
    def pause(seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def post(
        self, url: str, form: Mapping[str, str], auth_token: str, timeout_s: float, *, sign: bool = True
    ) -> Answer:
        """Send a webhook as Twilio does.

        Raises:
            DependencyError: If nothing answers there, or it is no place to ask.
        """
        self._require_public(url)
        headers = {"User-Agent": USER_AGENT, "Content-Type": "application/x-www-form-urlencoded"}
        if sign:
            headers[SIGNATURE_HEADER] = webhook_signature(url, form.items(), auth_token)
        try:
            answer = self._web.request(
                "POST",
                url,
                body=urlencode(form),
                headers=headers,
                timeout=timeout_s,
                redirect=False,
                retries=False,
                preload_content=False,
            )
            body = answer.read(MOST_BYTES, decode_content=True)
            answer.close()  # not read to its end, so its connection is of no use any more
        except (urllib3.exceptions.HTTPError, OSError) as exc:
            raise DependencyError("endpoint", _in_words(exc)) from exc
        return Answer(answer.status, body.decode("utf-8", "replace"))

    @contextmanager
    def session(self, url: str, auth_token: str, timeout_s: float) -> Iterator[Session]:
        """Open a relay session as Twilio does; it is hung up at the end.

        Raises:
            DependencyError: If it is refused.
        """
        self._require_public(url)
        headers = {SIGNATURE_HEADER: webhook_signature(url, (), auth_token)}
        try:
            connection = connect(
                url,
                additional_headers=headers,
                user_agent_header=USER_AGENT,
                open_timeout=timeout_s,
                close_timeout=1,
                ping_interval=None,
                max_size=MOST_BYTES,
                proxy=None,
            )
        except (OSError, InvalidHandshake, TimeoutError, ValueError) as exc:
            raise DependencyError("relay", _in_words(exc)) from exc
        with connection:
            yield Session(connection)

    def _require_public(self, url: str) -> None:
        parts = urlsplit(url)
        if (parts.hostname, parts.port) in self._own_hosts:
            return
        if parts.scheme not in {"https", "wss"} or not parts.hostname:
            raise DependencyError("endpoint", "Twilio asks public https:// URLs only")
        try:
            found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
        except OSError as exc:
            raise DependencyError("endpoint", f"the host {parts.hostname} is not known") from exc
        if not all(ipaddress.ip_address(str(each[4][0]).partition("%")[0]).is_global for each in found):
            raise DependencyError("endpoint", f"the host {parts.hostname} is not a public one")


def _in_words(exc: Exception) -> str:
    status = getattr(getattr(exc, "response", None), "status_code", None)
    return f"HTTP {status}" if status else type(exc).__name__
