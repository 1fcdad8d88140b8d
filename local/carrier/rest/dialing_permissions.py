"""Which countries an account may call (voice.twilio.com)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from local.carrier.books import Account, Books
from local.carrier.rest import params
from local.carrier.rest.errors import malformed, not_found
from local.carrier.rest.operation import Answer, Asked, Operation
from local.carrier.rest.paging import meta_listing

HOST: Final = "voice.twilio.com"
COUNTRIES: Final = "/v1/DialingPermissions/Countries"
FLAGS: Final = (
    "low_risk_numbers_enabled",
    "high_risk_special_numbers_enabled",
    "high_risk_tollfraud_numbers_enabled",
)
BY_CONTINENT: Final = {
    "NORTH_AMERICA": "US +1 United States/Canada;CA +1 United States/Canada;MX +52 Mexico;JM +1876 Jamaica",
    "SOUTH_AMERICA": "AR +54 Argentina;BR +55 Brazil;CL +56 Chile;CO +57 Colombia;PE +51 Peru",
    "EUROPE": (
        "AT +43 Austria;BE +32 Belgium;CH +41 Switzerland;CZ +420 Czech Republic;DE +49 Germany;DK +45 Denmark;"
        "ES +34 Spain;FI +358 Finland;FR +33 France;GB +44 United Kingdom;GR +30 Greece;HU +36 Hungary;"
        "IE +353 Ireland;IT +39 Italy;LV +371 Latvia;NL +31 Netherlands;NO +47 Norway;PL +48 Poland;PT +351 Portugal;"
        "RO +40 Romania;SE +46 Sweden;UA +380 Ukraine"
    ),
    "ASIA": (
        "AE +971 United Arab Emirates;CN +86 China;HK +852 Hong Kong;IL +972 Israel;IN +91 India;JP +81 Japan;"
        "KR +82 Korea Republic of;PH +63 Philippines;SG +65 Singapore;TH +66 Thailand;TR +90 Turkey"
    ),
    "AFRICA": "EG +20 Egypt;KE +254 Kenya;MA +212 Morocco;NG +234 Nigeria;SO +252 Somalia;ZA +27 South Africa",
    "OCEANIA": "AU +61 Australia;FJ +679 Fiji;NZ +64 New Zealand",
}
ALLOWED_AT_FIRST: Final = frozenset({"US", "CA"})


@dataclass(frozen=True, slots=True)
class Country:
    iso_code: str
    name: str
    country_code: str
    continent: str


def _countries() -> dict[str, Country]:
    found = {}
    for continent, rows in BY_CONTINENT.items():
        for row in rows.split(";"):
            iso_code, country_code, name = row.split(" ", 2)
            found[iso_code] = Country(iso_code, name, country_code, continent)
    return dict(sorted(found.items()))


ALL: Final = _countries()
FILTERS: Final[params.Readers] = {
    "IsoCode": params.country,
    "Continent": params.one_of(*BY_CONTINENT),
    "CountryCode": params.text(8),
    **dict.fromkeys(("LowRiskNumbersEnabled", "HighRiskSpecialNumbersEnabled"), params.flag),
    "HighRiskTollfraudNumbersEnabled": params.flag,
    **params.PAGING,
}


class DialingPermissions:
    """The resources. A new account may call North America; a subaccount what its parent may, unless it is told."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def operations(self) -> list[Operation]:
        resource, bulk = "DialingPermissions", "/v1/DialingPermissions/BulkCountryUpdates"
        form = {"UpdateRequest": params.text(100_000)}
        return [
            Operation("GET", COUNTRIES, self.listed, resource, query=FILTERS),
            Operation("GET", f"{COUNTRIES}/{{IsoCode}}", self.fetch, resource),
            Operation("POST", bulk, self.update, resource, form=form, required=("UpdateRequest",)),
        ]

    async def listed(self, asked: Asked) -> Answer:
        values = dict(asked.values)
        country_code = values.get("CountryCode", "").strip().lstrip("+")
        wanted = params.given(
            values,
            "IsoCode",
            "Continent",
            "LowRiskNumbersEnabled",
            "HighRiskSpecialNumbersEnabled",
            "HighRiskTollfraudNumbersEnabled",
        )
        rows = [self._dump(asked.who, country) for country in ALL.values()]
        found = [
            row
            for row in rows
            if all(row[name] == value for name, value in wanted.items())
            and (not country_code or f"+{country_code}" in row["country_codes"])
        ]
        order = {iso_code: -place for place, iso_code in enumerate(ALL)}
        page = meta_listing(asked, HOST, "content", found, lambda row: order[row["iso_code"]] + len(order), dict)
        return Answer(page)

    async def fetch(self, asked: Asked) -> Answer:
        country = ALL.get(asked.at["IsoCode"])
        if country is None:
            raise not_found(asked.path.removeprefix("/v1"))
        return Answer(self._dump(asked.who, country))

    async def update(self, asked: Asked) -> Answer:
        updates = _updates(asked.values["UpdateRequest"])
        for iso_code, flags in updates.items():
            asked.who.countries.setdefault(iso_code, {}).update(flags)
        self._books.touch(asked.who)
        return Answer({"update_count": len(updates), "update_request": asked.values["UpdateRequest"]}, 201)

    def _dump(self, account: Account, country: Country) -> dict[str, Any]:
        parent = self._books.accounts.get(account.owner_sid, account)
        url = f"https://{HOST}{COUNTRIES}/{country.iso_code}"
        return {
            "iso_code": country.iso_code,
            "name": country.name,
            "continent": country.continent,
            "country_codes": [country.country_code],
            "low_risk_numbers_enabled": country.iso_code in ALLOWED_AT_FIRST,
            "high_risk_special_numbers_enabled": False,
            "high_risk_tollfraud_numbers_enabled": False,
            **parent.countries.get(country.iso_code, {}),
            **account.countries.get(country.iso_code, {}),
            "url": url,
            "links": {"highrisk_special_prefixes": f"{url}/HighRiskSpecialPrefixes"},
        }


def _updates(text: str) -> dict[str, dict[str, bool]]:
    """Read the JSON list of a bulk update: a country and any of the three flags each."""
    try:
        return dict(_update(row) for row in json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise malformed(f"UpdateRequest must be a JSON list of countries with their flags: {exc}") from exc


def _update(row: dict[str, Any]) -> tuple[str, dict[str, bool]]:
    iso_code, flags = row["iso_code"], {name: value for name, value in row.items() if name != "iso_code"}
    if iso_code not in ALL or not set(flags) <= set(FLAGS):
        raise ValueError(f"unknown country or flag in {row}")
    return iso_code, {name: params.flag(name, str(value)) for name, value in flags.items()}
