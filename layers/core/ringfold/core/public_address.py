"""Which addresses and URLs a tool over HTTP may reach: public ones, and nothing of ours (ADR 0019)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from ringfold.errors import WireError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS: Final = frozenset({443, 8443})
MAX_URL_CHARS: Final = 2048
_TRANSLATED: Final = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""A gateway makes IPv4 addresses of these, whichever: they are not reached."""


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet.

    Private, loopback, link-local (where clouds keep their metadata), shared, multicast and reserved addresses are not,
    nor is an IPv6 address that carries such an IPv4 address inside.
    """
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return all(_is_public(each) for each in [address, *_inside(address)])


def _is_public(address: Address) -> bool:
    bad = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    translated = isinstance(address, ipaddress.IPv6Address) and any(address in network for network in _TRANSLATED)
    return address.is_global and not translated and not bad and not address.is_link_local and not address.is_private


def _inside(address: Address) -> list[Address]:
    """The IPv4 addresses that an IPv6 address stands for or goes through."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[Address] = [each for each in (address.ipv4_mapped, address.sixtofour) if each is not None]
    if address.teredo is not None:
        found += address.teredo
    return found


@dataclass(frozen=True)
class Target:
    """A URL taken apart.

    Attributes:
        path: With the query.
    """

    scheme: str
    host: str
    port: int
    path: str


def parse_target(url: str) -> Target:
    """Take a URL apart.

    Raises:
        WireError: If it is not one that can be requested; who may be reached is another question.
    """
    if len(url) > MAX_URL_CHARS or not url.isascii() or not url.isprintable() or any(c in url for c in ' \\"<>'):
        raise WireError("url: expected https://host/path in printable ASCII")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise WireError("url: cannot be read") from exc
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in ("https", "http") or not host:
        raise WireError("url: expected https://host/path")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise WireError("url: no user, password or fragment, please")
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), (parts.path or "/") + query)
