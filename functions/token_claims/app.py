"""Before the user pool makes an access token: what the bearer's group may do, and the organization it is for.

Cognito's trigger "pre token generation", version V2_0. Standard library only, no layer, no permissions: nobody signs in
without it. ``layers/admin/ringfold_admin/principal.py`` reads what is written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ALL_SCOPES: Final = ("ringfold/platform", "ringfold/manage", "ringfold/read")

SCOPES_OF_GROUP: Final[Mapping[str, tuple[str, ...]]] = {
    "platform_admin": ALL_SCOPES,
    "organization_admin": ("ringfold/manage", "ringfold/read"),
    "organization_viewer": ("ringfold/read",),
}
"""The strongest first: a user in several groups is taken for the first of them."""


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes it
    """Answer one event of the trigger: the same event with its response filled in."""
    request = event.get("request") or {}
    groups = (request.get("groupConfiguration") or {}).get("groupsToOverride") or []
    attributes = request.get("userAttributes") or {}
    claims, scopes = granted(groups, str(attributes.get("custom:organization_id") or "").strip())
    if scopes and attributes.get("email"):
        claims["email"] = str(attributes["email"])  # who it was, in the audit trail
    token = {
        "claimsToAddOrOverride": claims,
        "claimsToSuppress": [] if "organization_id" in claims else ["organization_id"],
        "scopesToAdd": list(scopes),
        # Whatever a login page of some later client may have granted: a scope of ours comes from the group alone.
        "scopesToSuppress": [scope for scope in ALL_SCOPES if scope not in scopes],
    }
    return {**event, "response": {"claimsAndScopeOverrideDetails": {"accessTokenGeneration": token}}}


def granted(groups: list[str], organization_id: str) -> tuple[dict[str, str], tuple[str, ...]]:
    """The claims and scopes of a user; neither, for a user without a group of ours or without an organization."""
    group = next((name for name in SCOPES_OF_GROUP if name in groups), "")
    if group == "platform_admin":
        return {}, SCOPES_OF_GROUP[group]
    if not group or not organization_id:
        return {}, ()
    return {"organization_id": organization_id}, SCOPES_OF_GROUP[group]
