"""Organizations: the platform's customers, who own agents and are served by numbers."""

from __future__ import annotations

from ringfold_admin.models.common import Given, Instant, Name, Shown


class NewOrganization(Given):
    """What an organization is made from."""

    name: Name


class OrganizationChange(Given):
    """What is to be changed; fields left out stay as they are."""

    name: Name | None = None


class Organization(Shown):
    """One organization."""

    id: str
    name: str
    created_at: Instant
    updated_at: Instant


class OrganizationPage(Shown):
    """A page of organizations; ``next_cursor`` is null on the last one."""

    organizations: list[Organization]
    next_cursor: str | None = None
