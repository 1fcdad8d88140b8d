"""HTTP requests to addresses that somebody configured, without reaching anything of ours (ADR 0019).

A host is resolved once, every address it has must be public, and the connection goes to the address that was checked:
a name that resolves to something else a moment later gains nothing. Redirects are not followed. The answer is read up
to a bound, and within the deadline.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from ringfold.core.public_address import PORTS, Target, is_public, parse_target
from ringfold.errors import DependencyError, WireError

MAX_ANSWER_BYTES: Final = 64 * 1024
CONNECT_S: Final = 2.0

Resolve = Callable[[str, int], list[str]]


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, in the order to try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True)
class Guard:
    """What may be reached.

    Attributes:
        allows: Whether an address may be connected to.
    """

    schemes: frozenset[str] = frozenset({"https"})
    ports: frozenset[int] | None = PORTS
    allows: Callable[[str], bool] = is_public
    resolve: Resolve = resolve

    def check(self, url: str) -> tuple[Target, str]:
        """A URL's parts, and the address to connect to.

        Raises:
            WireError: If it may not be reached; the message names no address.
            DependencyError: If its host has no address now.
        """
        target = parse_target(url)
        if target.scheme not in self.schemes:
            raise WireError(f"url: {target.scheme} is not allowed")
        if self.ports is not None and target.port not in self.ports:
            raise WireError(f"url: port {target.port} is not allowed")
        try:
            addresses = self.resolve(target.host, target.port)
        except (OSError, UnicodeError) as exc:
            raise DependencyError("http tool", "host not found", retryable=True) from exc
        if not addresses or not all(self.allows(address) for address in addresses):
            raise WireError("url: the host is not on the public internet")
        return target, addresses[0]


@dataclass(frozen=True)
class Answer:
    """What came back. ``body`` is cut at ``MAX_ANSWER_BYTES``, and ``truncated`` says so."""

    status: int
    content_type: str
    body: bytes
    truncated: bool = False


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that has been checked, whatever the host's name says by now."""

    def __init__(self, target: Target, address: str, context: ssl.SSLContext | None, timeout_s: float) -> None:
        super().__init__(target.host, target.port, timeout=timeout_s)
        self.default_port = 443 if context else 80
        self._address, self._context = address, context

    def connect(self) -> None:
        timeout_s = float(self.timeout or CONNECT_S)
        raw = socket.create_connection((self._address, self.port), min(CONNECT_S, timeout_s))
        try:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context is not None:
                raw = self._context.wrap_socket(raw, server_hostname=self.host)
            raw.settimeout(timeout_s)
        except BaseException:
            raw.close()
            raise
        self.sock = raw


@dataclass
class Outbound:
    """Sends requests behind a guard."""

    guard: Guard = field(default_factory=Guard)
    context: ssl.SSLContext | None = None

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout_s: float) -> Answer:
        """Send one request, once.

        Raises:
            WireError: If the URL may not be reached, or the answer is a redirect.
            DependencyError: If nothing usable came back; ``processed`` is ``False`` when nothing was sent.
        """
        until = time.monotonic() + timeout_s
        target, address = self.guard.check(url)
        context = self._tls() if target.scheme == "https" else None
        connection = _Pinned(target, address, context, timeout_s)
        try:
            try:
                connection.connect()
            except OSError as exc:
                what = f"cannot connect: {type(exc).__name__}"
                raise DependencyError("http tool", what, retryable=True, processed=False) from exc
            try:
                connection.request(method, target.path, body=body, headers=dict(headers))
                with connection.getresponse() as response:
                    data = _read(response, connection, until)
            except (OSError, http.client.HTTPException, ValueError) as exc:
                raise DependencyError("http tool", f"no answer: {type(exc).__name__}", processed=None) from exc
        finally:
            connection.close()
        if 300 <= response.status < 400:
            raise WireError("the tool's address redirects, which is not followed")
        content_type = response.headers.get("content-type", "")[:100]
        return Answer(response.status, content_type, data[:MAX_ANSWER_BYTES], len(data) > MAX_ANSWER_BYTES)

    def _tls(self) -> ssl.SSLContext:
        if self.context is None:
            self.context = ssl.create_default_context()
        return self.context


def _read(response: http.client.HTTPResponse, connection: http.client.HTTPConnection, until: float) -> bytes:
    """The body, up to one byte more than is wanted; one that drips is cut off at the deadline."""
    data = b""
    while len(data) <= MAX_ANSWER_BYTES:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        if connection.sock is not None:
            connection.sock.settimeout(left)
        piece = response.read1(MAX_ANSWER_BYTES + 1 - len(data))
        if not piece:
            break
        data += piece
    return data
