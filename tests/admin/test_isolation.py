"""Every path of the API, probed by another organization's people: what is not theirs does not exist.

The paths and methods come out of the API's own description, so a new route is probed by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ringfold.adapters.erasure import Erasure
from ringfold.adapters.people import People
from ringfold.adapters.texts import Texts
from ringfold.core.memory import Observation
from ringfold.core.profiles import Identity, Profile
from ringfold.core.texts import Text, Thread
from tests.admin.desk import Answer, Desk
from tests.admin.numbers_desk import NUMBERS, TOKEN, Office

SECRET = "Zyzzyva"
"""Stands in every name of the other organization's things, and nowhere else."""


@pytest.fixture
def theirs(office: Office) -> dict[str, str]:
    """Things of the office's organization, by the name of their path parameter."""
    owner = office.admin
    agent = owner.post("/api/agents", {"name": SECRET, "instructions": f"{SECRET} instructions."}).json["id"]
    number = office.bought(name=SECRET, default_agent_id=agent, agents=[agent], greeting=SECRET)
    assert 200 == owner.patch(f"/api/organizations/{office.org}", {"name": SECRET}).status
    assert 200 == owner.patch(f"/api/voice/accounts/{office.account}", {"name": SECRET}).status
    thread = Thread(office.org, number["phone_number"], "sms", "+15125550199")
    text = Text(f"msg_{'7' * 26}", thread, "in", SECRET, 1_796_000_000_000, office.account, sid="SM7")
    aws = office.desk.aws
    store = Texts(aws.client("dynamodb"), aws.table, aws.table)
    assert store.receive(text, "help")
    reply = replace(text, message_id=f"msg_{'8' * 26}", direction="out")
    store.commit(thread, store.state(thread), [], [reply], "2026-12-01")
    profile = Profile(f"prf_{'7' * 26}", office.org, SECRET, (Identity("phone", "+15125550199"),))
    people = People(aws.client("dynamodb"), aws.table)
    people.create(profile)
    person = people.load(office.org, profile.profile_id)
    assert person is not None
    fact = Observation(f"obs_{'7' * 26}", SECRET, "fact", "name", 1.0, SECRET, (thread.conversation_id,), 1, 1)
    people.save(person, [fact])
    erasure = f"era_{'7' * 26}"
    Erasure(aws.client("dynamodb"), aws.table, aws.table).begin(office.org, erasure, profile.profile_id)
    return {
        "message_id": text.message_id,
        "conversation_id": thread.conversation_id,
        "profile_id": profile.profile_id,
        "observation_id": fact.observation_id,
        "erasure_id": erasure,
        "agent_id": agent,
        "number_id": number["id"],
        "account_id": office.account,
        "organization_id": office.org,
        "version": "1",
    }


def probes(office: Office, ids: dict[str, str]) -> Iterator[tuple[str, str, Any]]:
    """Every operation whose path names a thing, about theirs; with a body that would be taken."""
    bodies: dict[tuple[str, str], Any] = {
        ("put", f"{NUMBERS}/{{number_id}}/agents"): {"agents": []},
        ("post", f"{NUMBERS}/{{number_id}}/agents"): {"agent_id": ids["agent_id"]},
        ("post", "/api/voice/accounts/{account_id}/rotate"): {"auth_token": TOKEN + "2"},
        ("post", "/api/agents/{agent_id}/rollback"): {"version": 1},
        ("post", "/api/profiles/{profile_id}/merge"): {"into": ids["profile_id"]},
        ("post", "/api/profiles/{profile_id}/identities"): {"kind": "account_id", "value": "A-17"},
    }
    for path, operations in office.desk.api.description()["paths"].items():
        names = re.findall(r"\{(\w+)\}", path)
        for method in operations:
            if names:
                body = bodies.get((method, path), {"name": "Mine"} if method == "patch" else {})
                yield method.upper(), re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], path), body


def state(office: Office) -> str:
    return json.dumps(sorted(office.everything(), key=lambda item: (item["pk"], item["sk"])), default=str)


def assert_absent(answer: Answer, none: Answer, where: str) -> None:
    """Just what is said of an id that nobody has."""
    assert answer.status in {403, 404}, (where, answer.status, answer.text)
    assert (none.status, none.text) == (answer.status, answer.text), where
    assert SECRET not in answer.text, where


@pytest.mark.accept("B3", "G15", "H13")
@pytest.mark.parametrize("role", ["admin", "viewer"])
def test_no_path_finds_what_is_another_organizations(office: Office, theirs: dict[str, str], role: str) -> None:
    """The same as for what does not exist at all; nothing is changed and Twilio is not asked."""
    other = office.desk.organization("Somebody")
    desk: Desk = getattr(office.desk, role)(other)
    before, asked = state(office), len(office.twilio.seen)
    nobodys = {name: each if name == "version" else each[:-4] + "0000" for name, each in theirs.items()}
    tried = list(zip(probes(office, theirs), probes(office, nobodys), strict=True))

    for (method, path, body), (_, nowhere, _) in tried:
        sent = None if method in {"GET", "DELETE"} else body
        assert_absent(desk.ask(method, path, sent), desk.ask(method, nowhere, sent), f"{method} {path}")

    assert len(tried) >= 20
    assert before == state(office)
    assert asked == len(office.twilio.seen)


@pytest.mark.accept("B3")
def test_no_list_shows_what_is_another_organizations(office: Office, theirs: dict[str, str]) -> None:
    """Nor does a list that is asked for the other's, by any filter it has."""
    other = office.desk.organization("Somebody")
    desk = office.desk.admin(other)
    lists = [path for path, each in office.desk.api.description()["paths"].items() if "get" in each and "{" not in path]

    for path in lists:
        for query in ({}, {"organization_id": office.org}, {"account_id": office.account, "area_code": "512"}):
            answer = desk.get(path, query=query)
            assert answer.status in {200, 400, 404}, (path, answer.text)
            assert SECRET not in answer.text, path
            assert not any(each in answer.text for name, each in theirs.items() if name != "version"), path

    assert {"/api/agents", NUMBERS, "/api/voice/accounts", "/api/organizations", "/api/audit", "/api/messages"} <= set(
        lists
    )


def test_the_probe_would_find_something(office: Office, theirs: dict[str, str]) -> None:
    """Asked by their own administrator, the same paths and lists show them."""
    shown = [office.admin.ask(method, path).text for method, path, _ in probes(office, theirs) if method == "GET"] + [
        office.admin.get(NUMBERS).text
    ]

    assert sum(SECRET in text for text in shown) >= 4
