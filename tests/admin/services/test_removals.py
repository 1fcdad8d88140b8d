"""What is being removed gets nothing new, whoever comes between the look and the removal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ringfold_admin.stores.agents import Agents
from ringfold_admin.stores.organizations import Organizations
from tests.admin.numbers_desk import NUMBERS, TOKEN, Office, killed_at


def between(monkeypatch: pytest.MonkeyPatch, owner: type, name: str, act: Callable[[], None]) -> None:
    """Have something done once, right before a method does its work."""
    original = getattr(owner, name)
    waiting = [act]

    def first(*args: Any, **kwargs: Any) -> Any:
        if waiting:
            waiting.pop()()
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, first)


def removals(office: Office, organization_id: str) -> int:
    return int(office.platform.delete(f"/api/organizations/{organization_id}").status)


@pytest.mark.parametrize("what", ["agents", "accounts"])
def test_an_organization_that_goes_at_this_moment_gets_nothing_new(
    office: Office, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The one who looked before it went is told that there is no such organization."""
    going = office.desk.organization("Going")
    kept = {"agents": Agents, "accounts": type(office.crew().accounts)}[what]
    statuses: list[int] = []
    between(monkeypatch, kept, "create", lambda: statuses.append(removals(office, going)))
    body: dict[str, Any] = {"organization_id": going, "name": "New"}
    body |= {"instructions": "Be kind."} if what == "agents" else {"account_sid": "AC" + "9" * 32, "auth_token": TOKEN}

    late = office.platform.post({"agents": "/api/agents", "accounts": "/api/voice/accounts"}[what], body)

    assert ([204], 404) == (statuses, late.status), late.text
    assert [] == [each for each in office.everything() if each.get("organization_id") == going and each["sk"] == "META"]


@pytest.mark.parametrize("what", ["agent", "number"])
def test_an_organization_that_got_something_at_this_moment_stays(
    office: Office, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """What came before the mark is seen behind it, and the organization is as it was."""
    staying = office.desk.organization("Staying")
    made: list[int] = []

    def make() -> None:
        if what == "agent":
            body = {"organization_id": staying, "name": "New", "instructions": "Be kind."}
            made.append(office.platform.post("/api/agents", body).status)
        else:
            body = {"organization_id": staying, "account_id": office.platform_account}
            made.append(office.buy(office.platform, **body).status)

    between(monkeypatch, Organizations, "mark", make)

    answer = office.platform.delete(f"/api/organizations/{staying}")

    assert ([201], 409, "organization_in_use") == (made, answer.status, answer.code)
    assert (
        201
        == office.platform.post(
            "/api/agents", {"organization_id": staying, "name": "Later", "instructions": "Be kind."}
        ).status
    )


def test_an_agent_that_is_named_at_this_moment_stays(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A number took it up before the mark: the agent stays, and can be named by others again."""
    agent = office.admin.post("/api/agents", {"name": "Ann", "instructions": "Be kind."}).json["id"]
    number = office.bought()
    line = f"{NUMBERS}/{number['id']}"
    between(
        monkeypatch,
        Agents,
        "mark",
        lambda: _done(office.admin.patch(line, {"default_agent_id": agent}).status),
    )

    answer = office.admin.delete(f"/api/agents/{agent}")

    assert (409, "agent_in_use") == (answer.status, answer.code)
    assert agent == office.admin.get(line).json["default_agent_id"]
    assert 201 == office.buy(last=101, default_agent_id=agent).status


def test_an_agent_that_is_leaving_is_not_named(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its mark and its removal a number that would name it is refused."""
    agent = office.admin.post("/api/agents", {"name": "Ann", "instructions": "Be kind."}).json["id"]
    line = f"{NUMBERS}/{office.bought()['id']}"
    late: list[Any] = []
    between(monkeypatch, Agents, "delete", lambda: late.append(office.admin.patch(line, {"default_agent_id": agent})))

    gone = office.admin.delete(f"/api/agents/{agent}")

    assert (204, [404]) == (gone.status, [office.admin.get(f"/api/agents/{agent}").status])
    assert late[0].status in {400, 404, 409}
    assert agent != office.admin.get(line).json["default_agent_id"]


@pytest.mark.parametrize("owner", [Agents, Organizations])
def test_a_removal_that_was_cut_short_is_repeated_or_undone(
    office: Office, monkeypatch: pytest.MonkeyPatch, owner: type
) -> None:
    """Killed behind the mark: an edit takes the mark away, and a second removal succeeds."""
    organization = office.desk.organization("Twice")
    agent = office.platform.post(
        "/api/agents", {"organization_id": organization, "name": "Ann", "instructions": "Be kind."}
    ).json["id"]
    path = f"/api/agents/{agent}" if owner is Agents else f"/api/organizations/{organization}"
    if owner is Organizations:
        assert 204 == office.platform.delete(f"/api/agents/{agent}").status
    with killed_at(owner, "mark", monkeypatch, after=True):
        office.platform.delete(path)

    edited = office.platform.patch(path, {"name": "Still here"})
    marked = [each["pk"] for each in office.everything() if each.get("is_leaving")]
    again = office.platform.delete(path)

    assert (200, [], 204) == (edited.status, marked, again.status)


def _done(status: int) -> None:
    assert 200 == status
