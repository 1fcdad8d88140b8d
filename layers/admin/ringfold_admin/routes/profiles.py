"""`/api/profiles` and `/api/erasures`."""

from __future__ import annotations

from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query

from ringfold_admin.models.profiles import (
    Erasure,
    Export,
    Memory,
    Merge,
    NewIdentity,
    Profile,
    ProfileChange,
    ProfilePage,
)
from ringfold_admin.problems import invalid
from ringfold_admin.routes.parts import (
    DEFAULT_PAGE,
    Cursor,
    Id,
    IdempotencyKey,
    Limit,
    OfOrganization,
    Router,
    answers,
    new_router,
    nothing,
    shown,
    who,
)
from ringfold_admin.services.people import PeopleService

TAGS = ["profiles"]
PATH = "/api/profiles"
ONE = f"{PATH}/<profile_id>"
ByPhone = Annotated[str | None, Query(min_length=1, max_length=20, description="The person with this number, E.164.")]
ByEmail = Annotated[str | None, Query(min_length=1, max_length=254, description="The person with this address.")]
ByAccount = Annotated[str | None, Query(min_length=1, max_length=128, description="The person with this id of yours.")]


def profile_routes(service: PeopleService) -> Router:
    """The routes of people."""
    router = new_router()
    _look(router, service)
    _change(router, service)
    return router


def _look(router: Router, service: PeopleService) -> None:
    @router.get(
        PATH, tags=TAGS, summary="List people, or find one by an identity", responses=answers(200, ProfilePage, 404)
    )
    def list_profiles(
        *,
        limit: Limit = DEFAULT_PAGE,
        cursor: Cursor = None,
        organization_id: OfOrganization = None,
        phone: ByPhone = None,
        email: ByEmail = None,
        account_id: ByAccount = None,
    ) -> Response[ProfilePage]:
        asked = {"phone": phone, "email": email, "account_id": account_id}
        named = {kind: value for kind, value in asked.items() if value is not None}
        if len(named) > 1:
            raise invalid(list(named)[1], f"name one of {', '.join(asked)}")
        if named:
            ((kind, value),) = named.items()
            found = service.find(who(router), organization_id, kind, value)
            return shown(ProfilePage(profiles=[Profile(**each) for each in found]))
        items, next_cursor = service.list_page(who(router), organization_id, limit, cursor)
        return shown(ProfilePage(profiles=[Profile(**each) for each in items], next_cursor=next_cursor))

    @router.get(ONE, tags=TAGS, summary="Get a person", responses=answers(200, Profile, 404))
    def get_profile(profile_id: Id, organization_id: OfOrganization = None) -> Response[Profile]:
        return shown(Profile(**service.get(who(router), organization_id, profile_id)))

    @router.get(
        f"{ONE}/memory",
        tags=TAGS,
        summary="What is remembered of a person, and where it came from",
        responses=answers(200, Memory, 404),
    )
    def get_memory(profile_id: Id, organization_id: OfOrganization = None) -> Response[Memory]:
        return shown(Memory(**service.memory(who(router), organization_id, profile_id)))

    @router.get(
        f"{ONE}/export",
        tags=TAGS,
        summary="Everything that is kept of a person",
        responses=answers(200, Export, 404, 422),
    )
    def export_profile(profile_id: Id, organization_id: OfOrganization = None) -> Response[Export]:
        return shown(Export(**service.export(who(router), organization_id, profile_id)))

    @router.get(
        "/api/erasures/<erasure_id>",
        tags=TAGS,
        summary="How far an erasure has come; afterwards its receipt",
        responses=answers(200, Erasure, 404),
    )
    def get_erasure(erasure_id: Id, organization_id: OfOrganization = None) -> Response[Erasure]:
        return shown(Erasure(**service.erasure(who(router), organization_id, erasure_id)))


def _change(router: Router, service: PeopleService) -> None:
    @router.patch(ONE, tags=TAGS, summary="Set a person's name", responses=answers(200, Profile, 404, 409))
    def change_profile(
        profile_id: Id, change: ProfileChange, organization_id: OfOrganization = None
    ) -> Response[Profile]:
        return shown(Profile(**service.change(who(router), organization_id, profile_id, change.name)))

    @router.delete(
        ONE, tags=TAGS, summary="Forget a person: begins an erasure", responses=answers(202, Erasure, 404, 409)
    )
    def erase_profile(profile_id: Id, organization_id: OfOrganization = None) -> Response[Erasure]:
        return shown(Erasure(**service.erase(who(router), organization_id, profile_id)), 202)

    @router.delete(
        f"{ONE}/observations/<observation_id>", tags=TAGS, summary="Forget one fact", responses=answers(204, None, 404)
    )
    def forget_observation(profile_id: Id, observation_id: Id, organization_id: OfOrganization = None) -> Response[Any]:
        service.forget_fact(who(router), organization_id, profile_id, observation_id)
        return nothing()

    @router.post(
        f"{ONE}/identities",
        tags=TAGS,
        summary="Know a person by one more identity",
        responses=answers(200, Profile, 404, 409),
    )
    def add_identity(
        profile_id: Id,
        identity: NewIdentity,
        organization_id: OfOrganization = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response[Profile]:
        made = service.add_identity(who(router), organization_id, profile_id, identity.kind, identity.value)
        return shown(Profile(**made))

    @router.post(
        f"{ONE}/merge",
        tags=TAGS,
        summary="Merge a profile into another; gives the other",
        responses=answers(200, Profile, 404, 409),
    )
    def merge_profile(
        profile_id: Id, merge: Merge, organization_id: OfOrganization = None, idempotency_key: IdempotencyKey = None
    ) -> Response[Profile]:
        return shown(Profile(**service.merge(who(router), organization_id, profile_id, merge.into)))

    @router.post(f"{ONE}/unmerge", tags=TAGS, summary="Take a merge back", responses=answers(200, Profile, 404, 409))
    def unmerge_profile(
        profile_id: Id, organization_id: OfOrganization = None, idempotency_key: IdempotencyKey = None
    ) -> Response[Profile]:
        return shown(Profile(**service.unmerge(who(router), organization_id, profile_id)))
