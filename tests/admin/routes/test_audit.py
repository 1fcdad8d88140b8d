"""`/api/audit`."""

from __future__ import annotations

import pytest

from tests.admin.desk import Desk


@pytest.mark.accept("B13")
def test_every_change_is_told_with_who_when_and_what(desk: Desk) -> None:
    """The newest first; from what to what."""
    own = desk.organization("Acme")
    ann = desk.admin(own)
    one = ann.post("/api/agents", {"name": "Olive", "instructions": "You are Olive."}).headers["Location"]
    ann.patch(one, {"name": "Sol", "note": "a better name"})
    ann.delete(one)

    told = ann.get("/api/audit").json["entries"]

    assert ["agent.delete", "agent.update", "agent.create", "organization.create"] == [each["action"] for each in told]
    assert ann.claims["sub"] == told[1]["actor"]
    assert ("organization_admin", own, "a better name") == (
        told[1]["role"],
        told[1]["organization_id"],
        told[1]["note"],
    )
    assert {"from": "Olive", "to": "Sol"} == told[1]["changes"]["name"]
    assert told[0]["at"] >= told[1]["at"] >= told[2]["at"]


@pytest.mark.accept("B13", "H13")
def test_a_trail_is_its_organizations_and_the_platforms(desk: Desk) -> None:
    """Nobody reads another one's."""
    own, other = desk.organization("Own"), desk.organization("Other")
    desk.admin(other).post("/api/agents", {"name": "Olive", "instructions": "You are Olive."})

    mine = desk.admin(own).get("/api/audit").json["entries"]
    everybodys = desk.platform.get("/api/audit").json["entries"]

    assert {own} == {each["organization_id"] for each in mine}
    assert {own, other} == {each["organization_id"] for each in everybodys}
    assert 404 == desk.admin(own).get("/api/audit", query={"organization_id": other}).status
    assert 2 == len(desk.platform.get("/api/audit", query={"organization_id": other}).json["entries"])


def test_what_failed_leaves_no_entry(desk: Desk) -> None:
    """Only changes are told."""
    own = desk.organization()

    desk.admin(own).post("/api/agents", {"name": "Olive"})
    desk.viewer(own).post("/api/agents", {"name": "Olive", "instructions": "You are Olive."})

    assert ["organization.create"] == [each["action"] for each in desk.admin(own).get("/api/audit").json["entries"]]


def test_long_texts_are_cut_in_the_trail(desk: Desk) -> None:
    """The versions hold them whole."""
    ann = desk.admin(desk.organization())

    ann.post("/api/agents", {"name": "Olive", "instructions": "x" * 50_000})

    told = ann.get("/api/audit").json["entries"][0]["changes"]["instructions"]["to"]
    assert (2001, True) == (len(told), told.endswith("…"))


def test_pages_go_back_in_time(desk: Desk) -> None:
    """Each entry once."""
    ann = desk.admin(desk.organization())
    for n in range(5):
        ann.post("/api/agents", {"name": f"Agent {n}", "instructions": "x"})

    first = ann.get("/api/audit", query={"limit": 4}).json
    rest = ann.get("/api/audit", query={"limit": 4, "cursor": first["next_cursor"]}).json

    assert (4, 2, None) == (len(first["entries"]), len(rest["entries"]), rest["next_cursor"])
    assert not {each["id"] for each in first["entries"]} & {each["id"] for each in rest["entries"]}
