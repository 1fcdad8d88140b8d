"""People: who they are, what is remembered of them, and how they are forgotten."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ringfold_admin.models.common import Given, Instant, Shown
from ringfold_admin.models.conversations import FullConversation
from ringfold_admin.models.messages import Message

Name = Annotated[str, Field(max_length=60)]
ProfileRef = Annotated[str, Field(min_length=1, max_length=80)]


class Identity(Shown):
    """One way to know somebody by."""

    kind: Literal["phone", "email", "account_id"]
    value: str


class NewIdentity(Given):
    """An identity to know somebody by from now on; nobody else may have it."""

    kind: Literal["phone", "email", "account_id"]
    value: Annotated[
        str, Field(min_length=1, max_length=254, description="E.164, an address, or an id as you write it.")
    ]


class ProfileChange(Given):
    """What can be changed of a profile."""

    name: Name | None = None


class Merge(Given):
    """Whom this profile is merged into."""

    into: ProfileRef


class Profile(Shown):
    """A person, by all the ways they are known."""

    id: str
    organization_id: str
    name: Annotated[str, Field(description="As they said it, or as you have set it; empty while nobody knows.")]
    identities: list[Identity]
    merged: Annotated[list[str], Field(description="Profiles that are merged into this one.")]
    merged_into: Annotated[str | None, Field(description="The profile that stands for this one.")]
    created_at: Instant
    updated_at: Instant


class ProfilePage(Shown):
    """A page of profiles; ``next_cursor`` is null on the last one."""

    profiles: list[Profile]
    next_cursor: str | None = None


class Observation(Shown):
    """A fact that is remembered, with the words it was taken from."""

    id: str
    text: str
    kind: Annotated[str, Field(examples=["preference", "fact", "plan", "issue"])]
    subject: str
    confidence: float
    quote: Annotated[str, Field(description="The person's own words.")]
    conversations: Annotated[list[str], Field(description="Where it was said, the newest last.")]
    first_at: Instant
    last_at: Instant
    expires_at: Instant
    superseded_by: Annotated[str | None, Field(description="The newer fact that contradicts it.")]


class Summary(Shown):
    """How a conversation went."""

    conversation_id: str
    channel: str
    text: str
    unfinished: Annotated[str, Field(description="What the person still waits for; empty for nothing.")]
    at: Instant


class Memory(Shown):
    """All that is remembered of a person, and what an agent is told of it now."""

    profile: Profile
    observations: list[Observation]
    summaries: list[Summary]
    told: list[str]


class Export(Shown):
    """Everything that is kept of a person."""

    profile: Profile
    observations: list[Observation]
    summaries: list[Summary]
    conversations: list[FullConversation]
    messages: list[Message]
    consents: list[dict[str, Any]]


class Erasure(Shown):
    """A job that forgets a person, and its receipt: how much of each kind has been deleted."""

    id: str
    organization_id: str
    profile_id: str
    state: Literal["running", "done"]
    counts: dict[str, int]
    created_at: Instant
    finished_at: Instant | None
