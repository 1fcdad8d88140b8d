"""The audit trail: who changed what, when, from what to what (never a secret).

An entry lies under ``AUDIT#{scope}``, once for everybody's trail (``all``) and once for its owner's, sorted by time.
It is written in the transaction of the change it tells, so there is no change without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ringfold_admin.ids import new_id
from ringfold_admin.principal import Principal
from ringfold_admin.stores.table import ALL, PLATFORM, Item, Table, Write

SECRET_FIELDS: Final = frozenset({"auth_token", "secondary_token", "api_key_secret"})
UNTOLD_FIELDS: Final = frozenset({"created_at", "updated_at", "revision"})
MOST_CHARS: Final = 2000
"""Longer values are cut: an agent's instructions have versions of their own."""


def iso(at_ms: int) -> str:
    """An instant as the API writes it: ``2026-11-26T04:17:00.123Z``."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def audit_pk(scope: str) -> str:
    """The partition of a trail: ``all``, ``platform`` or an organization's id."""
    return f"AUDIT#{scope}"


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Field → ``{"from": …, "to": …}`` of what differs; of a secret only that it did."""
    told: dict[str, dict[str, Any]] = {}
    for name in sorted((before.keys() | after.keys()) - UNTOLD_FIELDS):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        told[name] = {"changed": True} if name in SECRET_FIELDS else {"from": _short(old), "to": _short(new)}
    return told


def entry(
    principal: Principal,
    action: str,
    resource_id: str,
    organization_id: str | None,
    now_ms: int,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    note: str = "",
) -> list[Write]:
    """The writes of one entry.

    Args:
        principal: Who did it.
        action: What, for example ``account.update``.
        resource_id: To what.
        organization_id: Whose it is; ``None`` for the platform's.
        now_ms: When.
        before: The resource as the API shows it, before; ``None`` for a creation.
        after: The same afterwards; ``None`` for a deletion.
        note: What the fields do not say.
    """
    at = iso(now_ms)
    entry_id = new_id("aud", now_ms=now_ms)
    item: Item = {
        "sk": f"{at}#{entry_id}",
        "audit_id": entry_id,
        "at": at,
        "actor": principal.subject,
        "actor_name": principal.name,
        "role": principal.role.value,
        "action": action,
        "resource_id": resource_id,
        "organization_id": organization_id,
        "changes": changes(before or {}, after or {}),
        **({"note": note} if note else {}),
    }
    return [Write({**item, "pk": audit_pk(scope)}) for scope in (ALL, organization_id or PLATFORM)]


class AuditTrail:
    """Reads trails."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def page(self, scope: str, *, limit: int, after: str) -> tuple[list[Item], str]:
        """The newest entries first; see :meth:`ringfold_admin.stores.table.Table.page`."""
        return self._table.page(audit_pk(scope), limit=limit, after=after, newest_first=True)


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MOST_CHARS:
        return value[:MOST_CHARS] + "…"
    return value
