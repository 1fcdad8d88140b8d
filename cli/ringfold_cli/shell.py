"""What every command has at hand: the API's client, the output, and a way to find what a name or number means."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import httpx

from ringfold_cli.client import READ_TIMEOUT_S, Client, Listing, segment
from ringfold_cli.faults import Refused, UsageFault
from ringfold_cli.output import Output
from ringfold_cli.profiles import Profiles, config_folder
from ringfold_cli.target import Choice, Finder, Target

ROOT: Final = Path(__file__).resolve().parents[2]
ORGANIZATIONS: Final = "/api/organizations"
ACCOUNTS: Final = "/api/voice/accounts"
NUMBERS: Final = "/api/voice/numbers"
AGENTS: Final = "/api/agents"
AUDIT: Final = "/api/audit"
ID: Final = re.compile(r"[a-z]+_[0-9A-Za-z_]{1,60}")
SHORTEST: Final = 50
"""Listed unless more are asked for."""


@dataclass(frozen=True)
class Common:
    """The options that every command has."""

    as_json: bool = False
    show_request: bool = False
    url: str = ""
    token: str = field(default="", repr=False)
    profile: str = ""
    as_: str = ""
    idempotency_key: str = ""


@dataclass
class Shell:
    """One command's means.

    Attributes:
        common: The options that every command has.
    """

    common: Common
    out: Output

    @cached_property
    def http(self) -> httpx.Client:
        """For every request of this command; follows no redirect, which could carry the token elsewhere."""
        return httpx.Client(timeout=httpx.Timeout(READ_TIMEOUT_S, connect=10))

    @cached_property
    def profiles(self) -> Profiles:
        """Of this user."""
        return Profiles(config_folder(os.environ))

    @cached_property
    def target(self) -> Target:
        """Where requests go."""
        choice = Choice(self.common.url, self.common.token, self.common.profile, self.common.as_)
        home = Path(os.environ.get("RINGFOLD_HOME") or ROOT / ".local")
        return Finder(self.profiles, home / "run.json", time.time, self.http).find(choice)

    @cached_property
    def client(self) -> Client:
        """The API."""
        show = self.out.note if self.common.show_request else None
        client = Client(self.target, self.http, pause, lambda text: self.out.note(text, "yellow"), show)
        if self.common.idempotency_key:
            client.key = self.common.idempotency_key
        return client

    def close(self) -> None:
        """Let go of the connections."""
        if "http" in self.__dict__:
            self.http.close()

    # -----------------------------------------------------------------------------------------------------------------

    def listing(
        self,
        path: str,
        name: str,
        *,
        limit: int,
        everything: bool,
        cursor: str | None,
        query: Mapping[str, object] | None = None,
    ) -> Listing:
        """A list as ``--limit``, ``--all`` and ``--cursor`` ask for it."""
        with self.out.working("Reading…"):
            return self.client.listing(path, name, query, limit=None if everything else limit, cursor=cursor)

    def tell_of_more(self, listing: Listing) -> None:
        """Say that there is more than was listed."""
        if listing.next_cursor and not self.out.as_json:
            self.out.note(f"There are more: --all, --limit, or --cursor {listing.next_cursor}", "dim")

    def organization(self, text: str) -> str:
        """An organization's id, from its id or name."""
        return self._resolved(text, ORGANIZATIONS, "organizations", ("name",))

    def account(self, text: str) -> str:
        """An account's id, from its id, Twilio's SID or its name."""
        return self._resolved(text, ACCOUNTS, "accounts", ("account_sid", "name"))

    def agent(self, text: str, organization_id: str | None = None) -> str:
        """An agent's id, from its id or name."""
        return self._resolved(text, AGENTS, "agents", ("name",), {"organization_id": organization_id})

    def number(self, text: str) -> str:
        """A number's id, from its id, the phone number or its name."""
        return self._resolved(text, NUMBERS, "numbers", ("phone_number", "name"))

    def _resolved(
        self,
        text: str,
        path: str,
        name: str,
        fields: tuple[str, ...],
        query: Mapping[str, object] | None = None,
    ) -> str:
        if ID.fullmatch(text):
            return text
        everything = self.client.listing(path, name, query, limit=None).items
        kind = name.removesuffix("s")
        for each_field in fields:
            found = [each for each in everything if each.get(each_field) == text]
            if len(found) == 1:
                return str(found[0]["id"])
            if found:
                ids = ", ".join(str(each["id"]) for each in found[:5])
                raise UsageFault(f"Several {name} are called {text!r}: {ids}.", hint="Name it by its id.")
        hint = f"List those you can see: ringfold {name} list"
        raise Refused("not_found", f"There is no {kind} {text!r}.", status=404, hint=hint)


def pause(seconds: float) -> None:
    """Wait, between attempts."""
    time.sleep(seconds)


def one(path: str, resource_id: str, *more: str) -> str:
    """The path of a resource, or of something below it."""
    return "/".join([path, segment(resource_id), *(segment(each) for each in more)])


def given(**values: Any) -> dict[str, Any]:
    """The values that were given."""
    return {name: value for name, value in values.items() if value is not None}
