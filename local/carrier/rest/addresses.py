"""Postal addresses, which some countries ask for before they let a number go."""

from __future__ import annotations

from typing import Any, Final

from local.carrier.books import Address, Books
from local.carrier.rest import params
from local.carrier.rest.errors import not_found, refused
from local.carrier.rest.operation import ACCOUNT, Answer, Asked, Operation, rfc_2822
from local.carrier.rest.paging import listing

NEEDED: Final = ("CustomerName", "Street", "City", "Region", "PostalCode")
OTHERS: Final = ("FriendlyName", "StreetSecondary", "EmergencyEnabled")
UPDATE: Final[params.Readers] = {
    **dict.fromkeys((*NEEDED, "FriendlyName", "StreetSecondary"), params.text(255)),
    "EmergencyEnabled": params.flag,
    "AutoCorrectAddress": params.flag,
}
CREATE: Final[params.Readers] = {**UPDATE, "IsoCountry": params.country}
FILTERS: Final[params.Readers] = {
    "CustomerName": params.text(),
    "FriendlyName": params.text(),
    "EmergencyEnabled": params.flag,
    "IsoCountry": params.country,
    **params.PAGING,
}


class Addresses:
    """The resource. Every address is found to exist: nobody looks at the street."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def operations(self) -> list[Operation]:
        all_of_them, one = f"{ACCOUNT}/Addresses.json", f"{ACCOUNT}/Addresses/{{Sid}}.json"
        return [
            Operation("GET", all_of_them, self.listed, "Addresses", query=FILTERS),
            Operation("POST", all_of_them, self.create, "Addresses", form=CREATE, required=(*NEEDED, "IsoCountry")),
            Operation("GET", one, self.fetch, "Addresses"),
            Operation("POST", one, self.update, "Addresses", form=UPDATE),
            Operation("DELETE", one, self.delete, "Addresses"),
        ]

    async def listed(self, asked: Asked) -> Answer:
        names = ("CustomerName", "FriendlyName", "EmergencyEnabled", "IsoCountry")
        wanted = params.given(asked.values, *names)
        found = [
            each
            for each in self._books.addresses.values()
            if each.account_sid == asked.account.sid
            and all(each.fields.get(name) == value for name, value in wanted.items())
        ]
        return Answer(listing(asked, "addresses", found, lambda each: each.serial, dump))

    async def create(self, asked: Asked) -> Answer:
        fields = params.given(asked.values, *NEEDED, *OTHERS, "IsoCountry")
        return Answer(dump(self._books.add_address(asked.account.sid, fields)), 201)

    async def fetch(self, asked: Asked) -> Answer:
        return Answer(dump(self._address(asked)))

    async def update(self, asked: Asked) -> Answer:
        address = self._address(asked)
        address.fields |= params.given(asked.values, *NEEDED, *OTHERS)
        self._books.touch(address)
        return Answer(dump(address))

    async def delete(self, asked: Asked) -> Answer:
        address = self._address(asked)
        users = [each.phone_number for each in self._books.numbers.values() if each.url("address_sid") == address.sid]
        if users:
            raise refused(21625, f"The address is needed by {', '.join(users)}")
        del self._books.addresses[address.sid]
        return Answer(None, 204)

    def _address(self, asked: Asked) -> Address:
        address = self._books.addresses.get(asked.at["Sid"])
        if address is None or address.account_sid != asked.account.sid:
            raise not_found(asked.path)
        return address


def dump(address: Address) -> dict[str, Any]:
    fields = address.fields
    return {
        "sid": address.sid,
        "account_sid": address.account_sid,
        "friendly_name": fields.get("friendly_name"),
        "customer_name": fields["customer_name"],
        "street": fields["street"],
        "street_secondary": fields.get("street_secondary"),
        "city": fields["city"],
        "region": fields["region"],
        "postal_code": fields["postal_code"],
        "iso_country": fields["iso_country"],
        "emergency_enabled": fields.get("emergency_enabled", False),
        "validated": True,
        "verified": True,
        "date_created": rfc_2822(address.created_s),
        "date_updated": rfc_2822(address.updated_s),
        "uri": f"/2010-04-01/Accounts/{address.account_sid}/Addresses/{address.sid}.json",
    }
