"""The API with numbers: a Twilio that sells them, an account of an organization's and one of the platform's, agents."""

from __future__ import annotations

import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from ringfold.adapters import codec
from ringfold.adapters.directory import agent_key
from ringfold.core.agent import Agent
from ringfold.core.ids import AgentId, OrganizationId
from ringfold_admin.carrier.client import CarrierError
from ringfold_admin.principal import Principal, Role
from ringfold_admin.problems import Problem
from ringfold_admin.services.accounts import AccountService
from ringfold_admin.services.numbers import NumberService
from ringfold_admin.services.purchases import Purchases
from ringfold_admin.services.releases import Releases
from ringfold_admin.services.sites import Site
from ringfold_admin.stores.accounts import Accounts
from tests.admin.desk import Answer, Desk, build_desk
from tests.admin.twilio_numbers import TwilioNumbers, running
from tests.aws import Aws

BASE = "https://voice.example.com"
RELAY_URL = "wss://relay.example.com/dev"
FALLBACK = "https://fallback.example.com/dev"
TOKEN = "auth-token-of-a-test-0123456789"
NUMBERS = "/api/voice/numbers"
AREA = "512"


class Killed(BaseException):
    """The process is gone at this point."""


@dataclass
class Clock:
    """Epoch milliseconds, which somebody else moves."""

    now_ms: int = 1_796_000_000_000

    def __call__(self) -> int:
        return self.now_ms

    def pass_s(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)


@dataclass
class Kept:
    """Reminders that were sent."""

    sent: list[str] = field(default_factory=list)
    fails: Exception | None = None

    def remind(self, number_id: str) -> None:
        if self.fails:
            raise self.fails
        self.sent.append(number_id)


@dataclass
class StrictDesk(Desk):
    """Holds every answer to the API's own description: no status that is not declared there."""

    def ask(self, method: str, path: str, body: object = None, **more: Any) -> Answer:
        answer = super().ask(method, path, body, **more)
        declared = _declared(self.api, method, path)
        assert declared is None or str(answer.status) in declared, (method, path, answer.status, sorted(declared))
        return answer


_described: dict[str, Any] = {}


def _declared(api: Any, method: str, path: str) -> set[str] | None:
    """The statuses that a route of numbers declares; ``None`` for other paths."""
    if not path.startswith(NUMBERS):
        return None
    if not _described:
        _described.update(api.description()["paths"])
    found = [
        route
        for route in _described
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route), path) and method.lower() in _described[route]
    ]
    exact = path if path in found else next(iter(found), None)
    return set(_described[exact][method.lower()]["responses"]) if exact else None


@dataclass
class Crew:
    """Services, to be asked from several threads."""

    purchases: Purchases
    releases: Releases
    numbers: NumberService
    account_service: AccountService
    accounts: Accounts


