"""Addresses of callers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfold.core.phone import AddressKind, address_kind, is_anonymous, is_e164, mask

WITHHELD = [
    "+266696687",
    "+7378742833",
    "+2562533",
    "+8656696",
    "+86282452253",
    "266696687",
    "anonymous",
    "Anonymous",
    "RESTRICTED",
    "blocked",
    "Unknown",
    "unavailable",
    "",
    "  ",
    "sip:anonymous@anonymous.invalid",
]


@pytest.mark.parametrize("from_", WITHHELD)
def test_withheld_numbers_in_every_spelling(from_: str) -> None:
    """A withheld number is known as one in words, in keypad spelling, and when it is simply missing."""
    assert is_anonymous(from_)
    assert AddressKind.ANONYMOUS is address_kind(from_)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("+15551234567", AddressKind.NUMBER),
        ("+6834002", AddressKind.NUMBER),
        ("client:alice", AddressKind.CLIENT),
        ("sip:alice@example.com", AddressKind.SIP),
        ("sips:alice@example.com", AddressKind.SIP),
        ("whatsapp:+15551234567", AddressKind.OTHER),
        ("5551234567", AddressKind.OTHER),
    ],
)
def test_kinds_of_address(address: str, kind: AddressKind) -> None:
    """Each kind is told by its shape, and none of these is withheld."""
    assert kind is address_kind(address)
    assert not is_anonymous(address)


@pytest.mark.parametrize(
    "number",
    [
        "15551234567",
        "+0555123456",
        "+1",
        "+1555123456789012",
        "+1 555 123",
        "+15551234567\n",
        "+１５５５１２３４５６７",
        "",
    ],
)
def test_not_e164(number: str) -> None:
    """No plus, a leading zero, a wrong length, separators, and digits of other scripts are refused."""
    assert not is_e164(number)


def test_a_masked_number_keeps_its_ends() -> None:
    """A log shows the first digit and the last four."""
    assert "+1***4567" == mask("+15551234567")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("client:alice", "client:***"),
        ("sip:bob@example.com", "sip:***"),
        ("+266696687", "anonymous"),
        ("what", "other:***"),
    ],
)
def test_a_masked_name_shows_its_kind_only(address: str, shown: str) -> None:
    """Names say who somebody is as well as numbers do."""
    assert shown == mask(address)


@given(st.text(max_size=40))
def test_any_text_has_a_kind_and_a_mask(address: str) -> None:
    """Nothing a caller sends as their address raises, or is logged as it came."""
    masked = mask(address)

    assert isinstance(address_kind(address), AddressKind)
    assert len(masked) <= 13
