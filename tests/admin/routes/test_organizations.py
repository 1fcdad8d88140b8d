"""`/api/organizations`."""

from __future__ import annotations

import pytest

from ringfold.adapters.people import People
from ringfold.core.profiles import Profile
from tests.admin.desk import Desk

PATH = "/api/organizations"


def test_an_organization_is_made_read_changed_and_removed(desk: Desk) -> None:
    """By the platform; times and ETag tell of each change."""
    root = desk.platform

    made = root.post(PATH, {"name": "Acme"})
    one = made.headers["Location"]
    changed = root.patch(one, {"name": "Acme Air"}, headers={"If-Match": made.etag})
    removed = root.delete(one, headers={"If-Match": changed.etag})

    assert (201, 200, 204, 404) == (made.status, changed.status, removed.status, root.get(one).status)
    assert ("Acme", "Acme Air") == (made.json["name"], changed.json["name"])
    assert made.json["created_at"] == changed.json["created_at"]
    assert made.json["updated_at"] <= changed.json["updated_at"]
    assert made.etag != changed.etag


def test_who_read_an_older_version_changes_nothing(desk: Desk) -> None:
    """412, with the ETag of now; without If-Match the last one wins."""
    root = desk.platform
    made = root.post(PATH, {"name": "Acme"})
    one = made.headers["Location"]
    newer = root.patch(one, {"name": "Newer"})

    late = root.patch(one, {"name": "Late"}, headers={"If-Match": made.etag})
    gone = root.delete(one, headers={"If-Match": made.etag})

    assert (412, "precondition_failed", newer.etag) == (late.status, late.code, late.etag)
    assert 412 == gone.status
    assert "Newer" == root.get(one).json["name"]


def test_people_of_an_organization_see_their_own_only(desk: Desk) -> None:
    """Another one does not exist for them; only the platform makes or removes one."""
    own, other = desk.organization("Own"), desk.organization("Other")
    ann = desk.admin(own)

    assert [own] == [each["id"] for each in ann.get(PATH).json["organizations"]]
    assert (200, 404) == (ann.get(f"{PATH}/{own}").status, ann.get(f"{PATH}/{other}").status)
    assert ann.get(f"{PATH}/{other}").json == ann.get(f"{PATH}/org_nowhere").json
    assert (403, 403) == (ann.post(PATH, {"name": "Mine"}).status, ann.delete(f"{PATH}/{own}").status)
    assert (200, 404) == (
        ann.patch(f"{PATH}/{own}", {"name": "Renamed"}).status,
        ann.patch(f"{PATH}/{other}", {"name": "Taken over"}).status,
    )
    assert 403 == desk.viewer(own).patch(f"{PATH}/{own}", {"name": "No"}).status


def test_one_that_owns_something_stays(desk: Desk) -> None:
    """The answer says what it owns."""
    own = desk.organization()
    desk.admin(own).post("/api/agents", {"name": "Olive", "instructions": "Be kind."})

    refused = desk.platform.delete(f"{PATH}/{own}")

    assert (409, "organization_in_use") == (refused.status, refused.code)
    assert "agents" in refused.json["error"]["message"]


@pytest.mark.accept("M9")
def test_one_that_knows_people_stays(desk: Desk) -> None:
    """They are forgotten first."""
    own = desk.organization()
    People(desk.aws.client("dynamodb"), desk.aws.table).create(Profile("prf_1", own))

    refused = desk.platform.delete(f"{PATH}/{own}")

    assert (409, ["people"]) == (refused.status, refused.json["error"]["details"][0]["owns"])


@pytest.mark.accept("H10")
def test_an_organization_says_how_long_it_remembers(desk: Desk) -> None:
    """By its own administrator; it must be a number of days."""
    own = desk.organization()
    admin = desk.admin(own)

    assert [0, 30, 30] == [
        answer.json["memory_days"]
        for answer in (
            admin.get(f"{PATH}/{own}"),
            admin.patch(f"{PATH}/{own}", {"memory_days": 30}),
            admin.patch(f"{PATH}/{own}", {"name": "Renamed"}),
        )
    ]
    assert 400 == admin.patch(f"{PATH}/{own}", {"memory_days": -1}).status


def test_pages_of_all_organizations(desk: Desk) -> None:
    """Each once, by cursor; a cursor of another list is refused."""
    made = {desk.organization(f"Number {n}") for n in range(5)}
    root = desk.platform

    first = root.get(PATH, query={"limit": 2}).json
    second = root.get(PATH, query={"limit": 2, "cursor": first["next_cursor"]}).json
    third = root.get(PATH, query={"limit": 2, "cursor": second["next_cursor"]}).json
    foreign = root.get("/api/voice/accounts", query={"cursor": first["next_cursor"]})

    seen = [each["id"] for page in (first, second, third) for each in page["organizations"]]
    assert (made, 5, None) == (set(seen), len(seen), third["next_cursor"])
    assert 400 == foreign.status
