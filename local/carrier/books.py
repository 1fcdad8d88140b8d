"""The carrier's books: whose account is whose, what numbers are whose and how they are configured, kept over restarts.

The local run's own accounts and numbers are entered when they are first seen, as Twilio would have them: configured
with our webhooks. From then on the books are what Twilio's side says, whatever the local run thinks: a released number
stays released and a rotated token rotated until `make reset`.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote, urlencode

from local.carrier import stock
from local.carrier.webhooks import SMS_FALLBACK_PATH, SMS_PATH, STATUS_PATH, VOICE_FALLBACK_PATH, VOICE_PATH

VERSION: Final = 1
URLS: Final = ("voice_url", "voice_fallback_url", "status_callback", "sms_url", "sms_fallback_url")

Status = Literal["active", "suspended", "closed"]


@dataclass(slots=True)
class Entry:
    """What everything in the books has."""

    sid: str
    serial: int
    created_s: float
    updated_s: float


@dataclass(slots=True)
class Account(Entry):
    """A Twilio account; a subaccount's ``owner_sid`` is its parent's, a main account's its own.

    Attributes:
        countries: Voice dialing permissions by ISO code, where they differ from the default.
    """

    friendly_name: str
    auth_token: str
    owner_sid: str
    type: str = "Full"
    status: Status = "active"
    secondary_token: str | None = None
    secondary_created_s: float = 0.0
    countries: dict[str, dict[str, bool]] = field(default_factory=dict)

    @property
    def is_main(self) -> bool:
        return self.owner_sid == self.sid

    def accepts(self, token: str) -> bool:
        """Whether this is one of its tokens; both authenticate while there are two."""
        return any(secrets.compare_digest(token.encode(), each.encode()) for each in self.tokens)

    @property
    def tokens(self) -> list[str]:
        return [self.auth_token, *([self.secondary_token] if self.secondary_token else [])]


@dataclass(slots=True)
class Number(Entry):
    """A number somebody has; ``settings`` are the resource's settable fields, by their names there."""

    account_sid: str
    phone_number: str
    settings: dict[str, Any]

    @property
    def offer(self) -> stock.Offer | None:
        """What the stock says of it; ``None`` for a number that was never on sale here."""
        return stock.find(self.phone_number)

    @property
    def capabilities(self) -> dict[str, bool]:
        return self.offer.capabilities if self.offer else {"voice": True, "sms": True, "mms": True, "fax": False}

    def url(self, name: str) -> str:
        return self.settings.get(name) or ""


@dataclass(slots=True)
class Key(Entry):
    """An API key."""

    account_sid: str
    friendly_name: str
    secret: str


@dataclass(slots=True)
class Address(Entry):
    """A postal address, as some countries ask for one; ``fields`` are the resource's."""

    account_sid: str
    fields: dict[str, Any]


@dataclass(slots=True)
class Bundle(Entry):
    """A regulatory bundle, which Twilio's people approve or not."""

    account_sid: str
    iso_country: str
    status: str


