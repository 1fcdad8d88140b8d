"""Addresses of callers: E.164 numbers, SIP and client addresses, and the many ways of withholding one."""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_WITHHELD: Final = ("ANONYMOUS", "RESTRICTED", "BLOCKED", "UNKNOWN", "UNAVAILABLE", "PRIVATE", "WITHHELD")
_KEYPAD: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")
_SPELT: Final = frozenset(word.translate(_KEYPAD) for word in _WITHHELD)


class AddressKind(Enum):
    """What stands in ``From`` or ``To``."""

    NUMBER = "number"
    CLIENT = "client"
    SIP = "sip"
    ANONYMOUS = "anonymous"
    OTHER = "other"


def is_e164(number: str) -> bool:
    """Whether the text has the shape of an E.164 number.

    A withheld number may have it too (``+266696687``): ask :func:`is_anonymous` before taking one for a person,
    or :func:`address_kind` for both answers.
    """
    return _E164.fullmatch(number) is not None


def is_anonymous(from_: str) -> bool:
    """Whether the caller withheld their number.

    Networks say so in words (``anonymous``, ``Restricted``), in words spelt on a keypad, which look like E.164
    (``+266696687`` is ANONYMOUS), as ``sip:anonymous@…``, or by saying nothing.
    """
    address = from_.strip()
    scheme, _, rest = address.partition(":")
    if scheme.lower() in {"sip", "sips"}:
        address = rest.partition("@")[0]
    return not address or address.upper() in _WITHHELD or address.removeprefix("+") in _SPELT


def address_kind(address: str) -> AddressKind:
    """Tell the kinds of address apart; a withheld number is ``ANONYMOUS`` however it is spelt."""
    if is_anonymous(address):
        return AddressKind.ANONYMOUS
    if is_e164(address):
        return AddressKind.NUMBER
    match address.partition(":")[0].lower():
        case "client":
            return AddressKind.CLIENT
        case "sip" | "sips":
            return AddressKind.SIP
        case _:
            return AddressKind.OTHER


def mask(address: str) -> str:
    """What may stand in a log: ``+1***4567``, else the kind of address only, ``client:***``."""
    kind = address_kind(address)
    if kind is AddressKind.NUMBER:
        return f"{address[:2]}***{address[-4:]}"
    return kind.value if kind is AddressKind.ANONYMOUS else f"{kind.value}:***"
