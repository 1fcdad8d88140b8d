"""The audit trail, read page by page, the newest entry first."""

from __future__ import annotations

from typing import Any

from ringfold_admin.principal import Principal
from ringfold_admin.services.desk import Desk, Page
from ringfold_admin.stores.audit import AuditTrail
from ringfold_admin.stores.table import Item


class AuditService:
    """What can be read of the trail."""

    def __init__(self, trail: AuditTrail, desk: Desk) -> None:
        self._trail, self._desk = trail, desk

    def list_page(self, principal: Principal, organization_id: str | None, limit: int, cursor: str | None) -> Page:
        """A page of what the principal sees: an organization's own changes, or everybody's."""
        scope = principal.scope_of_lists(organization_id)
        return self._desk.page(
            f"audit#{scope}", cursor, lambda after: self._trail.page(scope, limit=limit, after=after), view
        )


def view(item: Item) -> dict[str, Any]:
    """An entry as the API shows it."""
    names = ("at", "actor", "actor_name", "role", "action", "resource_id", "organization_id", "changes")
    return {"id": item["audit_id"], **{name: item.get(name) for name in names}, "note": item.get("note", "")}
