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
from local.carrier.call import CarrierCall, Line
from local.carrier.manners import Manners
from local.carrier.record import Happening

KEPT_CALLS: Final = 100
DEFAULT_CALLER: Final = "+15550100001"


class Feed(Protocol):
    """Where violations are shown beside the gateway's own traffic."""

    def record(self, kind: str, **fields: Any) -> object: ...


@dataclass(frozen=True, slots=True)
class Account:
    account_sid: str
    auth_token: str


@dataclass(frozen=True, slots=True)
class Directory:
    """Accounts and numbers, as the local run published them."""

    public_base_url: str
    accounts: dict[str, Account]
    numbers: list[dict[str, Any]]
    organizations: dict[str, str]

    def line(self, to_number: str, from_number: str = DEFAULT_CALLER) -> Line:
        """Who pays for a call to this number.

        Raises:
            LookupError: If no account has the number.
        """
        for number in self.numbers:
            if number["phone_number"] == to_number and number["account_id"] in self.accounts:
                account = self.accounts[number["account_id"]]
                return Line(self.public_base_url, account.account_sid, account.auth_token, from_number, to_number)
        known = ", ".join(number["phone_number"] for number in self.numbers) or "none"
        raise LookupError(f"no account has the number {to_number}; known: {known}")

    def listed(self) -> list[dict[str, Any]]:
        """The numbers as a person wants to see them: each has a name, its own or its organization's."""
        return [{"name": self.organizations.get(each.get("organization_id", ""), ""), **each} for each in self.numbers]

    def authorized(self, account_sid: str, auth_token: str) -> bool:
        return any(each == Account(account_sid, auth_token) for each in self.accounts.values())


def directory_of(run: Mapping[str, Any]) -> Directory:
    """Take from `.local/run.json`'s document what calls need."""
    accounts = {each["id"]: Account(each["account_sid"], each["auth_token"]) for each in run["accounts"]}
    organizations = {
        each["id"]: each.get("name") or each["id"].removeprefix("org_").replace("_", " ").title()
        for each in run.get("organizations", [])
    }
    return Directory(run["public_base_url"], accounts, run["numbers"], organizations)


def load_directory(run_file: Path) -> Directory:
    """Read what ``make run`` published.

    Raises:
        LookupError: If nothing runs, that is, there is no such file.
    """
    try:
        return directory_of(json.loads(run_file.read_text(encoding="utf-8")))
    except FileNotFoundError as exc:
        raise LookupError(
            f"nothing runs here ({run_file.name} is missing): start the system with `make run` in another terminal, "
            "or add --start"
        ) from exc


class Exchange:
    """Places calls and keeps the latest of them.

    Args:
        run: The document of `.local/run.json`.
        feed: Gets violations; may be ``None``.
        manners: How every call behaves.
    """

    def __init__(self, run: Mapping[str, Any], feed: Feed | None = None, manners: Manners | None = None) -> None:
        self._run = run
        self._feed = feed
        self._manners = manners or Manners()
        self._http: httpx.AsyncClient | None = None
        self.calls: OrderedDict[str, CarrierCall] = OrderedDict()

    def directory(self) -> Directory:
        """Read afresh: numbers come and go while the system runs."""
        return directory_of(self._run)

    async def place(self, to_number: str, from_number: str = DEFAULT_CALLER) -> CarrierCall:
        """Place a call.

        Raises:
            LookupError: If the number is not known.
        """
        line = self.directory().line(to_number, from_number)
        if self._http is None:
            self._http = webhooks.new_client(line.public_base_url)
        call = CarrierCall(line, self._manners, http=self._http)
        call.record.listener = lambda happening: self._tell(call, happening)
        self.calls[call.call_sid] = call
        while len(self.calls) > KEPT_CALLS:
            self.calls.popitem(last=False)
        return await call.place()

    def _tell(self, call: CarrierCall, happening: Happening) -> None:
        if self._feed is not None and happening.kind == "violation":
            self._feed.record("violation", call_sid=call.call_sid, source="carrier", **happening.fields)

    async def close(self) -> None:
        """Hang up on everybody."""
        await asyncio.gather(*(call.close() for call in self.calls.values()), return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()
