"""The numbers that can be bought: invented, but as real ones are, and the same at every start.

They are numbers that regulators keep for fiction, so none of them can ring anybody: 555-0100 to 555-0199 of every
area code of the United States and Canada, and Ofcom's, the Bundesnetzagentur's, Arcep's and ACMA's ranges for drama.
The area codes are the real ones; two big cities are sold out, as they are.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
COUNTRIES: Final = {
    "US": "United States",
    "CA": "Canada",
    "GB": "United Kingdom",
    "DE": "Germany",
    "FR": "France",
    "AU": "Australia",
}
SOLD_OUT: Final = frozenset({"212", "416"})
NORTH_AMERICA: Final = ("US", "CA")


@dataclass(frozen=True, slots=True)
class Area:
    """A run of numbers that share their place and their conditions.

    Attributes:
        kind: ``local``, ``mobile`` or ``toll_free``.
        prefix: What every number of it begins with, in E.164.
        digits: How many digits follow.
        area_code: Of three digits, in the United States and Canada; else empty.
        address_requirements: ``none``, ``any``, ``local`` or ``foreign``.
        bundle: Whether a regulatory bundle is required.
    """

    country: str
    kind: str
    prefix: str
    digits: int
    region: str | None = None
    locality: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    postal_code: str | None = None
    lata: str | None = None
    area_code: str = ""
    address_requirements: str = "none"
    bundle: bool = False

    def lines(self) -> range:
        return range(0 if self.area_code in SOLD_OUT else 10**self.digits)

    def offer(self, line: int) -> Offer:
        return Offer(self, f"{self.prefix}{line:0{self.digits}}", line)


@dataclass(frozen=True, slots=True)
class Offer:
    """One number that can be bought."""

    area: Area
    phone_number: str
    line: int

    @property
    def friendly_name(self) -> str:
        return national(self.phone_number)

    @property
    def capabilities(self) -> dict[str, bool]:
        """Most can do everything; some have no voice, some no texts, as at Twilio."""
        voice = self.line % 25 != 13
        sms = self.line % 10 != 7 and not (self.area.kind == "local" and self.area.country not in NORTH_AMERICA)
        mms = sms and self.area.country in NORTH_AMERICA and self.line % 10 != 3
        return {"voice": voice, "sms": sms, "mms": mms, "fax": False}

    @property
    def beta(self) -> bool:
        return self.area.country == "FR" and self.area.kind == "mobile"


def national(phone_number: str) -> str:
    """How Twilio writes a number out: in the national form for North America, else as it is."""
    parts = re.fullmatch(r"\+1(\d{3})(\d{3})(\d{4})", phone_number)
    return "({}) {}-{}".format(*parts.groups()) if parts else phone_number


def kinds_of(country: str) -> list[str]:
    """The kinds of numbers a country has."""
    return sorted({area.kind for area in _areas() if area.country == country})


def areas_of(country: str, kind: str) -> list[Area]:
    return [area for area in _areas() if (area.country, area.kind) == (country, kind)]


def area_codes() -> frozenset[str]:
    """Every area code of the United States and Canada."""
    return frozenset(area.area_code for area in _areas() if area.area_code)


def offers(areas: list[Area], taken: Container[str]) -> Iterator[Offer]:
    """Every number of these areas that nobody has, in an order without order, always the same one."""
    for step in range(10 ** max((area.digits for area in areas), default=0)):
        for area in areas:
            lines = area.lines()
            if step < len(lines):
                # 37 and 10**n have no common factor, so that every line comes up once.
                offer = area.offer((step * 37 + 41 + len(area.prefix) * 7) % len(lines))
                if offer.phone_number not in taken:
                    yield offer


@functools.lru_cache(maxsize=4096)
def find(phone_number: str) -> Offer | None:
    """The number if it is part of the stock, bought or not."""
    for area in _areas():
        rest = phone_number.removeprefix(area.prefix)
        if rest != phone_number and len(rest) == area.digits and rest.isdigit() and int(rest) in area.lines():
            return area.offer(int(rest))
    return None


def area_around(phone_number: str) -> Area | None:
    """Where a number of North America is, in the stock or not."""
    parts = re.fullmatch(r"\+?1(\d{3})\d{7}", phone_number.strip())
    return next((area for area in _areas() if parts and area.area_code == parts[1]), None)


@functools.cache
def _areas() -> tuple[Area, ...]:
    return (*_north_america(), *_elsewhere())


def _north_america() -> Iterator[Area]:
    for row in _rows("north_america"):
        for code in row["area_codes"].split():
            yield Area(
                row["country"],
                "local",
                f"+1{code}55501",
                2,
                row["region"],
                row["locality"],
                float(row["latitude"]),
                float(row["longitude"]),
                row["postal_code"],
                row["lata"],
                code,
            )


def _elsewhere() -> Iterator[Area]:
    for row in _rows("elsewhere"):
        yield Area(
            row["country"],
            row["type"],
            row["prefix"],
            int(row["digits"]),
            row["region"] or None,
            row["locality"] or None,
            address_requirements=row["address_requirements"],
            bundle=bool(row["bundle"]),
        )


def _rows(name: str) -> list[dict[str, Any]]:
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
