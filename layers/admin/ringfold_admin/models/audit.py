"""The audit trail."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from ringfold_admin.models.common import Instant, Shown


class AuditEntry(Shown):
    """One change."""

    id: str
    at: Instant
    actor: Annotated[str, Field(description="The token's subject.")]
    actor_name: str
    role: str
    action: Annotated[str, Field(examples=["account.update"])]
    resource_id: str
    organization_id: str | None
    changes: Annotated[
        dict[str, dict[str, Any]],
        Field(description="Field → from and to; of a secret only that it changed."),
    ]
    note: str = ""


class AuditPage(Shown):
    """A page of the trail, the newest first; ``next_cursor`` is null on the last one."""

    entries: list[AuditEntry]
    next_cursor: str | None = None
