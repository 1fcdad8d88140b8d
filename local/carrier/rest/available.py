"""Searching for numbers to buy."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from local.carrier import stock
from local.carrier.books import Books
from local.carrier.rest import params
from local.carrier.rest.errors import malformed, not_found, refused
from local.carrier.rest.operation import ACCOUNT, Answer, Asked, Operation

ROOT: Final = f"{ACCOUNT}/AvailablePhoneNumbers"
KINDS: Final = {
    "Local": "local",
    "TollFree": "toll_free",
    "Mobile": "mobile",
    "National": "national",
    "SharedCost": "shared_cost",
    "Voip": "voip",
    "MachineToMachine": "machine_to_machine",
}
NORTH_AMERICAN_ONLY: Final = (
    "NearNumber", "NearLatLong", "Distance", "InPostalCode", "InRegion", "InRateCenter", "InLata", "InLocality",
)  # fmt: skip
EARTH_MILES: Final = 3958.8
NEAR_MILES: Final = 25
KEYPAD: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")

AreaTest = Callable[[stock.Area], bool]
OfferTest = Callable[[stock.Offer], bool]


def lat_long(name: str, value: str) -> tuple[float, float]:
    parts = re.fullmatch(r"(-?\d{1,2}(?:\.\d+)?),\s*(-?\d{1,3}(?:\.\d+)?)", value)
    if parts is None:
        raise malformed(f"{name} is {value!r}; expected latitude,longitude")
    return float(parts[1]), float(parts[2])


def pattern(name: str, value: str) -> re.Pattern[str]:
    r"""Read ``Contains``: a part of the number, with four signs that stand for something.

    ``*`` is any one character and ``%`` any run of them; at the beginning and the end only. ``+`` in front and ``$``
    behind tie the pattern to the number's ends. Letters are the keypad's.
    """
    parts = re.fullmatch(r"(\+?)(\**|%)([0-9A-Za-z]*)(\**|%)(\$?)", value)
    if parts is None or not 2 <= len(value) <= 16 or re.search(r"\+[*%]|[*%]\$", value):
        raise malformed(
            f"{name} is {value!r}; expected 2 to 16 digits and letters, with + in front, $ behind, * or % at the ends"
        )
    start, before, literal, after, end = parts.groups()
    if len(literal) < 2 and (before or after):
        raise malformed(f"{name} is {value!r}; with wildcards it needs two digits or letters at least")
    wild = {"*": ".", "%": ".*"}
    middle = "".join(wild[each] for each in before) + literal.upper().translate(KEYPAD)
    middle += "".join(wild[each] for each in after)
    return re.compile((r"^\+" if start else "") + middle + ("$" if end else ""))


FILTERS: Final[params.Readers] = {
    "AreaCode": params.whole(0, 999),
    "Contains": pattern,
    **dict.fromkeys(("SmsEnabled", "MmsEnabled", "VoiceEnabled", "FaxEnabled", "Beta"), params.flag),
    **dict.fromkeys(
        ("ExcludeAllAddressRequired", "ExcludeLocalAddressRequired", "ExcludeForeignAddressRequired"), params.flag
    ),
    "NearNumber": params.text(20),
    "NearLatLong": lat_long,
    "Distance": params.whole(0, 500),
    **dict.fromkeys(("InPostalCode", "InRegion", "InRateCenter", "InLata", "InLocality"), params.text(100)),
    **params.PAGING,
}


class AvailablePhoneNumbers:
    """The resources. Twilio gives one page of a search, however much there is."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def operations(self) -> list[Operation]:
        resource = "AvailablePhoneNumbers"
        return [
            Operation("GET", f"{ROOT}.json", self.list_countries, resource, query=params.PAGING),
            Operation("GET", f"{ROOT}/{{CountryCode}}.json", self.fetch_country, resource),
            *(
                Operation("GET", f"{ROOT}/{{CountryCode}}/{part}.json", self._search(kind), resource, query=FILTERS)
                for part, kind in KINDS.items()
            ),
        ]

    async def list_countries(self, asked: Asked) -> Answer:
        countries = [self._country(asked, code) for code in stock.COUNTRIES]
        return Answer({"countries": countries, "uri": asked.path})

    async def fetch_country(self, asked: Asked) -> Answer:
        if asked.at["CountryCode"] not in stock.COUNTRIES:
            raise not_found(asked.path)
        return Answer(self._country(asked, asked.at["CountryCode"]))

    def _country(self, asked: Asked, code: str) -> dict[str, Any]:
        root = f"/2010-04-01/Accounts/{asked.account.sid}/AvailablePhoneNumbers/{code}"
        kinds = stock.kinds_of(code)
        return {
            "country_code": code,
            "country": stock.COUNTRIES[code],
            "beta": False,
            "uri": f"{root}.json",
            "subresource_uris": {kind: f"{root}/{part}.json" for part, kind in KINDS.items() if kind in kinds},
        }

    def _search(self, kind: str) -> Callable[[Asked], Any]:
        async def search(asked: Asked) -> Answer:
            country = asked.at["CountryCode"]
            if kind not in stock.kinds_of(country):
                raise not_found(asked.path)
            if asked.values.get("Page") or asked.values.get("PageToken"):
                raise malformed("a search for numbers has one page: no Page, no PageToken")
            area_tests, offer_tests = _area_tests(country, asked.values), _offer_tests(asked.values)
            areas = [area for area in stock.areas_of(country, kind) if all(test(area) for test in area_tests)]
            found = (
                offer for offer in stock.offers(areas, self._books.taken()) if all(test(offer) for test in offer_tests)
            )
            size = asked.values.get("PageSize", params.PAGE_SIZE)
            return Answer(
                {
                    "available_phone_numbers": [dump(offer) for offer in itertools.islice(found, size)],
                    "uri": asked.path + _query(asked),
                }
            )

        return search


