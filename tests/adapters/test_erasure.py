"""Forgetting a person over real tables: nothing is left anywhere, the receipt counts it once, whatever dies between."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from functions.incoming import app as incoming
from ringfold.adapters import codec
from ringfold.adapters.conversations import Conversations
from ringfold.adapters.erasure import KINDS, Erasure
from ringfold.adapters.people import People
from ringfold.core.profiles import Identity
from ringfold.errors import DependencyError
from ringfold.service.insights import Insights
from tests.aws import Aws
from tests.service.test_insights import Desk
from tests.texts_world import ACCOUNT, CONTACT, THREAD, TextWorld, build
from tests.world import World, call_params, http_event, world

__all__ = ["world"]

ORG = "org_skyowl"
OTHER = "+15125550987"


@pytest.fixture
def desk(world: World, aws: Aws) -> Desk:
    return Desk(build(world, aws))


class Dying:
    """A client that is gone from its n-th transaction on."""

    def __init__(self, client: Any, transactions: int) -> None:
        self._client, self.left = client, transactions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **arguments: Any) -> Any:
        if self.left <= 0:
            raise DependencyError("dynamodb", "gone", retryable=True)
        self.left -= 1
        return self._client.transact_write_items(**arguments)


def ring(them: TextWorld, caller: str, call_sid: str, status: str = "completed") -> None:
    """A call comes in, and is over."""
    token = them.world.carriers[ACCOUNT].auth_token
    for path, changes in (("incoming", {}), ("status", {"CallStatus": status})):
        if changes.get("CallStatus", "x"):
            params = call_params(them.world.carriers[ACCOUNT], call_sid, From=caller, **changes)
            incoming.handler(http_event(f"/api/voice/{path}", params, auth_token=token), None)


def lived(desk: Desk, contact: str = CONTACT) -> str:
    """Somebody writes, calls, is answered and remembered; the profile's id."""
    them = desk.them
    for body in ("I am vegetarian.", "STOP", "START", "Where is my seat?"):
        them.text(body, From=contact)
    thread = type(THREAD)(THREAD.organization_id, THREAD.agent_number, THREAD.channel, contact)
    them.replies().answer(thread, ACCOUNT)
    desk.insights.call(ORG, desk.held(f"conv_{contact}", caller=contact))
    ring(them, contact, "CA" + contact[1:].rjust(32, "0"))
    profile_id = desk.people.find(ORG, Identity("phone", contact))
    assert profile_id
    return profile_id


def erasure(desk: Desk, client: Any = None, clock: Callable[[], float] | None = None) -> Erasure:
    world = desk.them.world
    return Erasure(client or world.dynamodb, world.aws.table, desk.them.outbox, clock=clock or world.clock)


def everything(desk: Desk) -> str:
    """All that both tables hold."""
    world, found = desk.them.world, []
    for table in (world.aws.table, desk.them.outbox):
        for page in world.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            found += [codec.load_item(item) for item in page["Items"]]
    return json.dumps(found, default=str)


def forget(desk: Desk, profile_id: str, job_id: str = "era_1") -> dict[str, Any]:
    erasure(desk).begin(ORG, job_id, profile_id)
    assert "done" == erasure(desk).run(ORG, job_id, 60)
    job = erasure(desk).job(ORG, job_id)
    assert job is not None
    return job


@pytest.mark.accept("M9")
def test_nothing_is_left_of_a_person(desk: Desk) -> None:
    """A scan of every table finds neither number nor words; somebody else is as they were; the receipt counts."""
    profile_id = lived(desk)
    lived(desk, OTHER)
    over(desk)

    job = forget(desk, profile_id)

    left = everything(desk)
    assert CONTACT not in left
    assert profile_id not in left.replace(json.dumps(job, default=str), "")
    assert OTHER in left
    counts = {kind: int(job["counts"][kind]) for kind in KINDS}
    assert (5, 1, 1, 1, 1) == tuple(
        counts[kind] for kind in ("messages", "observations", "summaries", "consents", "identities")
    )
    assert counts["conversations"] >= 2


def over(desk: Desk) -> None:
    """Every call is over."""
    world = desk.them.world
    for item in world.items("ORG#"):
        if item["sk"].startswith("CONVERSATION#") and item.get("channel") == "voice":
            world.change((item["pk"], item["sk"]), state="closed")


@pytest.mark.accept("M9")
@pytest.mark.parametrize("survives", [0, 1, 2, 4, 7, 11])
def test_a_job_that_is_killed_goes_on(desk: Desk, survives: int) -> None:
    """Killed behind any of its transactions: nothing is counted twice, nothing is left."""
    profile_id = lived(desk)
    over(desk)
    erasure(desk).begin(ORG, "era_1", profile_id)

    with pytest.raises(DependencyError):
        erasure(desk, Dying(desk.them.world.dynamodb, survives)).run(ORG, "era_1", 60)
    assert "done" == erasure(desk).run(ORG, "era_1", 60)
    assert "done" == erasure(desk).run(ORG, "era_1", 60)

    job = erasure(desk).job(ORG, "era_1")
    assert job is not None
    assert ("done", 5, 1) == (job["state"], int(job["counts"]["messages"]), int(job["counts"]["identities"]))
    assert CONTACT not in everything(desk)


def test_a_job_takes_its_time_in_pieces(desk: Desk) -> None:
    """It says that there is more."""
    profile_id = lived(desk)
    over(desk)
    erasure(desk).begin(ORG, "era_1", profile_id)
    steps = 0
    while erasure(desk).run(ORG, "era_1", 0) == "more":
        steps += 1

    assert steps > 5
    assert CONTACT not in everything(desk)


def test_a_call_that_goes_on_is_waited_for(desk: Desk) -> None:
    """It keeps all it needs until it is over."""
    profile_id = lived(desk)
    them = desk.them
    params = call_params(them.world.carriers[ACCOUNT], "CA" + "9" * 32, From=CONTACT)
    token = them.world.carriers[ACCOUNT].auth_token
    incoming.handler(http_event("/api/voice/incoming", params, auth_token=token), None)
    erasure(desk).begin(ORG, "era_1", profile_id)

    assert "waiting" == erasure(desk).run(ORG, "era_1", 60)
    assert them.world.item(("CALL#CA" + "9" * 32, "SESSION")) is not None
    over(desk)
    assert "done" == erasure(desk).run(ORG, "era_1", 60)
    assert CONTACT not in everything(desk)


def test_what_comes_in_late_is_not_remembered(desk: Desk) -> None:
    """A conversation that waited in the queue while its person was forgotten."""
    profile_id = lived(desk)
    over(desk)
    forget(desk, profile_id)
    insights: Insights = desk.insights

    insights.call(ORG, f"conv_{CONTACT}")
    insights.quiet(*desk.them.quiet[-1])

    assert "" == People(desk.them.world.dynamodb, desk.them.world.aws.table).find(ORG, Identity("phone", CONTACT))
    assert not Conversations(desk.them.world.dynamodb, desk.them.world.aws.table).claim(ORG, f"conv_{CONTACT}")
    assert CONTACT not in everything(desk)
