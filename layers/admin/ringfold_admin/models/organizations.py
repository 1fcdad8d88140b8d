"""Organizations: the platform's customers, who own agents and are served by numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ringfold_admin.models.common import Given, Instant, Name, Shown

MemoryDays = Annotated[
    int,
    Field(ge=0, le=3650, description="How long anything is remembered of a person at most; 0: as long as its kind is."),
]


class NewOrganization(Given):
    """What an organization is made from."""

    name: Name


class OrganizationChange(Given):
    """What is to be changed; fields left out stay as they are."""

    name: Name | None = None
    memory_days: MemoryDays | None = None


class Organization(Shown):
    """One organization."""

    id: str
    name: str
    memory_days: int
    created_at: Instant
    updated_at: Instant


class OrganizationPage(Shown):
    """A page of organizations; ``next_cursor`` is null on the last one."""

    organizations: list[Organization]
    next_cursor: str | None = None
