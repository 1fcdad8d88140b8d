"""The numbers of an account: bought, configured, moved, released."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from local.carrier import stock
from local.carrier.books import Account, Books, Number
from local.carrier.rest import params
from local.carrier.rest.errors import malformed, not_found, refused
from local.carrier.rest.operation import ACCOUNT, Answer, Asked, Operation, rfc_2822
from local.carrier.rest.paging import listing

ROOT: Final = f"{ACCOUNT}/IncomingPhoneNumbers"
KINDS: Final = {"Local": "local", "Mobile": "mobile", "TollFree": "toll_free"}
TRIAL_NUMBERS: Final = 1
SETTINGS: Final[params.Readers] = {
    "ApiVersion": params.one_of("2010-04-01", "2008-08-01"),
    "FriendlyName": params.text(64),
    **dict.fromkeys(("VoiceUrl", "VoiceFallbackUrl", "StatusCallback", "SmsUrl", "SmsFallbackUrl"), params.url),
    **dict.fromkeys(
        ("VoiceMethod", "VoiceFallbackMethod", "StatusCallbackMethod", "SmsMethod", "SmsFallbackMethod"), params.method
    ),
    "VoiceCallerIdLookup": params.flag,
    "VoiceReceiveMode": params.one_of("voice", "fax"),
    "VoiceApplicationSid": params.sid("AP"),
    "SmsApplicationSid": params.sid("AP"),
    "TrunkSid": params.sid("TK"),
    "IdentitySid": params.sid("RI"),
    "AddressSid": params.sid("AD"),
    "BundleSid": params.sid("BU"),
    "EmergencyStatus": params.one_of("Active", "Inactive"),
    "EmergencyAddressSid": params.sid("AD"),
}
DEFAULTS: Final[dict[str, Any]] = {
    "api_version": "2010-04-01",
    **dict.fromkeys(("voice_url", "voice_fallback_url", "status_callback", "sms_url", "sms_fallback_url")),
    **dict.fromkeys(
        ("voice_method", "voice_fallback_method", "status_callback_method", "sms_method", "sms_fallback_method"), "POST"
    ),
    "voice_caller_id_lookup": False,
    "voice_receive_mode": "voice",
    **dict.fromkeys(("voice_application_sid", "sms_application_sid", "trunk_sid", "identity_sid")),
    **dict.fromkeys(("address_sid", "bundle_sid", "emergency_address_sid")),
    "emergency_status": "Inactive",
}
FILTERS: Final[params.Readers] = {
    "Beta": params.flag,
    "FriendlyName": params.text(),
    "PhoneNumber": params.text(20),
    "Origin": params.one_of("twilio", "hosted"),
    **params.PAGING,
}


class IncomingPhoneNumbers:
    """The resource and its three kinds."""

    def __init__(self, books: Books) -> None:
        self._books = books

    def operations(self) -> list[Operation]:
        resource = "IncomingPhoneNumbers"
        bought = {"PhoneNumber": params.text(20), "AreaCode": params.text(5), **SETTINGS}
        of_a_kind = {"PhoneNumber": params.text(20), **SETTINGS}
        moved = {"AccountSid": params.sid("AC", 21470), **SETTINGS}
        one = f"{ROOT}/{{Sid}}.json"
        return [
            Operation("GET", f"{ROOT}.json", self._lister(None), resource, query=FILTERS),
            Operation("POST", f"{ROOT}.json", self._buyer(None), resource, form=bought),
            *(
                operation
                for part, kind in KINDS.items()
                for operation in (
                    Operation("GET", f"{ROOT}/{part}.json", self._lister(kind), resource, query=FILTERS),
                    Operation(
                        "POST",
                        f"{ROOT}/{part}.json",
                        self._buyer(kind),
                        resource,
                        form=of_a_kind,
                        required=("PhoneNumber",),
                    ),
                )
            ),
            Operation("GET", one, self.fetch, resource),
            Operation("POST", one, self.update, resource, form=moved),
            Operation("DELETE", one, self.release, resource),
        ]

    # -- looking ---------------------------------------------------------------------------------------------------

    def _lister(self, kind: str | None) -> Callable[[Asked], Any]:
        async def find(asked: Asked) -> Answer:
            fits = _filter(asked.values)
            found = [
                number
                for number in self._books.numbers_of(asked.account.sid)
                if fits(number) and kind in (None, kind_of(number))
            ]
            return Answer(
                listing(
                    asked,
                    "incoming_phone_numbers",
                    found,
                    lambda each: each.serial,
                    lambda each: dump(each, typed=kind is not None),
                )
            )

        return find

    async def fetch(self, asked: Asked) -> Answer:
        return Answer(dump(self._number(asked)))

    def _number(self, asked: Asked) -> Number:
        number = self._books.numbers.get(asked.at["Sid"])
        if number is None or number.account_sid != asked.account.sid:
            raise not_found(asked.path)
        return number

    # -- buying ----------------------------------------------------------------------------------------------------

    def _buyer(self, kind: str | None) -> Callable[[Asked], Any]:
        async def buy(asked: Asked) -> Answer:
            offer = self._choose(asked.values, kind)
            self._check_trial(asked.account)
            settings = params.given(asked.values, *SETTINGS)
            self._check_papers(asked.account, offer, settings)
            self._check_settings(asked.account, settings, offer.capabilities)
            number = self._books.add_number(asked.account.sid, offer.phone_number, settings)
            return Answer(dump(number, typed=kind is not None), 201)

        return buy

    def _choose(self, values: dict[str, Any], kind: str | None) -> stock.Offer:
        phone_number, area_code = values.get("PhoneNumber"), values.get("AreaCode")
        if phone_number is not None and area_code is not None:
            raise malformed("PhoneNumber and AreaCode exclude one another")
        if area_code is not None:
            return self._first_in(area_code)
        if phone_number is None:
            raise malformed("PhoneNumber or AreaCode is required")
        if not params.PHONE_NUMBER.fullmatch(phone_number):
            raise refused(21421, f"{phone_number} is not a valid phone number; expected E.164, such as +15125551234")
        offer = stock.find(phone_number)
        if offer is None or self._books.holder(phone_number) is not None:
            raise refused(21422, f"{phone_number} is not available.")
        if kind not in (None, offer.area.kind):
            raise refused(21458, f"{phone_number} is a {offer.area.kind} number, not a {kind} one")
        return offer

    def _first_in(self, area_code: str) -> stock.Offer:
        if area_code not in stock.area_codes():
            raise refused(21451, f"{area_code} is not a valid area code of the US or Canada")
        areas = [area for country in stock.NORTH_AMERICA for area in stock.areas_of(country, "local")]
        offers = stock.offers([area for area in areas if area.area_code == area_code], self._books.taken())
        for offer in offers:
            if offer.capabilities["voice"]:
                return offer
        raise refused(21452, f"No phone numbers found in area code {area_code}")

    def _check_trial(self, account: Account) -> None:
        if account.type == "Trial" and len(self._books.numbers_of(account.sid)) >= TRIAL_NUMBERS:
            raise refused(
                21404,
                "Trial accounts are allowed only one Twilio number. To purchase additional numbers, please upgrade.",
            )

    def _check_papers(self, account: Account, offer: stock.Offer, settings: dict[str, Any]) -> None:
        """What the country asks for; each refusal hides the next, as at Twilio."""
        area = offer.area
        if area.address_requirements != "none":
            address = self._address(account, settings.get("address_sid"))
            if address is None:
                raise refused(21631, "Phone Number Requires an Address but the 'AddressSid' parameter was empty.")
            place = (address["iso_country"], address["city"].casefold())
            if area.address_requirements == "local" and place != (area.country, str(area.locality).casefold()):
                raise refused(21615, f"No valid address created for: {area.locality}")
        if area.bundle:
            bundle = self._books.bundles.get(settings.get("bundle_sid") or "")
            usable = (account.sid, area.country, "twilio-approved")
            if bundle is None or (bundle.account_sid, bundle.iso_country, bundle.status) != usable:
                where = f"country: [{area.country}] and numberType: [{area.kind.upper()}]"
                raise refused(21649, f"Bundle required and not provided for {where}")

    def _address(self, account: Account, sid: str | None) -> dict[str, Any] | None:
        """The address of this SID; ``None`` when there is no SID."""
        if not sid:
            return None
        address = self._books.addresses.get(sid)
        if address is None or address.account_sid != account.sid:
            raise refused(21628, f"{sid} is not an address of this account")
        return address.fields

    def _check_settings(self, account: Account, settings: dict[str, Any], capabilities: dict[str, bool]) -> None:
        """What must fit together, once everything is set."""
        for sid in ("address_sid", "emergency_address_sid"):
            self._address(account, settings.get(sid))
        if settings.get("voice_fallback_url") and not settings.get("voice_url"):
            raise refused(21405, "Cannot set VoiceFallbackUrl without setting VoiceUrl")
        if settings.get("sms_fallback_url") and not settings.get("sms_url"):
            raise refused(21406, "Cannot set SmsFallbackUrl without setting SmsUrl")
        if settings.get("sms_url") and not capabilities["sms"]:
            raise refused(21407, "This Phone Number type does not support SMS or MMS")

    # -- changing --------------------------------------------------------------------------------------------------

    async def update(self, asked: Asked) -> Answer:
        number, changes = self._number(asked), params.given(asked.values, *SETTINGS)
        if changes.get("trunk_sid"):
            changes["voice_application_sid"] = None
        elif changes.get("voice_application_sid"):
            changes["trunk_sid"] = None
        settings = number.settings | changes
        target = self._target(asked, number)
        self._check_settings(target, settings, number.capabilities)
        number.settings, number.account_sid = settings, target.sid
        self._books.touch(number)
        return Answer(dump(number))

    def _target(self, asked: Asked, number: Number) -> Account:
        """Whose the number is to be: ``AccountSid`` moves it within the family, which only the parent may."""
        sid = asked.values.get("AccountSid", number.account_sid)
        if sid == number.account_sid:
            return asked.account
        account = self._books.accounts.get(sid or "")
        if account is None:
            raise refused(21471, f"The account {sid} does not exist")
        if account.status != "active":
            raise refused(21472, f"The account {sid} is not active")
        if account.owner_sid != asked.account.owner_sid:
            raise refused(21473, f"{sid} is not related to the owner of {number.phone_number}")
        if not asked.who.is_main:
            raise refused(21474, "API User must be the parent account to transfer phone numbers.")
        return account

    async def release(self, asked: Asked) -> Answer:
        del self._books.numbers[self._number(asked).sid]
        return Answer(None, 204)


def _filter(values: dict[str, Any]) -> Callable[[Number], bool]:
    """What the list is asked for; ``PhoneNumber`` may be a part, with ``*`` for any digit."""
    digits = values.get("PhoneNumber", "").strip()
    if not re.fullmatch(r"\+?[0-9*]*", digits):
        raise malformed(f"PhoneNumber is {digits!r}; expected digits, * for any of them, + in front")
    wanted = re.compile(re.escape(digits).replace(r"\*", r"\d"))

    def fits(number: Number) -> bool:
        return (
            wanted.search(number.phone_number) is not None
            and values.get("FriendlyName") in (None, number.settings["friendly_name"])
            and values.get("Origin") in (None, "twilio")
            and (values.get("Beta", True) or not (number.offer and number.offer.beta))
        )

    return fits


def kind_of(number: Number) -> str:
    return number.offer.area.kind if number.offer else "local"


def dump(number: Number, *, typed: bool = False) -> dict[str, Any]:
    """The resource; below ``/Local`` and its siblings it does not say its type."""
    area = number.offer.area if number.offer else None
    fields = DEFAULTS | number.settings
    return {
        **fields,
        "sid": number.sid,
        "account_sid": number.account_sid,
        "phone_number": number.phone_number,
        "capabilities": number.capabilities,
        "address_requirements": area.address_requirements if area else "none",
        "beta": bool(number.offer and number.offer.beta),
        "origin": "twilio",
        "status": "in-use",
        "emergency_address_status": "registered" if fields["emergency_address_sid"] else "unregistered",
        "date_created": rfc_2822(number.created_s),
        "date_updated": rfc_2822(number.updated_s),
        "uri": f"/2010-04-01/Accounts/{number.account_sid}/IncomingPhoneNumbers/{number.sid}.json",
        **({} if typed else {"type": kind_of(number)}),
    }
