"""`/api/agents`: agents and their versions."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from ringfold.adapters.directory import Directory
from ringfold.core.agent import Agent
from ringfold.core.ids import AgentId, OrganizationId
from ringfold.tools.http import read_definition
from ringfold_admin.models.agents import Agent as AgentModel
from ringfold_admin.models.agents import AgentSettings
from tests.admin.desk import Desk

PATH = "/api/agents"


def agent(**more: Any) -> dict[str, Any]:
    return {"name": "Olive", "instructions": "You are Olive.", **more}


def test_the_api_knows_every_setting_of_an_agent() -> None:
    """Whoever adds one to the core adds it here."""
    settings = {each.name for each in fields(Agent)} - {"agent_id", "organization_id"}

    assert settings == set(AgentSettings.model_fields)
    assert settings <= set(AgentModel.model_fields)


ORDERS = {
    "name": "order_status",
    "description": "The status of an order.",
    "input_schema": {"type": "object", "properties": {"order": {"type": "string"}}},
    "url": "https://crm.example.com/orders",
    "headers": {"Authorization": "Bearer {{secret:crm}}"},
    "side_effect": False,
}


@pytest.mark.accept("F10")
def test_an_organizations_own_tool_is_kept_as_it_was_sent(desk: Desk) -> None:
    """With the defaults of what was left out; a call reads a definition it can use."""
    own = desk.organization()

    made = desk.admin(own).post(PATH, agent(http_tools=[ORDERS], audio=["https://cdn.example.com/hold.mp3"]))

    found = Directory(desk.aws.client("dynamodb"), desk.aws.table).agent(OrganizationId(own), AgentId(made.json["id"]))
    assert found is not None
    tool = read_definition(found.http_tools[0])
    assert (201, "POST", 5000, False) == (made.status, tool.method, tool.timeout_ms, tool.side_effect)
    assert ORDERS["headers"] == tool.headers == made.json["http_tools"][0]["headers"]
    assert ("https://cdn.example.com/hold.mp3",) == found.audio


@pytest.mark.accept("L5")
def test_an_agent_is_what_a_call_is_answered_by(desk: Desk) -> None:
    """Defaults where nothing was said; the voice webhook reads what was."""
    own = desk.organization()

    made = desk.admin(own).post(PATH, agent(tools=["lookup_reservation", "end_call"], max_tokens=200, temperature=0.2))

    found = Directory(desk.aws.client("dynamodb"), desk.aws.table).agent(OrganizationId(own), AgentId(made.json["id"]))
    assert found is not None
    assert ("Olive", ("lookup_reservation", "end_call"), 200, 0.2, Agent.scripted_ms) == (
        found.name,
        found.tools,
        found.max_tokens,
        found.temperature,
        found.scripted_ms,
    )
    assert (201, 1, own) == (made.status, made.json["version"], made.json["organization_id"])
    assert list(Agent.fillers) == made.json["fillers"]


def test_a_change_makes_a_version_and_no_change_makes_none(desk: Desk) -> None:
    """Every version stays as it was; the newest is in force."""
    ann = desk.admin(desk.organization())
    one = f"{PATH}/{ann.post(PATH, agent()).json['id']}"

    second = ann.patch(one, {"name": "Sol", "note": "a better name"})
    third = ann.patch(one, {"max_tokens": 150})
    same = ann.patch(one, {"name": "Sol"})

    listed = ann.get(f"{one}/versions").json["versions"]
    assert (2, 3, 3) == (second.json["version"], third.json["version"], same.json["version"])
    expected = [(3, "Sol", 150, ""), (2, "Sol", 300, "a better name"), (1, "Olive", 300, "")]
    assert expected == [(each["version"], each["name"], each["max_tokens"], each["note"]) for each in listed]
    assert "Olive" == ann.get(f"{one}/versions/1").json["name"]
    assert 404 == ann.get(f"{one}/versions/4").status


def test_rolling_back_is_one_call(desk: Desk) -> None:
    """The older settings are in force again, as a new version."""
    ann = desk.admin(desk.organization())
    one = f"{PATH}/{ann.post(PATH, agent()).json['id']}"
    ann.patch(one, {"instructions": "You are rude.", "tools": []})

    back = ann.post(f"{one}/rollback", {"version": 1})

    assert (200, 3, "You are Olive.", ["end_call"]) == (
        back.status,
        back.json["version"],
        back.json["instructions"],
        back.json["tools"],
    )
    assert "rolled back to version 1" == ann.get(f"{one}/versions/3").json["note"]
    assert 404 == ann.post(f"{one}/rollback", {"version": 9}).status


def test_null_puts_a_default_back(desk: Desk) -> None:
    """Where there is one; a name has none."""
    ann = desk.admin(desk.organization())
    one = f"{PATH}/{ann.post(PATH, agent(max_tokens=99, fillers=['Hold on.'])).json['id']}"

    changed = ann.patch(one, {"max_tokens": None, "fillers": None, "temperature": None})
    refused = ann.patch(one, {"instructions": None})

    assert (Agent.max_tokens, list(Agent.fillers)) == (changed.json["max_tokens"], changed.json["fillers"])
    assert (400, "instructions") == (refused.status, refused.json["error"]["details"][0]["field"])


@pytest.mark.parametrize(
    ("wrong", "field", "word"),
    [
        ({"tools": ["lookup_reservations"]}, "tools", "known: change_seat"),
        ({"relay": {"interruptable": "any"}}, "relay", "interruptible"),
        ({"relay": {"ttsProvider": "Festival"}}, "relay", "ElevenLabs"),
        ({"scripted_ms": 900}, "scripted_ms", "more than first_token_ms"),
        ({"max_tokens": 5}, "max_tokens", "16"),
        ({"voice": "Ann"}, "voice", ""),
        ({"audio": ["http://cdn.example.com/a.mp3"]}, "audio.0", ""),
        ({"http_tools": [{**ORDERS, "name": "end_call"}]}, "http_tools", "taken"),
        ({"http_tools": [ORDERS, ORDERS]}, "http_tools", "taken"),
        ({"http_tools": [{**ORDERS, "headers": {"Host": "x"}}]}, "http_tools", "headers"),
        ({"http_tools": [{**ORDERS, "input_schema": {"type": "string"}}]}, "http_tools", "object"),
        ({"http_tools": [{**ORDERS, "url": "http://crm.example.com/"}]}, "http_tools.0.url", ""),
        ({"name": "  "}, "name", ""),
    ],
)
def test_what_no_call_could_be_answered_with_is_refused(
    desk: Desk, wrong: dict[str, Any], field: str, word: str
) -> None:
    """With the field, and what is possible instead."""
    refused = desk.admin(desk.organization()).post(PATH, agent(**wrong))

    details = {each["field"]: each["message"] for each in refused.json["error"]["details"]}
    assert (400, True, True) == (refused.status, field in details, word in details.get(field, ""))


@pytest.mark.accept("H13")
def test_agents_of_another_organization_do_not_exist(desk: Desk) -> None:
    """On no path; the platform sees them."""
    own, other = desk.organization("Own"), desk.organization("Other")
    theirs = desk.admin(other).post(PATH, agent()).json["id"]
    ann, one = desk.admin(own), f"{PATH}/{theirs}"

    answers = [
        ann.get(one),
        ann.patch(one, {"name": "Mine"}),
        ann.delete(one),
        ann.get(f"{one}/versions"),
        ann.get(f"{one}/versions/1"),
        ann.post(f"{one}/rollback", {"version": 1}),
    ]

    assert [404] * 6 == [each.status for each in answers]
    assert [] == ann.get(PATH).json["agents"]
    assert (200, other) == (desk.platform.get(one).status, desk.platform.get(one).json["organization_id"])
    assert "Olive" == desk.platform.get(one).json["name"]


def test_who_read_an_older_version_changes_nothing(desk: Desk) -> None:
    """Two administrators cannot overwrite each other."""
    ann = desk.admin(desk.organization())
    made = ann.post(PATH, agent())
    one = made.headers["Location"]
    ann.patch(one, {"name": "Sol"})

    late = ann.patch(one, {"name": "Sam"}, headers={"If-Match": made.etag})

    assert (412, '"2"', "Sol") == (late.status, late.etag, ann.get(one).json["name"])


def test_a_removed_agent_is_gone_from_lists(desk: Desk) -> None:
    """And from the webhook's sight."""
    ann = desk.admin(desk.organization())
    one = ann.post(PATH, agent()).headers["Location"]

    removed = ann.delete(one)

    assert (204, 404, []) == (removed.status, ann.get(one).status, ann.get(PATH).json["agents"])
    assert 403 == desk.viewer(str(ann.claims["organization_id"])).delete(one).status
