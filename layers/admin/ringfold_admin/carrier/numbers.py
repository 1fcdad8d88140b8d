"""Phone numbers at Twilio: searched, bought, looked up, configured, given back, and what they are registered for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from twilio.base.exceptions import TwilioException
from twilio.rest import Client

from ringfold_admin.carrier.client import CarrierError, ask

URL_FIELDS: Final = (
    "voice_url",
    "voice_method",
    "voice_fallback_url",
    "voice_fallback_method",
    "status_callback",
    "status_callback_method",
    "sms_url",
    "sms_method",
    "sms_fallback_url",
    "sms_fallback_method",
)
"""What is configured on a number, by Twilio's names."""
OVERRIDING: Final = ("voice_application_sid", "trunk_sid", "sms_application_sid")
"""While one of these is set, Twilio does not look at the URLs."""
KINDS: Final = ("local", "toll_free", "mobile")
MOST_SERVICES: Final = 20
"""As many Messaging Services are looked through for a number; Twilio has no way to ask the other way round."""


@dataclass(frozen=True)
class OwnedNumber:
    """A number of an account as Twilio knows it.

    Attributes:
        configured: The fields of ``URL_FIELDS`` and ``OVERRIDING`` that are set.
    """

    sid: str
    phone_number: str
    configured: Mapping[str, str] = field(default_factory=dict)
    capabilities: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Messaging:
    """The Messaging Service a number is in.

    Attributes:
        service_sid: ``""`` when it is in none.
        uses_number_webhook: Whether the service leaves incoming texts to the number's own ``sms_url``.
        inbound_url: Where the service sends them otherwise; ``""``: nowhere, they are lost.
        complete: Whether all services were looked through.
    """

    service_sid: str = ""
    uses_number_webhook: bool = True
    inbound_url: str = ""
    complete: bool = True


def search(client: Client, country: str, kind: str, filters: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
    """Numbers that could be bought.

    Args:
        client: Of the account.
        country: ISO code.
        kind: One of ``KINDS``.
        filters: By the SDK's names: ``area_code``, ``contains``, ``in_region``, ``in_locality``, ``voice_enabled`` …
        limit: As many at most.
    """
    available = getattr(client.available_phone_numbers(country), kind)
    found = ask("search numbers", lambda: available.list(limit=limit, page_size=limit, **filters))
    return [_available(each, kind) for each in found]


def search_filters(
    area_code: str | None, contains: str | None, capabilities: str, region: str | None, locality: str | None
) -> dict[str, Any]:
    """Filters of a search.

    Args:
        area_code: Three digits; US and Canada.
        contains: A pattern: digits or letters, ``*`` for one of them, ``%`` for any run of them.
        capabilities: Names separated by commas; a number must have all of them.
        region: State or province.
        locality: City.
    """
    told: dict[str, Any] = {
        "area_code": int(area_code) if area_code else None,
        "contains": contains,
        "in_region": region,
        "in_locality": locality,
    }
    wanted: dict[str, Any] = {f"{name}_enabled": True for name in capabilities.split(",")}
    return {**{name: value for name, value in told.items() if value is not None}, **wanted}


def buy(client: Client, phone_number: str, settings: Mapping[str, str]) -> OwnedNumber:
    """Buy a number, configured from its first moment; sent once, whatever happens.

    Raises:
        CarrierError: With ``processed`` ``None`` when it may have been bought all the same.
    """
    create = client.incoming_phone_numbers.create
    return _owned(ask("buy number", lambda: create(phone_number=phone_number, **settings)))


def find_owned(client: Client, phone_number: str) -> OwnedNumber | None:
    """The account's number with exactly this phone number."""
    listed = ask(
        "list numbers", lambda: client.incoming_phone_numbers.list(phone_number=phone_number, limit=50, page_size=50)
    )
    # Twilio takes the parameter as a pattern.
    return next((_owned(each) for each in listed if each.phone_number == phone_number), None)


def fetch(client: Client, sid: str) -> OwnedNumber:
    """A number by its SID.

    Raises:
        CarrierError: 404 when it is not the account's, or not any more.
    """
    return _owned(ask("fetch number", client.incoming_phone_numbers(sid).fetch))


def configure(client: Client, sid: str, settings: Mapping[str, str]) -> OwnedNumber:
    """Set fields of a number; ``""`` clears one."""
    return _owned(ask("configure number", lambda: client.incoming_phone_numbers(sid).update(**settings)))


def release(client: Client, sid: str) -> None:
    """Give a number back; one that is gone already is as good.

    Raises:
        CarrierError: If Twilio refused, or it is unknown whether it did.
    """
    try:
        ask("release number", client.incoming_phone_numbers(sid).delete)
    except CarrierError as exc:
        if exc.status != 404:
            raise


def find_messaging(client: Client, sid: str, has_time: Callable[[], bool] = lambda: True) -> Messaging:
    """The Messaging Service that a number is in.

    Args:
        client: Of the account.
        sid: The number's.
        has_time: Whether to go on looking.
    """
    services = ask(
        "list messaging services", lambda: client.messaging.v1.services.list(limit=MOST_SERVICES + 1, page_size=50)
    )
    for service in services[:MOST_SERVICES]:
        if not has_time():
            return Messaging(complete=False)
        try:
            ask("fetch sender", client.messaging.v1.services(service.sid).phone_numbers(sid).fetch)
        except CarrierError as exc:
            if exc.status == 404:
                continue
            raise
        return Messaging(
            str(service.sid),
            uses_number_webhook=bool(service.use_inbound_webhook_on_number),
            inbound_url=str(service.inbound_request_url or ""),
        )
    return Messaging(complete=len(services) <= MOST_SERVICES)


def campaign_status(client: Client, service_sid: str) -> str:
    """The state of a Messaging Service's A2P 10DLC campaign, in Twilio's words; ``""`` when it has none."""
    us_app_to_person = client.messaging.v1.services(service_sid).us_app_to_person
    campaigns = ask("list campaigns", lambda: us_app_to_person.list(limit=5, page_size=20))
    states = [str(each.campaign_status or "") for each in campaigns]
    return "VERIFIED" if "VERIFIED" in states else next(iter(states), "")


def toll_free_status(client: Client, sid: str) -> str:
    """The state of a toll-free number's verification, in Twilio's words; ``""`` when none was asked for."""
    verifications = client.messaging.v1.tollfree_verifications
    found = ask("list verifications", lambda: verifications.list(tollfree_phone_number_sid=sid, limit=5, page_size=20))
    states = [str(each.status or "") for each in found]
    return "TWILIO_APPROVED" if "TWILIO_APPROVED" in states else next(iter(states), "")


_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "VERIFIED": "registered",
        "TWILIO_APPROVED": "registered",
        "PENDING": "pending",
        "IN_PROGRESS": "pending",
        "PENDING_REVIEW": "pending",
        "IN_REVIEW": "pending",
        "FAILED": "failed",
        "TWILIO_REJECTED": "failed",
        "SUSPENDED": "failed",
        "": "unregistered",
    }
)
_CURES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "a2p_10dlc": "Register a brand and a campaign in Twilio's console (Messaging, Regulatory Compliance), and put "
        "the number into that campaign's Messaging Service.",
        "toll_free": "Submit a toll-free verification for the number in Twilio's console.",
    }
)
_BLOCKED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "a2p_10dlc": "Texts from this number to numbers in the US (30034; while it is being configured, 30035).",
        "toll_free": "Texts from this number to numbers in the US and Canada (30032).",
    }
)


