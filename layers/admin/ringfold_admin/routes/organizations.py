"""`/api/organizations`."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.event_handler import Response

from ringfold_admin.models.organizations import (
    NewOrganization,
    Organization,
    OrganizationChange,
    OrganizationPage,
)
from ringfold_admin.routes.parts import (
    DEFAULT_PAGE,
    Cursor,
    Id,
    IdempotencyKey,
    IfMatch,
    Limit,
    Router,
    answers,
    new_router,
    nothing,
    shown,
    who,
)
from ringfold_admin.services.desk import etag
from ringfold_admin.services.organizations import OrganizationService
from ringfold_admin.stores.organizations import view
from ringfold_admin.stores.table import Item

TAGS = ["organizations"]


def organization_routes(service: OrganizationService) -> Router:
    """The routes of organizations."""
    router = new_router()

    @router.get("/api/organizations", tags=TAGS, summary="List organizations", responses=answers(200, OrganizationPage))
    def list_organizations(limit: Limit = DEFAULT_PAGE, cursor: Cursor = None) -> Response[OrganizationPage]:
        items, next_cursor = service.list_page(who(router), limit, cursor)
        found = [model_of(each) for each in items]
        return shown(OrganizationPage(organizations=found, next_cursor=next_cursor))

    @router.post(
        "/api/organizations", tags=TAGS, summary="Make an organization", responses=answers(201, Organization, 409)
    )
    def create_organization(
        organization: NewOrganization, idempotency_key: IdempotencyKey = None
    ) -> Response[Organization]:
        item = service.create(who(router), organization.name)
        return _one(item, 201, Location=f"/api/organizations/{item['organization_id']}")

    @router.get(
        "/api/organizations/<organization_id>",
        tags=TAGS,
        summary="Get an organization",
        responses=answers(200, Organization, 404),
    )
    def get_organization(organization_id: Id) -> Response[Organization]:
        return _one(service.get(who(router), organization_id))

    @router.patch(
        "/api/organizations/<organization_id>",
        tags=TAGS,
        summary="Change an organization",
        responses=answers(200, Organization, 404, 409, 412),
    )
    def change_organization(
        organization_id: Id, change: OrganizationChange, if_match: IfMatch = None
    ) -> Response[Organization]:
        return _one(service.change(who(router), organization_id, change.sent(), if_match))

    @router.delete(
        "/api/organizations/<organization_id>",
        tags=TAGS,
        summary="Remove an organization",
        responses=answers(204, None, 404, 409, 412),
    )
    def delete_organization(organization_id: Id, if_match: IfMatch = None) -> Response[Any]:
        service.delete(who(router), organization_id, if_match)
        return nothing()

    return router


def model_of(seen: dict[str, Any]) -> Organization:
    """The document of an organization from its view."""
    return Organization(**{name: value for name, value in seen.items() if name != "revision"})


def _one(item: Item, status: int = 200, **headers: str) -> Response[Organization]:
    return shown(model_of(view(item)), status, etag=etag(item), **headers)