def _area_tests(country: str, values: Mapping[str, Any]) -> list[AreaTest]:
    """What the place has to be like."""
    if country not in stock.NORTH_AMERICA:
        if "AreaCode" in values:
            raise refused(21457, f"AreaCode is not supported for {country}: only the US and Canada have them")
        if wrong := [name for name in NORTH_AMERICAN_ONLY if name in values]:
            raise malformed(f"{', '.join(wrong)}: only for the US and Canada, not for {country}")
    if "InRateCenter" in values and "InLata" not in values:
        raise malformed("InRateCenter requires InLata")
    tests: list[AreaTest] = []
    if "AreaCode" in values:
        code = f"{values['AreaCode']:03}"
        tests.append(lambda area: area.prefix.startswith(f"+1{code}"))
    for parameter, attribute in PLACES.items():
        if parameter in values:
            tests.append(_place_test(attribute, values[parameter]))
    centre = values.get("NearLatLong") or ("NearNumber" in values and _place_of(values["NearNumber"]))
    if centre:
        tests.append(_near_test(centre, values.get("Distance", NEAR_MILES)))
    elif "Distance" in values:
        raise malformed("Distance requires NearNumber or NearLatLong")
    return [*tests, *_requirement_tests(values)]


PLACES: Final = {
    "InPostalCode": "postal_code",
    "InRegion": "region",
    "InRateCenter": "locality",
    "InLata": "lata",
    "InLocality": "locality",
}


def _place_test(attribute: str, wanted: str) -> AreaTest:
    """The place itself or, given a phone number, that number's."""
    if re.fullmatch(r"\+?1\d{10}", wanted.strip()):
        area = stock.area_around(wanted)
        wanted = str(getattr(area, attribute) if area else "")
    return lambda area: (getattr(area, attribute) or "").casefold() == wanted.casefold()


def _place_of(phone_number: str) -> tuple[float, float]:
    area = stock.area_around(phone_number)
    if area is None or area.latitude is None or area.longitude is None:
        raise malformed(f"NearNumber {phone_number!r} is not a number whose place is known")
    return area.latitude, area.longitude


def _near_test(centre: tuple[float, float], miles: int) -> AreaTest:
    def near(area: stock.Area) -> bool:
        if area.latitude is None or area.longitude is None:
            return False
        return miles_between(centre, (area.latitude, area.longitude)) <= miles

    return near


def miles_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The way over ground, along the great circle."""
    lat_1, long_1, lat_2, long_2 = map(math.radians, (*one, *other))
    half = math.sin((lat_2 - lat_1) / 2) ** 2
    half += math.cos(lat_1) * math.cos(lat_2) * math.sin((long_2 - long_1) / 2) ** 2
    return 2 * EARTH_MILES * math.asin(math.sqrt(half))


def _requirement_tests(values: Mapping[str, Any]) -> list[AreaTest]:
    excluded = {
        "ExcludeAllAddressRequired": {"any", "local", "foreign"},
        "ExcludeLocalAddressRequired": {"local"},
        "ExcludeForeignAddressRequired": {"foreign"},
    }
    out: set[str] = set().union(*(kinds for name, kinds in excluded.items() if values.get(name)))
    return [lambda area: area.address_requirements not in out] if out else []


def _offer_tests(values: Mapping[str, Any]) -> list[OfferTest]:
    """What the number itself has to be like."""
    tests: list[OfferTest] = [
        _capability_test(name, values[f"{name.capitalize()}Enabled"])
        for name in ("voice", "sms", "mms", "fax")
        if f"{name.capitalize()}Enabled" in values
    ]
    if "Contains" in values:
        wanted: re.Pattern[str] = values["Contains"]
        tests.append(lambda offer: wanted.search(offer.phone_number) is not None)
    if not values.get("Beta", True):
        tests.append(lambda offer: not offer.beta)
    return tests


def _capability_test(name: str, wanted: bool) -> OfferTest:  # the parameter's value
    return lambda offer: offer.capabilities[name] == wanted


def _query(asked: Asked) -> str:
    return f"?{urlencode(asked.query)}" if asked.query else ""


def dump(offer: stock.Offer) -> dict[str, Any]:
    area = offer.area
    return {
        "friendly_name": offer.friendly_name,
        "phone_number": offer.phone_number,
        "lata": area.lata,
        "locality": area.locality,
        "rate_center": area.locality.upper() if area.lata and area.locality else None,
        "latitude": area.latitude,
        "longitude": area.longitude,
        "region": area.region,
        "postal_code": area.postal_code,
        "iso_country": area.country,
        "address_requirements": area.address_requirements,
        "beta": offer.beta,
        "capabilities": offer.capabilities,
    }
