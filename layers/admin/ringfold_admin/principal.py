"""Who is asking, and what they may do: read from the token's claims, decided in code as well as at the API.

API Gateway has verified the token (JWT authorizer of `template.yaml`) and that one of its scopes opens the route.
Here the same claims decide once more, and which organization's things are visible at all.

| role | scopes | may |
|---|---|---|
| platform admin | ``ringfold/platform``, ``ringfold/manage``, ``ringfold/read`` | everything, of every organization |
| organization admin | ``ringfold/manage``, ``ringfold/read`` | everything of the own organization |
| organization viewer | ``ringfold/read`` | read what is the own organization's |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from ringfold_admin.problems import Problem, forbidden, not_found, unauthenticated

PLATFORM_SCOPE: Final = "ringfold/platform"
MANAGE_SCOPE: Final = "ringfold/manage"
READ_SCOPE: Final = "ringfold/read"


class Role(StrEnum):
    """What a token makes of its bearer."""

    PLATFORM_ADMIN = "platform_admin"
    ORGANIZATION_ADMIN = "organization_admin"
    ORGANIZATION_VIEWER = "organization_viewer"


SCOPES: Final[Mapping[Role, tuple[str, ...]]] = {
    Role.PLATFORM_ADMIN: (PLATFORM_SCOPE, MANAGE_SCOPE, READ_SCOPE),
    Role.ORGANIZATION_ADMIN: (MANAGE_SCOPE, READ_SCOPE),
    Role.ORGANIZATION_VIEWER: (READ_SCOPE,),
}


@dataclass(frozen=True)
class Principal:
    """The bearer of a verified token.

    Attributes:
        subject: The token's ``sub``.
        organization_id: Whose things they see; ``None`` for the platform, which sees all.
        name: For the audit trail: an e-mail or user name, else the subject.
    """

    subject: str
    role: Role
    organization_id: str | None = None
    name: str = ""

    @property
    def is_platform(self) -> bool:
        """Whether every organization is visible."""
        return self.role is Role.PLATFORM_ADMIN

    def sees(self, organization_id: str | None) -> bool:
        """Whether something of this organization (``None``: of the platform) is visible."""
        return self.is_platform or (organization_id is not None and organization_id == self.organization_id)

    def require_manage(self) -> None:
        """Changing anything takes an administrator.

        Raises:
            Problem: 403 for a viewer.
        """
        if self.role is Role.ORGANIZATION_VIEWER:
            raise forbidden("A viewer may read only. Ask an administrator of your organization.")

    def require_platform(self) -> None:
        """Some things are the platform's alone.

        Raises:
            Problem: 403 for everybody else.
        """
        if not self.is_platform:
            raise forbidden("Only an administrator of the platform may do this.")

    def require_sight(self, organization_id: str | None, kind: str) -> None:
        """What is another organization's does not exist for this principal.

        Raises:
            Problem: 404, the same as for what does not exist at all.
        """
        if not self.sees(organization_id):
            raise not_found(kind)

    def organization_of(self, asked: str | None, *, required: bool = True) -> str | None:
        """The organization a request is about.

        Args:
            asked: What the request names; may be left out by an organization's own people.
            required: Whether there must be one; only the platform can leave it out otherwise.

        Raises:
            Problem: 404 for a foreign organization, 400 where the platform must name one and did not.
        """
        if not self.is_platform:
            if asked not in (None, self.organization_id):
                raise not_found("organization")
            return self.organization_id
        if asked is None and required:
            message = "name the organization: as the platform's administrator you see them all"
            detail = {"field": "organization_id", "message": message}
            raise Problem(400, "invalid_request", f"organization_id: {message}", [detail])
        return asked

    def scope_of_lists(self, asked: str | None) -> str:
        """Which list a principal reads: ``all``, or one organization's."""
        found = self.organization_of(asked, required=False)
        return "all" if found is None else found


def read_principal(request_context: Mapping[str, Any]) -> Principal:
    """Read who is asking from a request's context (payload format 2.0, ``authorizer.jwt``).

    Raises:
        Problem: 401 without verified claims; 403 when they open nothing here.
    """
    verified = (request_context.get("authorizer") or {}).get("jwt") or {}
    claims: Mapping[str, Any] = verified.get("claims") or {}
    subject = str(claims.get("sub") or "")
    if not subject:
        raise unauthenticated()
    scopes = set(str(claims.get("scope") or "").split())
    name = str(claims.get("email") or claims.get("username") or subject)
    organization_id = str(claims.get("organization_id") or "") or None
    if PLATFORM_SCOPE in scopes:
        return Principal(subject, Role.PLATFORM_ADMIN, None, name)
    role = Role.ORGANIZATION_ADMIN if MANAGE_SCOPE in scopes else Role.ORGANIZATION_VIEWER
    if READ_SCOPE not in scopes and MANAGE_SCOPE not in scopes:
        raise forbidden("The token has no scope of Ringfold's: ringfold/read, ringfold/manage or ringfold/platform.")
    if organization_id is None:
        raise forbidden("The token names no organization: it needs the claim organization_id.")
    return Principal(subject, role, organization_id, name)
