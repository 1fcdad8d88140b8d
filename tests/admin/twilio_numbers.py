"""Twilio's REST API for numbers, small and strict, on loopback: it keeps what it sells, and fails when told to."""

from __future__ import annotations

import base64
import json
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

SETTINGS = {
    "FriendlyName": "friendly_name",
    "VoiceUrl": "voice_url",
    "VoiceMethod": "voice_method",
    "VoiceFallbackUrl": "voice_fallback_url",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallback": "status_callback",
    "StatusCallbackMethod": "status_callback_method",
    "SmsUrl": "sms_url",
    "SmsMethod": "sms_method",
    "SmsFallbackUrl": "sms_fallback_url",
    "SmsFallbackMethod": "sms_fallback_method",
    "VoiceApplicationSid": "voice_application_sid",
    "SmsApplicationSid": "sms_application_sid",
    "TrunkSid": "trunk_sid",
    "AddressSid": "address_sid",
    "BundleSid": "bundle_sid",
    "IdentitySid": "identity_sid",
}
SEARCHED = {"AreaCode", "Contains", "InRegion", "InLocality", "PageSize"} | {
    f"{each}Enabled" for each in ("Voice", "Sms", "Mms", "Fax")
}


class _Refused(Exception):
    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


@dataclass
class TwilioNumbers:
    """What Twilio knows, and how it is to fail.

    Attributes:
        accounts: SID → auth token.
        stock: Numbers that can be bought.
        owned: SID → number.
        seen: Every request: operation and its parameters.
        faults: Operation → how its next requests fail: ``reset`` (nothing done), ``lost`` (done, no answer), ``503``
            (nothing done), ``503 done``, or a Twilio error code.
        services: Messaging Services: SID → its fields, ``senders`` and ``campaign`` among them.
        verifications: Number SID → state of its toll-free verification.
        countries: ISO country → whether it may be called.
    """

    accounts: dict[str, str] = field(default_factory=dict)
    stock: list[str] = field(default_factory=list)
    owned: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)
    services: dict[str, dict[str, Any]] = field(default_factory=dict)
    verifications: dict[str, str] = field(default_factory=dict)
    countries: dict[str, bool] = field(default_factory=lambda: {"US": True})
    messages: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, operation: str) -> int:
        """How often something was asked."""
        return sum(1 for name, _ in self.seen if name == operation)

    def own(self, account_sid: str, phone_number: str, **settings: str) -> str:
        """An account has a number that was bought elsewhere; gives its SID."""
        sid = "PN" + secrets.token_hex(16)
        self.owned[sid] = {
            "sid": sid,
            "account_sid": account_sid,
            "phone_number": phone_number,
            "capabilities": {"voice": True, "SMS": True, "MMS": False, "fax": False},
            "voice_url": "https://demo.twilio.com/welcome/voice/",
            "voice_method": "POST",
            **settings,
        }
        return sid

    def numbers_of(self, phone_number: str) -> list[dict[str, Any]]:
        return [each for each in self.owned.values() if each["phone_number"] == phone_number]

    # -- operations -------------------------------------------------------------------------------------------------

    def serve(  # noqa: C901 - a table of operations
        self, method: str, path: list[str], asked: Mapping[str, str], account_sid: str
    ) -> tuple[str, Any]:
        """The operation's name and what it does; called with the lock held."""
        match method, path:
            case "GET", ["2010-04-01", "Accounts", sid]:
                return "account", {"sid": sid, "friendly_name": "Test", "status": "active", "type": "Full"}
            case "GET", ["2010-04-01", "Accounts", _, "AvailablePhoneNumbers", country, kind]:
                return "search", self._search(country, kind, asked)
            case "GET", ["2010-04-01", "Accounts", _, "IncomingPhoneNumbers"]:
                return "list", self._list(account_sid, asked)
            case "POST", ["2010-04-01", "Accounts", _, "IncomingPhoneNumbers"]:
                return "create", self._create(account_sid, asked)
            case "GET", ["2010-04-01", "Accounts", _, "Messages"]:
                return "messages", self._messages(account_sid, asked)
            case _, ["2010-04-01", "Accounts", _, "IncomingPhoneNumbers", sid]:
                name = {"GET": "fetch", "POST": "update", "DELETE": "delete"}[method]
                return name, self._one(name, account_sid, sid, asked)
            case "GET", ["v1", "DialingPermissions", "Countries", country]:
                return "geography", {
                    "iso_code": country,
                    "low_risk_numbers_enabled": self.countries.get(country, False),
                }
            case "GET", ["v1", "Services"]:
                return "services", _page("services", list(self.services.values()))
            case "GET", ["v1", "Services", service, "PhoneNumbers", sid]:
                if sid not in self.services[service]["senders"]:
                    raise _Refused(404, 20404, "not found")
                return "sender", {"sid": sid, "service_sid": service}
            case "GET", ["v1", "Services", service, "Compliance", "Usa2p"]:
                state = self.services[service].get("campaign")
                return "campaigns", _page("compliance", [{"sid": "QE1", "campaign_status": state}] if state else [])
            case "GET", ["v1", "Tollfree", "Verifications"]:
                state = self.verifications.get(asked.get("TollfreePhoneNumberSid", ""))
                return "verifications", _page("verifications", [{"sid": "HH1", "status": state}] if state else [])
        raise _Refused(404, 20404, f"no such resource: {method} {path}")

    def _messages(self, account_sid: str, asked: Mapping[str, str]) -> Any:
        wanted = {name.lower(): asked[name] for name in ("To", "From") if name in asked}
        found = [each for each in self.messages if all(each[name] == value for name, value in wanted.items())]
        size, page = int(asked.get("PageSize", 50)), int(asked.get("Page", 0))
        more = len(found) > size * (page + 1)
        uri = f"/2010-04-01/Accounts/{account_sid}/Messages.json"
        following = f"{uri}?PageSize={size}&Page={page + 1}&PageToken=PT{page + 1}" if more else None
        shown = _page("messages", found[size * page : size * (page + 1)])
        del shown["meta"]
        return {**shown, "next_page_uri": following, "page": page, "page_size": size}

    def _search(self, country: str, kind: str, asked: Mapping[str, str]) -> Any:
        if unknown := asked.keys() - SEARCHED:
            raise _Refused(400, 20001, f"unknown parameters {sorted(unknown)}")
        if country != "US" or kind not in {"Local", "TollFree"}:
            raise _Refused(404, 20404, "no numbers of this type in this country")
        code = asked.get("AreaCode", "")
        found = [each for each in self.stock if each.startswith(f"+1{code}") and asked.get("Contains", "") in each]
        toll_free = ("+1800", "+1888", "+1877", "+1866", "+1855", "+1844", "+1833")
        found = [each for each in found if each.startswith(toll_free) == (kind == "TollFree")]
        return _page("available_phone_numbers", [_offer(each) for each in found[: int(asked.get("PageSize", 50))]])

    def _list(self, account_sid: str, asked: Mapping[str, str]) -> Any:
        if unknown := asked.keys() - {"PhoneNumber", "PageSize"}:
            raise _Refused(400, 20001, f"unknown parameters {sorted(unknown)}")
        wanted = asked.get("PhoneNumber", "").lstrip("+").replace("*", "")
        own = [each for each in self.owned.values() if each["account_sid"] == account_sid]
        return _page("incoming_phone_numbers", [each for each in own if wanted in each["phone_number"]])

    def _create(self, account_sid: str, asked: Mapping[str, str]) -> Any:
        settings = self._settings(asked, {"PhoneNumber"})
        phone_number = asked.get("PhoneNumber", "")
        if not phone_number.startswith("+"):
            raise _Refused(400, 21421, "PhoneNumber is invalid")
        if phone_number not in self.stock:
            raise _Refused(400, 21422, f"{phone_number} is not available.")
        self.stock.remove(phone_number)
        return self.owned[self.own(account_sid, phone_number, **settings)]

    def _one(self, name: str, account_sid: str, sid: str, asked: Mapping[str, str]) -> Any:
        found = self.owned.get(sid)
        if found is None or found["account_sid"] != account_sid:
            raise _Refused(404, 20404, f"The requested resource {sid} was not found")
        if name == "update":
            found |= self._settings(asked, set())
        if name == "delete":
            del self.owned[sid]
            self.stock.append(found["phone_number"])
            return None
        return found

    @staticmethod
    def _settings(asked: Mapping[str, str], others: set[str]) -> dict[str, str]:
        if unknown := asked.keys() - SETTINGS.keys() - others:
            raise _Refused(400, 20001, f"unknown parameters {sorted(unknown)}")
        if len(asked.get("FriendlyName", "")) > 64:
            raise _Refused(400, 20001, "FriendlyName is too long")
        if "VoiceFallbackUrl" in asked and "VoiceUrl" not in asked:
            raise _Refused(400, 21405, "VoiceFallbackUrl without VoiceUrl")
        return {SETTINGS[name]: value for name, value in asked.items() if name in SETTINGS}


