"""Who is asking, from a token's claims."""

from __future__ import annotations

import pytest

from ringfold_admin.principal import SCOPES, Principal, Role, read_principal
from ringfold_admin.problems import Problem


def context(**claims: str) -> dict[str, object]:
    return {"authorizer": {"jwt": {"claims": {"sub": "u-1", **claims}, "scopes": None}}}


@pytest.mark.parametrize("role", Role)
def test_scopes_make_the_role(role: Role) -> None:
    """The widest scope decides; an organization's people carry their organization."""
    scope = " ".join(("aws.cognito.signin.user.admin", *SCOPES[role]))

    found = read_principal(context(scope=scope, organization_id="org_a", email="ann@example.com"))

    organization_id = None if role is Role.PLATFORM_ADMIN else "org_a"
    assert Principal("u-1", role, organization_id, "ann@example.com") == found


@pytest.mark.parametrize(
    ("request_context", "status"),
    [
        ({}, 401),
        ({"authorizer": {"jwt": {"claims": {}}}}, 401),
        ({"authorizer": {"lambda": {"sub": "u-1"}}}, 401),
        (context(), 403),
        (context(scope="openid ringfold/readers"), 403),
        (context(scope="ringfold/read"), 403),
        (context(scope="ringfold/manage", organization_id=""), 403),
    ],
)
def test_without_verified_claims_of_ours_nobody_is_let_in(request_context: dict[str, object], status: int) -> None:
    """No claims: unknown; claims that open nothing, or name no organization: forbidden."""
    with pytest.raises(Problem) as refused:
        read_principal(request_context)

    assert status == refused.value.status


def test_an_organization_is_implied_and_never_another() -> None:
    """Its own people need not name it, and naming another finds nothing."""
    ann = Principal("u-1", Role.ORGANIZATION_ADMIN, "org_a")

    assert ("org_a", "org_a") == (ann.organization_of(None), ann.organization_of("org_a"))
    with pytest.raises(Problem) as refused:
        ann.organization_of("org_b")
    assert 404 == refused.value.status


def test_the_platform_names_an_organization_where_one_is_needed() -> None:
    """It sees all of them, so it must say which."""
    root = Principal("u-0", Role.PLATFORM_ADMIN)

    assert ("org_b", None, "all") == (
        root.organization_of("org_b"),
        root.organization_of(None, required=False),
        root.scope_of_lists(None),
    )
    with pytest.raises(Problem) as refused:
        root.organization_of(None)
    assert (400, "organization_id") == (refused.value.status, refused.value.details[0]["field"])


@pytest.mark.parametrize(("role", "manages", "rules"), [(Role.PLATFORM_ADMIN, True, True),
                                                        (Role.ORGANIZATION_ADMIN, True, False),
                                                        (Role.ORGANIZATION_VIEWER, False, False)])  # fmt: skip
def test_what_a_role_may_do(role: Role, manages: bool, rules: bool) -> None:
    """Viewers read, administrators change, the platform does what is the platform's."""
    principal = Principal("u", role, "org_a")

    for allowed, ask in ((manages, principal.require_manage), (rules, principal.require_platform)):
        if allowed:
            ask()
        else:
            with pytest.raises(Problem) as refused:
                ask()
            assert 403 == refused.value.status


def test_what_is_nobodys_is_the_platforms() -> None:
    """Things without an organization are seen by the platform only."""
    assert Principal("u", Role.PLATFORM_ADMIN).sees(None)
    assert not Principal("u", Role.ORGANIZATION_ADMIN, "org_a").sees(None)
