"""The calls this carrier carries, and whose numbers it knows."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import httpx

from local.carrier import webhooks
from local.carrier.books import Account as BookedAccount
from local.carrier.books import Books, Number
from local.carrier.call import CarrierCall, Hooks, Line
from local.carrier.manners import Manners
from local.carrier.record import Happening
from local.carrier.texting import Texting

BOOKS_FILE: Final = Path("state", "carrier.json")
KEPT_CALLS: Final = 100
DEFAULT_CALLER: Final = "+15550100001"


class Feed(Protocol):
    """Where violations are shown beside the gateway's own traffic; it never shows what it is told to mask."""

    def record(self, kind: str, **fields: Any) -> object: ...

    def mask(self, *secrets: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Account:
    account_sid: str
    auth_token: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Accounts and numbers that can be called.

    Attributes:
        accounts: As the local run published them, by the ids it gave them.
        numbers: The run's, as far as they are still ours, and after them what was bought since.
        organizations: Their names by id.
        books: The carrier's, which say how each number is configured; without them the run's own paths are called.
    """

    public_base_url: str
    accounts: dict[str, Account]
    numbers: list[dict[str, Any]]
    organizations: dict[str, str]
    books: Books | None = None

    def line(self, to_number: str, from_number: str = DEFAULT_CALLER) -> Line:
        """Who pays for a call to this number, and what it is configured with.

        Raises:
            LookupError: If no account has the number.
        """
        if self.books is not None:
            number = self.books.holder(to_number)
            if number is not None:
                return line_of(self.books, number, from_number, self.public_base_url)
        else:
            for row in self.numbers:
                account = self.accounts.get(row["account_id"])
                if row["phone_number"] == to_number and account is not None:
                    return Line(self.public_base_url, account.account_sid, account.auth_token, from_number, to_number)
        known = ", ".join(row["phone_number"] for row in self.numbers) or "none"
        raise LookupError(f"no account has the number {to_number}; known: {known}")

    def listed(self) -> list[dict[str, Any]]:
        """The numbers as a person wants to see them: each has a name, its own or its organization's."""
        return [{"name": self.organizations.get(each.get("organization_id", ""), ""), **each} for each in self.numbers]


def line_of(books: Books, number: Number, from_number: str, base_url: str) -> Line:
    """The line to a number as it is configured at the carrier, on the account that owns it."""
    account = books.accounts[number.account_sid]
    hooks = Hooks(
        number.url("voice_url"),
        number.settings.get("voice_method") or "POST",
        number.url("voice_fallback_url"),
        number.settings.get("voice_fallback_method") or "POST",
        number.url("status_callback"),
        number.settings.get("status_callback_method") or "POST",
    )
    return Line(
        base_url,
        account.sid,
        account.auth_token,
        from_number,
        number.phone_number,
        hooks=hooks,
        refusal=_refusal(books, account, number),
    )


def _refusal(books: Books, account: BookedAccount, number: Number) -> str:
    """Why no call reaches this number; empty when one does."""
    if not books.is_active(account):
        return f"10003: incoming call rejected, account {account.sid} is {account.status}"
    if not number.capabilities["voice"]:
        return f"21401: {number.phone_number} cannot take calls"
    if number.url("trunk_sid") or number.url("voice_application_sid"):
        return f"11100: {number.phone_number} is handled by a trunk or an application, which this carrier does not play"
    if not number.url("voice_url"):
        return f"11100: {number.phone_number} has no voice_url"
    return ""


def directory_of(run: Mapping[str, Any], books: Books | None = None) -> Directory:
    """Take from `.local/run.json`'s document, and from the carrier's books where they are at hand, what calls need."""
    accounts = {each["id"]: Account(each["account_sid"], each["auth_token"]) for each in run["accounts"]}
    organizations = {
        each["id"]: each.get("name") or each["id"].removeprefix("org_").replace("_", " ").title()
        for each in run.get("organizations", [])
    }
    numbers = list(run["numbers"])
    if books is not None:
        published = {row["phone_number"] for row in numbers}
        ids = {account.account_sid: id_ for id_, account in accounts.items()}
        numbers = [row for row in numbers if books.holder(row["phone_number"]) is not None]
        numbers += [
            {
                "id": number.sid,
                "phone_number": number.phone_number,
                "account_id": ids.get(number.account_sid, number.account_sid),
                "name": number.settings["friendly_name"],
            }
            for number in books.numbers.values()
            if number.phone_number not in published
        ]
    return Directory(run["public_base_url"], accounts, numbers, organizations, books)


def load_directory(run_file: Path) -> Directory:
    """Read what ``make run`` published, and the carrier's books beside it.

    Raises:
        LookupError: If nothing runs, that is, there is no such file.
    """
    try:
        run = json.loads(run_file.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise LookupError(
            f"nothing runs here ({run_file.name} is missing): start the system with `make run` in another terminal, "
            "or add --start"
        ) from exc
    books = run_file.parent / BOOKS_FILE
    return directory_of(run, Books(books) if books.exists() else None)


class Exchange:
    """Places calls and keeps the latest of them.

    Args:
        run: The document of `.local/run.json`.
        feed: Gets violations; may be ``None``.
        manners: How every call behaves.
        books: Whose the numbers are; by default the run's, in memory.
    """

    def __init__(
        self,
        run: Mapping[str, Any],
        feed: Feed | None = None,
        manners: Manners | None = None,
        books: Books | None = None,
    ) -> None:
        self.books = books or Books()
        if feed is not None:
            feed.mask(*self.books.secrets())
            self.books.on_secret = feed.mask
        self.books.enter_run(run)
        self._run = run
        self._feed = feed
        self._manners = manners or Manners()
        self._http: dict[bool, httpx.AsyncClient] = {}
        self.calls: OrderedDict[str, CarrierCall] = OrderedDict()
        self.texting = Texting(self.books, feed)

    def directory(self) -> Directory:
        """Made afresh: numbers come and go while the system runs."""
        return directory_of(self._run, self.books)

    async def place(self, to_number: str, from_number: str = DEFAULT_CALLER) -> CarrierCall:
        """Place a call.

        Raises:
            LookupError: If the number is not known.
        """
        line = self.directory().line(to_number, from_number)
        account = self.books.accounts[line.account_sid]
        call = CarrierCall(line, self._manners, http=self._client(line), auth_token=lambda: account.auth_token)
        call.record.listener = lambda happening: self._tell(call, happening)
        self.calls[call.call_sid] = call
        while len(self.calls) > KEPT_CALLS:
            self.calls.popitem(last=False)
        return await call.place()

    def _client(self, line: Line) -> httpx.AsyncClient:
        """A client shared by all calls to the same kind of URL: certificates are loaded where there is TLS only."""
        hooks = line.configured
        secure = any(url.startswith("https:") for url in (hooks.voice_url, hooks.fallback_url, hooks.status_url))
        if secure not in self._http:
            self._http[secure] = webhooks.new_client("https:" if secure else "http:")
        return self._http[secure]

    def _tell(self, call: CarrierCall, happening: Happening) -> None:
        if self._feed is not None and happening.kind == "violation":
            self._feed.record("violation", call_sid=call.call_sid, source="carrier", **happening.fields)

    async def close(self) -> None:
        """Hang up on everybody."""
        await asyncio.gather(*(call.close() for call in self.calls.values()), return_exceptions=True)
        await self.texting.close()
        for client in self._http.values():
            await client.aclose()
