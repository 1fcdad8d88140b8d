"""Organizations: made, changed and removed by the platform; each sees its own."""

from __future__ import annotations

from typing import Any

from ringfold_admin.principal import Principal
from ringfold_admin.problems import conflict, not_found
from ringfold_admin.services.desk import Desk, Page, again, require_match, told
from ringfold_admin.stores import organizations as store
from ringfold_admin.stores.audit import entry
from ringfold_admin.stores.organizations import Organizations
from ringfold_admin.stores.table import Item, Table, list_pk

OWNED = ("agents", "numbers", "accounts", "people")
"""What an organization must have none of before it can be removed; people are forgotten by erasure."""


class OrganizationService:
    """What can be done with organizations."""

    def __init__(self, organizations: Organizations, table: Table, desk: Desk) -> None:
        self._organizations, self._table, self._desk = organizations, table, desk

    def list_page(self, principal: Principal, limit: int, cursor: str | None) -> Page:
        """A page of what the principal sees; an organization's people see their own."""
        if not principal.is_platform:
            own = self._organizations.get(str(principal.organization_id))
            return ([store.view(own)] if own else []), None
        return self._desk.page(
            "organizations", cursor, lambda after: self._organizations.page(limit=limit, after=after), store.view
        )

    def get(self, principal: Principal, organization_id: str) -> Item:
        """One organization's item.

        Raises:
            Problem: 404.
        """
        principal.require_sight(organization_id, "organization")
        item = self._organizations.get(organization_id)
        if item is None:
            raise not_found("organization")
        return item

    def create(self, principal: Principal, name: str) -> Item:
        """Make one."""
        principal.require_platform()
        now_ms = self._desk.clock()
        item = store.new_item(self._desk.new_id("org"), name, now_ms)
        organization_id = item["organization_id"]
        audit = entry(
            principal, "organization.create", organization_id, organization_id, now_ms, after=store.view(item)
        )
        with told():
            self._organizations.create(item, audit)
        return item

    def change(self, principal: Principal, organization_id: str, changed: dict[str, Any], if_match: str | None) -> Item:
        """Change its settings."""
        principal.require_manage()

        def change() -> Item:
            old = self.get(principal, organization_id)
            require_match(old, if_match)
            now_ms = self._desk.clock()
            new = store.changed_item(old, {k: v for k, v in changed.items() if v is not None}, now_ms)
            before, after = store.view(old), store.view(new)
            audit = entry(
                principal, "organization.update", organization_id, organization_id, now_ms, before=before, after=after
            )
            self._organizations.change(old, new, audit)
            return new

        with told():
            return again(change, if_match, lambda: self._organizations.get(organization_id))

    def delete(self, principal: Principal, organization_id: str, if_match: str | None) -> None:
        """Remove one that owns nothing any more.

        Raises:
            Problem: 409 while it has numbers, accounts or agents.
        """
        principal.require_platform()
        item = self.get(principal, organization_id)
        require_match(item, if_match)
        now_ms = self._desk.clock()
        audit = entry(
            principal, "organization.delete", organization_id, organization_id, now_ms, before=store.view(item)
        )
        with told():
            # Marked first: what would become its own from now on finds the mark, what is its own is seen below.
            marked = self._organizations.mark(item, leaving=True)
            left = [kind for kind in OWNED if self._table.page(list_pk(kind, organization_id), limit=1)[0]]
            if left:
                self._organizations.mark(marked, leaving=False)
                raise conflict("organization_in_use", f"It still has {', '.join(left)}: remove those first.", owns=left)
            self._organizations.delete(marked, audit)
