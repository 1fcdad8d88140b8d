"""`/api/audit`."""

from __future__ import annotations

from aws_lambda_powertools.event_handler import Response

from ringfold_admin.models.audit import AuditEntry, AuditPage
from ringfold_admin.routes.parts import (
    DEFAULT_PAGE,
    Cursor,
    Limit,
    OfOrganization,
    Router,
    answers,
    new_router,
    shown,
    who,
)
from ringfold_admin.services.audit import AuditService


def audit_routes(service: AuditService) -> Router:
    """The route of the audit trail."""
    router = new_router()

    @router.get(
        "/api/audit",
        tags=["audit"],
        summary="Read the audit trail, newest first",
        responses=answers(200, AuditPage, 404),
    )
    def list_audit(
        limit: Limit = DEFAULT_PAGE, cursor: Cursor = None, organization_id: OfOrganization = None
    ) -> Response[AuditPage]:
        items, next_cursor = service.list_page(who(router), organization_id, limit, cursor)
        return shown(AuditPage(entries=[AuditEntry(**each) for each in items], next_cursor=next_cursor))

    return router