@dataclass
class Office:
    """The API and everything around it.

    Attributes:
        org: An organization with an account of its own.
        account: That account's id.
        platform_account: The id of the platform's.
    """

    desk: Desk
    twilio: TwilioNumbers
    clock: Clock
    reminders: Kept
    org: str = ""
    account: str = ""
    account_sid: str = ""
    platform_account: str = ""
    platform_sid: str = ""

    def crew(self) -> Crew:
        """The services behind the API, for threads: Powertools keeps the request at hand on a class, so one process
        serves one request at a time, as on Lambda.
        """
        purchases: Purchases = self.desk.purchases
        numbers, accounts = purchases._service, purchases._accounts
        credentials = purchases._webhooks._credentials.__self__
        assert isinstance(credentials, AccountService)
        return Crew(purchases, purchases._releases, numbers, credentials, accounts)

    @property
    def admin(self) -> Desk:
        return self.desk.admin(self.org)

    @property
    def platform(self) -> Desk:
        return self.desk.platform

    def phone(self, last: int = 100) -> str:
        """A number that Twilio sells."""
        number = f"+1{AREA}5550{last:03d}"
        if number not in self.twilio.stock:
            self.twilio.stock.append(number)
        return number

    def buy(self, desk: Desk | None = None, /, last: int = 100, **more: Any) -> Answer:
        body = {"phone_number": self.phone(last), "account_id": self.account, **more}
        return (desk or self.admin).post(NUMBERS, body)

    def bought(self, desk: Desk | None = None, /, last: int = 100, **more: Any) -> dict[str, Any]:
        """A number that is in use."""
        answer = self.buy(desk, last, **more)
        assert answer.status == 201, answer.text
        found: dict[str, Any] = answer.json
        return found

    def agent(self, agent_id: str = "agt_one", organization_id: str | None = None, **fields: Any) -> str:
        """An agent of an organization."""
        owner = organization_id or self.org
        agent = Agent(AgentId(agent_id), OrganizationId(owner), "Ann", "Be helpful.", **fields)
        pk, sk = agent_key(owner, agent_id)
        item = {"pk": pk, "sk": sk, "doc": json.dumps(agent.to_doc()), "revision": 1}
        for key in (sk, f"{sk}#V000001"):
            self.put({**item, "sk": key})
        return agent_id

    def put(self, item: dict[str, Any]) -> None:
        self.desk.aws.client("dynamodb").put_item(TableName=self.desk.aws.table, Item=codec.dump_item(item))

    def item(self, pk: str, sk: str = "META") -> dict[str, Any] | None:
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        found = self.desk.aws.client("dynamodb").get_item(TableName=self.desk.aws.table, Key=key, ConsistentRead=True)
        return codec.load_item(found["Item"]) if "Item" in found else None

    def everything(self) -> list[dict[str, Any]]:
        """All items of the table."""
        client = self.desk.aws.client("dynamodb")
        pages = client.get_paginator("scan").paginate(TableName=self.desk.aws.table, ConsistentRead=True)
        return [codec.load_item(item) for page in pages for item in page["Items"]]

    def account_of(self, organization_id: str | None, sid_end: str) -> tuple[str, str]:
        """A Twilio account, ours and Twilio's; gives its id and SID."""
        sid = "AC" + sid_end.rjust(32, "0")
        self.twilio.accounts[sid] = TOKEN
        body = {"name": "Twilio", "account_sid": sid, "auth_token": TOKEN, "organization_id": organization_id}
        made = self.platform.post("/api/voice/accounts", body)
        assert made.status == 201, made.text
        return made.json["id"], sid


@pytest.fixture
def office(aws: Aws) -> Iterator[Office]:
    """An organization, accounts, an agent, and a Twilio that sells."""
    with running(TwilioNumbers()) as twilio:
        yield open_office(aws, twilio)


def open_office(aws: Aws, twilio: TwilioNumbers, *, probe: Any = None, **site: Any) -> Office:
    """The same, with another deployment's settings or another who plays Twilio."""
    clock, reminders = Clock(), Kept()
    told = {"public_base_url": BASE, "relay_url": RELAY_URL, "fallback_url": FALLBACK, **site}
    desk = build_desk(aws, twilio.url, site=Site(**told), reminders=reminders, clock=clock, probe=probe)
    office = Office(StrictDesk(**vars(desk)), twilio, clock, reminders)
    office.org = desk.organization()
    office.account, office.account_sid = office.account_of(office.org, "a1")
    office.platform_account, office.platform_sid = office.account_of(None, "b2")
    office.agent()
    return office


@contextmanager
def killed_at(
    owner: object, name: str, monkeypatch: pytest.MonkeyPatch, *, nth: int = 1, after: bool = False
) -> Iterator[None]:
    """The process is killed at the nth call of a method: before it, or when it has done its work."""
    original: Callable[..., Any] = getattr(owner, name)
    calls = itertools.count(1)

    def dying(*args: Any, **kwargs: Any) -> Any:
        turn = next(calls)
        if turn == nth and not after:
            raise Killed
        done = original(*args, **kwargs)
        if turn == nth:
            raise Killed
        return done

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying)
        with pytest.raises(Killed):
            yield


def at_once(*calls: Callable[[], Any]) -> list[tuple[int, Any]]:
    """Run calls in threads that start together; each gives 200 and what it returned, or a problem's status."""
    barrier = threading.Barrier(len(calls))
    outcomes: list[Any] = [None] * len(calls)

    def run(position: int) -> None:
        barrier.wait()
        try:
            outcomes[position] = (200, calls[position]())
        except Problem as problem:
            outcomes[position] = (problem.status, problem)
        except CarrierError as exc:
            outcomes[position] = (502, exc)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return outcomes


def principal_of(organization_id: str) -> Principal:
    """An administrator of an organization."""
    return Principal(f"user-{organization_id}", Role.ORGANIZATION_ADMIN, organization_id)
