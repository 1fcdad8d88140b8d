"""The stock of numbers: large, unambiguous, and nobody's."""

from __future__ import annotations

import itertools
import re
from collections import Counter

import pytest

from local.carrier import stock

FICTION = {
    "US": r"\+1[2-9]\d{2}55501\d{2}",
    "CA": r"\+1[2-9]\d{2}55501\d{2}",
    "GB": r"\+44(2079460|11[3-8]4960|1[2-6]14960|1914980|2896496|2920180|7700900|8081570)\d{3}",
    "DE": r"\+49(3023125|4066969|6990009|2214710|8999998|176040690|17139200)\d{2,3}",
    "FR": r"\+33(19900|26191|35301|46571|53649|63998)\d{4}",
    "AU": r"\+61[2378]5550\d{4}",
}


@pytest.mark.parametrize("country", sorted(stock.COUNTRIES))
def test_no_number_is_anybodys(country: str) -> None:
    """Every number lies in a range that the country's regulator keeps for fiction; within its kind none comes twice."""
    for kind in stock.kinds_of(country):
        offers = list(stock.offers(stock.areas_of(country, kind), ()))
        assert len(offers) == len({offer.phone_number for offer in offers})
        assert all(re.fullmatch(FICTION[country], offer.phone_number) for offer in offers)


def test_the_stock_is_large() -> None:
    """Tens of thousands for North America, thousands for the others."""
    sizes = {
        country: sum(len(area.lines()) for kind in stock.kinds_of(country) for area in stock.areas_of(country, kind))
        for country in stock.COUNTRIES
    }

    assert sizes["US"] > 30_000
    assert all(size > 5_000 for size in sizes.values())


def test_area_codes_are_north_americas() -> None:
    """Each belongs to one place; every state of the Union and the capital has one."""
    areas = [area for country in stock.NORTH_AMERICA for area in stock.areas_of(country, "local")]
    states = {area.region for area in stock.areas_of("US", "local")}

    assert not [code for code, count in Counter(area.area_code for area in areas).items() if count > 1]
    assert 51 == len(states)
    assert ("Austin", "TX") == next((area.locality, area.region) for area in areas if area.area_code == "512")
    assert {"212", "416"} == {area.area_code for area in areas if not area.lines()}


def test_every_number_is_found_again() -> None:
    """Each of a sample is found as what it was offered as; a number beyond the stock is not."""
    for country in ("US", "GB", "DE"):
        for kind in stock.kinds_of(country):
            for offer in itertools.islice(stock.offers(stock.areas_of(country, kind), ()), 0, None, 97):
                assert offer == stock.find(offer.phone_number)

    assert None is stock.find("+15125551234")
    assert None is stock.find("+12125550100")
    assert None is stock.find("+1512555010x")


def test_a_search_without_a_place_is_spread_over_places() -> None:
    """The first hundred of the country are in a hundred areas."""
    first = list(itertools.islice(stock.offers(stock.areas_of("US", "local"), ()), 100))

    assert 100 == len({offer.area.area_code for offer in first})
