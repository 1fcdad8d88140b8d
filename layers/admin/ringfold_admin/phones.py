"""Phone numbers as the numbering plans have them: valid or not, of which country, and what a call there may cost."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

INTERNATIONAL: Final = "001"
"""Country codes of no country: satellite telephones, international networks."""
_KINDS: Final = {
    PhoneNumberType.FIXED_LINE: "local",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "local",
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.TOLL_FREE: "toll_free",
}


@dataclass(frozen=True)
class Phone:
    """A valid number.

    Attributes:
        number: In E.164.
        country: ISO code of two letters, or ``001``.
        kind: ``local``, ``mobile``, ``toll_free``, ``premium`` or ``other``.
    """

    number: str
    country: str
    kind: str


def read_phone(text: str) -> Phone | None:
    """A number written in E.164; ``None`` if it is none that could be dialled."""
    try:
        parsed = phonenumbers.parse(text)
    except NumberParseException:
        return None
    # Written in full and without decoration: what is stored is what Twilio sends as To.
    if not phonenumbers.is_valid_number(parsed) or text != phonenumbers.format_number(
        parsed, phonenumbers.PhoneNumberFormat.E164
    ):
        return None
    kind = phonenumbers.number_type(parsed)
    name = "premium" if kind == PhoneNumberType.PREMIUM_RATE else _KINDS.get(kind, "other")
    return Phone(text, str(phonenumbers.region_code_for_number(parsed) or INTERNATIONAL), name)


def country_of(number: str) -> str:
    """The country of a number; ``""`` when that cannot be told."""
    phone = read_phone(number)
    return phone.country if phone else ""


def transfer_fault(number: str, countries: Collection[str]) -> str:
    """Why callers may not be sent there; ``""`` if they may.

    Args:
        number: Where to.
        countries: ISO codes that transfers may go to.
    """
    phone = read_phone(number)
    if phone is None:
        return "expected a number that exists in the numbering plan, in E.164, such as +15125551234"
    if phone.kind == "premium":
        return "a premium-rate number is never called: name an ordinary one"
    if phone.country not in countries:
        where = "a satellite or international network" if phone.country == INTERNATIONAL else phone.country
        allowed = ", ".join(sorted(countries)) or "none"
        return f"it is in {where}, and this number may transfer to {allowed}: add {phone.country} to transfer_countries"
    return ""
