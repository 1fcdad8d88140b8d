"""Phone numbers, their countries, and where callers may be sent."""

from __future__ import annotations

import pytest

from ringfold_admin.phones import Phone, country_of, read_phone, transfer_fault


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("+15125550100", Phone("+15125550100", "US", "local")),
        ("+18005550100", Phone("+18005550100", "US", "toll_free")),
        ("+447400123456", Phone("+447400123456", "GB", "mobile")),
        ("+881612345678", Phone("+881612345678", "001", "mobile")),
        ("+19005551234", Phone("+19005551234", "US", "premium")),
        ("+1 512 555 0100", None),
        ("15125550100", None),
        ("+11", None),
        ("+10005550100", None),
        ("", None),
        ("+abc", None),
    ],
)
def test_a_number_is_read_as_the_numbering_plan_has_it(text: str, found: Phone | None) -> None:
    """In E.164 and nothing else: what is stored is what Twilio sends."""
    assert found == read_phone(text)


@pytest.mark.parametrize(
    ("number", "countries", "told"),
    [
        ("+15125550190", {"US"}, ""),
        ("+442071838750", {"US", "GB"}, ""),
        ("+442071838750", {"US"}, "transfer_countries"),
        ("+18765551234", {"US"}, "JM"),
        ("+881612345678", {"US"}, "satellite"),
        ("+881612345678", {"US", "001"}, ""),
        ("+19005551234", {"US"}, "premium"),
        ("+15125550", {"US"}, "E.164"),
    ],
)
def test_callers_are_sent_where_that_cannot_be_abused(number: str, countries: set[str], told: str) -> None:
    """To the countries allowed; never to a premium-rate number, and to satellites only where that was asked for."""
    fault = transfer_fault(number, countries)

    assert (told == "") == (fault == "")
    assert told in fault


def test_the_country_of_no_number_is_nowhere() -> None:
    """What cannot be read has no country."""
    assert ("US", "") == (country_of("+15125550100"), country_of("nobody"))
