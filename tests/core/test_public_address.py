"""Which addresses and URLs a tool may reach."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.public_address import is_public, parse_target
from ringfold.errors import WireError

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "169.254.170.2", "100.64.0.1", "192.0.0.1", "198.18.0.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "::127.0.0.1", "fe80::1%eth0", "", "localhost", "1.2.3",
    "0x7f.1",
]  # fmt: skip


@pytest.mark.accept("F10")
@pytest.mark.parametrize("address", PRIVATE)
def test_what_is_not_of_the_public_internet_is_not_reached(address: str) -> None:
    """Loopback, private, link-local with the metadata service, shared, reserved, and IPv6 that hides one of them."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111"])
def test_the_public_internet_is_reached(address: str) -> None:
    """Both kinds."""
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_hidden_in_ipv6_an_address_is_what_it_was(address: ipaddress.IPv4Address) -> None:
    """Mapped, an address is public at most if it is so itself; a gateway that translates is not reached at all."""
    mapped, nat64 = f"::ffff:{address}", ipaddress.IPv6Address((0x64FF9B << 96) | int(address))

    assert not (is_public(mapped) and not is_public(str(address)))
    assert not is_public(str(nat64))


@pytest.mark.accept("F10")
@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://example.com/", "file:///etc/passwd", "//example.com", "https://", "https://user@example.com/",
        "https://user:pw@example.com/", "https://example.com/#x", "https://exa mple.com/", "https://example.com:99999/",
        "https://example.com:x/", "https://ex\u00e4mple.com/", "https://example.com/\r\nHost: x", "https://a\\@b.com/",
        "https://[::1/", "gopher://example.com/", "https://example.com/" + "a" * 2100, "javascript:alert(1)",
    ],
)  # fmt: skip
def test_what_is_no_plain_url_is_refused(url: str) -> None:
    """Other schemes, credentials, fragments, and whatever two parsers may read differently."""
    with pytest.raises(WireError):
        parse_target(url)


def test_a_url_is_taken_apart() -> None:
    """With the ports the schemes mean."""
    assert ("https", "example.com", 443, "/a?b=1") == _parts("https://EXAMPLE.com./a?b=1")
    assert ("http", "example.com", 80, "/") == _parts("http://example.com")
    assert ("https", "::1", 8443, "/") == _parts("https://[::1]:8443/")


def _parts(url: str) -> tuple[str, str, int, str]:
    target = parse_target(url)
    return target.scheme, target.host, target.port, target.path


@given(st.text())
def test_whatever_is_given_is_a_target_or_refused(url: str) -> None:
    """Nothing else is raised."""
    try:
        parse_target(url)
    except WireError:
        return