class Books:
    """Everything, by SID.

    Args:
        path: Where it is kept; ``None`` for memory only.
        now_s: Tells the time.
    """

    def __init__(self, path: Path | None = None, now_s: Callable[[], float] = time.time) -> None:
        self.accounts: dict[str, Account] = {}
        self.numbers: dict[str, Number] = {}
        self.keys: dict[str, Key] = {}
        self.addresses: dict[str, Address] = {}
        self.bundles: dict[str, Bundle] = {}
        self.on_secret: Callable[[str], None] = lambda _: None
        self.on_token: Callable[[], None] = lambda: None
        self._path = path
        self._now_s = now_s
        self._serial = 0
        self._base_url = ""
        self._entered: set[str] = set()
        if path is not None and path.exists():
            self._load(json.loads(path.read_text(encoding="utf-8")))

    # -- entering --------------------------------------------------------------------------------------------------

    def enter_run(self, run: Mapping[str, Any]) -> None:
        """Enter the local run's accounts and numbers that were not entered before, and move URLs with its base URL.

        A run whose accounts are new to the books has lost its own state: it gets its numbers back.
        """
        base_url = run["public_base_url"]
        self._move(self._base_url, base_url)
        self._base_url = base_url
        sids = {each["id"]: each["account_sid"] for each in run["accounts"]}
        for each in run["accounts"]:
            if each["account_sid"] not in self.accounts:
                name = each.get("name") or each["id"]
                self.open_account(name, sid=each["account_sid"], auth_token=each["auth_token"])
        for row in run["numbers"]:
            account_sid = sids.get(row["account_id"])
            mark = f"{account_sid} {row['phone_number']}"
            if account_sid is not None and mark not in self._entered:
                self._entered.add(mark)
                self._enter_number(account_sid, row, base_url)
        self.save()

    def _move(self, old: str, new: str) -> None:
        """The system is somewhere else this time (another port, another tunnel), and what points at it goes along."""
        if not old or old == new:
            return
        for number in self.numbers.values():
            for name in URLS:
                if number.url(name).startswith(f"{old}/"):
                    number.settings[name] = new + number.url(name).removeprefix(old)

    def _enter_number(self, account_sid: str, row: Mapping[str, Any], base_url: str) -> None:
        phone_number = row["phone_number"]
        holder = self.holder(phone_number)
        if holder is not None:
            del self.numbers[holder.sid]
        told = {"transfer": row.get("transfer_number"), "language": row.get("language")}
        query = urlencode({name: value for name, value in told.items() if value}, quote_via=quote)
        settings = {
            "voice_url": base_url + VOICE_PATH,
            "voice_fallback_url": base_url + VOICE_FALLBACK_PATH + (f"?{query}" if query else ""),
            "voice_fallback_method": "GET",
            "status_callback": base_url + STATUS_PATH,
            "sms_url": base_url + SMS_PATH,
            "sms_fallback_url": base_url + SMS_FALLBACK_PATH,
            "sms_fallback_method": "GET",
        }
        sid = "PN" + hashlib.sha256(f"{account_sid} {phone_number}".encode()).hexdigest()[:32]
        self.add_number(account_sid, phone_number, settings, sid=sid)

    def open_account(
        self,
        friendly_name: str,
        *,
        owner_sid: str = "",
        sid: str = "",
        auth_token: str = "",
        kind: str = "Full",
        status: Status = "active",
    ) -> Account:
        """Enter an account; by default a main account with a new SID and token."""
        sid = sid or "AC" + secrets.token_hex(16)
        token = auth_token or secrets.token_hex(16)
        account = Account(*self._stamp(sid), friendly_name, token, owner_sid or sid, type=kind, status=status)
        self.accounts[sid] = account
        self.on_secret(token)
        return account

    def add_number(self, account_sid: str, phone_number: str, settings: Mapping[str, Any], *, sid: str = "") -> Number:
        """Give an account a number."""
        defaults = {"friendly_name": stock.national(phone_number)}
        sid = sid or "PN" + secrets.token_hex(16)
        number = Number(*self._stamp(sid), account_sid, phone_number, defaults | dict(settings))
        self.numbers[sid] = number
        return number

    def add_key(self, account_sid: str, friendly_name: str) -> Key:
        """Give an account an API key."""
        key = Key(*self._stamp("SK" + secrets.token_hex(16)), account_sid, friendly_name, secrets.token_hex(16))
        self.keys[key.sid] = key
        self.on_secret(key.secret)
        return key

    def add_address(self, account_sid: str, fields: Mapping[str, Any]) -> Address:
        """Give an account an address."""
        address = Address(*self._stamp("AD" + secrets.token_hex(16)), account_sid, dict(fields))
        self.addresses[address.sid] = address
        return address

    def add_bundle(self, account_sid: str, iso_country: str, status: str) -> Bundle:
        """Give an account a bundle."""
        bundle = Bundle(*self._stamp("BU" + secrets.token_hex(16)), account_sid, iso_country, status)
        self.bundles[bundle.sid] = bundle
        return bundle

    def _stamp(self, sid: str) -> tuple[str, int, float, float]:
        self._serial += 1
        return sid, self._serial, self._now_s(), self._now_s()

    # -- changing --------------------------------------------------------------------------------------------------

    def touch(self, entry: Entry) -> None:
        """An entry has changed."""
        entry.updated_s = self._now_s()

    def close_account(self, account: Account) -> None:
        """Close it for good; its numbers are released."""
        account.status = "closed"
        self.numbers = {sid: each for sid, each in self.numbers.items() if each.account_sid != account.sid}

    def make_secondary(self, account: Account) -> str:
        """Make a second token beside the account's own."""
        account.secondary_token, account.secondary_created_s = secrets.token_hex(16), self._now_s()
        self.on_secret(account.secondary_token)
        return account.secondary_token

    def promote(self, account: Account) -> None:
        """The second token becomes the token; the old one opens nothing any more."""
        assert account.secondary_token is not None
        account.auth_token, account.secondary_token = account.secondary_token, None
        self.touch(account)
        self.save()
        self.on_token()

    # -- asking ----------------------------------------------------------------------------------------------------

    def holder(self, phone_number: str) -> Number | None:
        """The entry of a number somebody has."""
        return next((each for each in self.numbers.values() if each.phone_number == phone_number), None)

    def taken(self) -> set[str]:
        """Every number somebody has."""
        return {each.phone_number for each in self.numbers.values()}

    def is_active(self, account: Account) -> bool:
        """Whether the account may do anything: neither it nor its parent is suspended or closed."""
        parent = self.accounts.get(account.owner_sid, account)
        return account.status == parent.status == "active"

    def numbers_of(self, account_sid: str) -> list[Number]:
        return [each for each in self.numbers.values() if each.account_sid == account_sid]

    def secrets(self) -> list[str]:
        """Everything that must not be shown."""
        tokens = [token for account in self.accounts.values() for token in account.tokens]
        return tokens + [key.secret for key in self.keys.values()]

    def tokens(self) -> dict[str, str]:
        """The token of every account, by SID: what signs its webhooks."""
        return {account.sid: account.auth_token for account in self.accounts.values()}

    # -- keeping ---------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write everything down, for the owner's eyes only."""
        if self._path is None:
            return
        document = {
            "version": VERSION,
            "public_base_url": self._base_url,
            "serial": self._serial,
            "entered": sorted(self._entered),
            **{name: [asdict(each) for each in kept.values()] for name, (kept, _) in self._kept().items()},
        }
        scratch = self._path.with_suffix(".tmp")
        scratch.unlink(missing_ok=True)
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1)
        scratch.replace(self._path)

    def _load(self, document: Mapping[str, Any]) -> None:
        if document.get("version") != VERSION:
            raise ValueError(f"{self._path} is of another version; `make reset` forgets it")
        self._base_url = document["public_base_url"]
        self._serial = document["serial"]
        self._entered = set(document["entered"])
        for name, (kept, kind) in self._kept().items():
            kept.update({row["sid"]: kind(**row) for row in document[name]})

    def _kept(self) -> dict[str, tuple[dict[str, Any], type[Entry]]]:
        return {
            "accounts": (self.accounts, Account),
            "numbers": (self.numbers, Number),
            "keys": (self.keys, Key),
            "addresses": (self.addresses, Address),
            "bundles": (self.bundles, Bundle),
        }