@contextmanager
def running(twilio: TwilioNumbers) -> Iterator[TwilioNumbers]:
    """Serve it on a free port; ``url`` says where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 64 * 1024  # head and body in one piece: else each answer waits for an acknowledgement

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
            """Nothing is printed."""

        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def do_DELETE(self) -> None:
            self._serve("DELETE")

        def _serve(self, method: str) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            asked = dict(parse_qsl(body if method == "POST" else parts.query, keep_blank_values=True))
            path = parts.path.removesuffix(".json").strip("/").split("/")
            try:
                status, told = _told(twilio, method, path, asked, self.headers.get("Authorization", ""))
            except _Refused as exc:
                status, told = exc.status, {"code": exc.code, "message": str(exc), "status": exc.status}
            if status == 0:
                self.close_connection = True
                return
            raw = b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)
            self.wfile.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    twilio.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield twilio
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _told(
    twilio: TwilioNumbers, method: str, path: list[str], asked: dict[str, str], authorization: str
) -> tuple[int, Any]:
    """Status and document; status 0: the connection breaks."""
    user, _, token = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
    if twilio.accounts.get(user) != token:
        raise _Refused(401, 20003, "Authenticate")
    with twilio.lock:
        name = _name(method, path)
        twilio.seen.append((name, asked))
        fault = twilio.faults[name].pop(0) if twilio.faults.get(name) else ""
        if fault.isdigit() and len(fault) == 5:
            raise _Refused(429 if fault == "20429" else 400, int(fault), f"refused: {fault}")
        if fault == "reset":
            return 0, None
        if fault == "503":
            raise _Refused(503, 20503, "unavailable")
        told = twilio.serve(method, path, asked, user)[1]
        if fault == "lost":
            return 0, None
        if fault == "503 done":
            raise _Refused(503, 20503, "unavailable")
        return (204 if told is None else 201 if name == "create" else 200), told


def _name(method: str, path: list[str]) -> str:
    match path[2:] if path[:1] == ["2010-04-01"] else path:
        case [_]:
            return "account"
        case [_, "AvailablePhoneNumbers", *_]:
            return "search"
        case [_, "Messages"]:
            return "messages"
        case [_, "IncomingPhoneNumbers"]:
            return "list" if method == "GET" else "create"
        case [_, "IncomingPhoneNumbers", _]:
            return {"GET": "fetch", "POST": "update", "DELETE": "delete"}[method]
        case ["v1", "DialingPermissions", *_]:
            return "geography"
        case ["v1", "Services"]:
            return "services"
        case ["v1", "Services", _, "PhoneNumbers", _]:
            return "sender"
        case ["v1", "Services", *_]:
            return "campaigns"
        case ["v1", "Tollfree", *_]:
            return "verifications"
    return "unknown"


def _offer(phone_number: str) -> dict[str, Any]:
    return {
        "phone_number": phone_number,
        "friendly_name": phone_number,
        "iso_country": "US",
        "region": "TX",
        "locality": "Austin",
        "postal_code": "78701",
        "capabilities": {"voice": True, "SMS": True, "MMS": True},
        "address_requirements": "none",
        "beta": False,
        "latitude": None,
        "longitude": None,
        "lata": None,
        "rate_center": None,
    }


def _page(name: str, listed: list[dict[str, Any]]) -> dict[str, Any]:
    meta = {"key": name, "next_page_url": None, "previous_page_url": None, "page": 0, "page_size": 50, "url": ""}
    return {name: listed, "meta": meta, "next_page_uri": None, "page": 0, "page_size": 50}