def find_registration(client: Client, sid: str, country: str, kind: str, messaging: Messaging) -> dict[str, Any]:
    """What a number must be registered for before it may send texts, how far that is, and what is blocked meanwhile.

    Calls need no registration. What Twilio does not tell comes out as ``unknown``.
    """
    program = program_of(country, kind)
    if program == "none":
        return unknown_registration(program)
    try:
        if program == "toll_free":
            told = toll_free_status(client, sid)
        elif messaging.service_sid:
            told = campaign_status(client, messaging.service_sid)
        else:
            told = ""
    except CarrierError:
        return unknown_registration(program)
    status = _STATES.get(told.upper(), "unknown")
    if status == "unregistered" and program == "a2p_10dlc" and not messaging.service_sid and not messaging.complete:
        return unknown_registration(program)
    return _registration(program, status, told)


def program_of(country: str, kind: str) -> str:
    """What a number must be registered for: ``toll_free``, ``a2p_10dlc`` or ``none``."""
    return "toll_free" if kind == "toll_free" else "a2p_10dlc" if country == "US" else "none"


def unknown_registration(program: str) -> dict[str, Any]:
    """Twilio did not tell, or needs not be asked."""
    return _registration(program, "not_required" if program == "none" else "unknown", "")


def _registration(program: str, status: str, told: str) -> dict[str, Any]:
    blocked = [] if status == "registered" or program not in _BLOCKED else [_BLOCKED[program]]
    cure = _CURES.get(program, "") if status in {"unregistered", "failed", "unknown"} else ""
    return {"program": program, "status": status, "twilio_status": told, "blocks": blocked, "cure": cure}


def read_capabilities(told: object) -> dict[str, bool]:
    """Capabilities by lower-case names; Twilio writes ``SMS`` in one place and ``sms`` in another."""
    raw = {str(name).lower(): bool(able) for name, able in told.items()} if isinstance(told, Mapping) else {}
    return {name: raw.get(name, False) for name in ("voice", "sms", "mms", "fax")}


def _owned(found: Any) -> OwnedNumber:
    sid, phone_number = str(found.sid or ""), str(found.phone_number or "")
    if not sid or not phone_number:
        # An answer that cannot be told from another service's page: whether it was done is unknown.
        raise CarrierError("read number", 0, None, "an unreadable answer", processed=None) from TwilioException()
    values = {name: getattr(found, name, None) for name in (*URL_FIELDS, *OVERRIDING)}
    return OwnedNumber(
        sid,
        phone_number,
        {name: str(value) for name, value in values.items() if value},
        read_capabilities(found.capabilities),
    )


def _available(found: Any, kind: str) -> dict[str, Any]:
    return {
        "phone_number": str(found.phone_number),
        "friendly_name": str(found.friendly_name or found.phone_number),
        "type": kind,
        "country": str(found.iso_country or ""),
        "region": found.region,
        "locality": found.locality,
        "postal_code": found.postal_code,
        "capabilities": read_capabilities(found.capabilities),
        "address_requirements": str(found.address_requirements or "none"),
        "beta": bool(found.beta),
    }
