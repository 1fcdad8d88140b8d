"""What the access token of an administrator says, and who that makes them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from functions.token_claims.app import ALL_SCOPES, SCOPES_OF_GROUP, handler
from ringfold_admin.principal import SCOPES, Principal, Role, read_principal
from ringfold_admin.problems import Problem

EVENT = json.loads((Path(__file__).parents[1] / "events" / "cognito_pre_token_generation.json").read_text())["event"]


def token_of(*groups: str, organization_id: str | None = None) -> dict[str, Any]:
    """What the trigger says of the access token of a user in these groups."""
    event = copy.deepcopy(EVENT)
    event["request"]["groupConfiguration"]["groupsToOverride"] = list(groups)
    if organization_id is not None:
        event["request"]["userAttributes"]["custom:organization_id"] = organization_id
    token: dict[str, Any] = handler(event, None)["response"]["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]
    return token


def principal_of(token: dict[str, Any]) -> Principal:
    """Who the API takes the bearer of such a token for."""
    claims = {"sub": "u", "scope": " ".join(token["scopesToAdd"]), **token["claimsToAddOrOverride"]}
    return read_principal({"authorizer": {"jwt": {"claims": claims, "scopes": None}}})


@pytest.mark.parametrize("role", list(Role))
def test_a_group_makes_its_role(role: Role) -> None:
    """Each group gives the scopes of the role of its name, to the user's organization."""
    token = token_of(role.value, organization_id="org_1")

    owner = None if role is Role.PLATFORM_ADMIN else "org_1"
    assert list(SCOPES[role]) == token["scopesToAdd"]
    assert Principal("u", role, owner, "testuser@example.com") == principal_of(token)


def test_groups_and_roles_are_the_same() -> None:
    """The trigger, which ships without our package, and the API agree on every role."""
    assert {role.value: SCOPES[role] for role in Role} == dict(SCOPES_OF_GROUP)


def test_the_strongest_group_counts() -> None:
    """A user in several groups is what the strongest of them makes them, whatever the order."""
    token = token_of("organization_viewer", "platform_admin", organization_id="org_1")

    assert Role.PLATFORM_ADMIN is principal_of(token).role


@pytest.mark.parametrize(
    ("groups", "organization_id"),
    [
        ([], "org_1"),
        (["accountants"], "org_1"),
        (["PLATFORM_ADMIN"], None),
        (["organization_admin"], None),
        (["organization_admin"], ""),
        (["organization_viewer"], "   "),
    ],
)
def test_whoever_has_no_role_gets_nothing(groups: list[str], organization_id: str | None) -> None:
    """Without a group of ours, or without an organization where the role needs one, no scope and no claim is given."""
    token = token_of(*groups, organization_id=organization_id)

    assert ([], {}) == (token["scopesToAdd"], token["claimsToAddOrOverride"])
    with pytest.raises(Problem, match="forbidden"):
        principal_of(token)


@pytest.mark.parametrize("group", ["", *SCOPES_OF_GROUP])
def test_scopes_come_from_the_group_alone(group: str) -> None:
    """What the group does not give is taken away, even if a client had been allowed to ask for it."""
    token = token_of(group, organization_id="org_1")

    assert set(ALL_SCOPES) == set(token["scopesToAdd"]) | set(token["scopesToSuppress"])
    assert set() == set(token["scopesToAdd"]) & set(token["scopesToSuppress"])


def test_the_event_goes_back_whole() -> None:
    """Cognito wants its own event back, with the response filled in."""
    answer = handler(copy.deepcopy(EVENT), None)

    assert {**EVENT, "response": answer["response"]} == answer


def test_an_event_without_groups_is_survived() -> None:
    """A user whose pool has no groups at all signs in, and may nothing."""
    answer = handler({"version": "2", "request": {"groupConfiguration": None, "userAttributes": None}}, None)

    assert [] == answer["response"]["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]["scopesToAdd"]
