"""Conversations, calls and texts in one form."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ringfold_admin.models.common import Instant, Shown


class Conversation(Shown):
    """One conversation.

    A call is ``active`` until it is over, then ``closed``. Texts of one contact, number and channel are one
    conversation: ``active`` while it goes on, ``inactive`` once it has been quiet.
    """

    id: str
    organization_id: str
    channel: Annotated[str, Field(examples=["voice", "sms", "whatsapp"])]
    state: Literal["active", "inactive", "closed"]
    number: Annotated[str, Field(description="Ours, E.164.")]
    contact: Annotated[str | None, Field(description="Theirs; null when it was withheld.")]
    agent_id: str | None
    call_sid: str | None
    call_status: str | None
    end_reason: str | None
    continues: Annotated[str | None, Field(description="The conversation on another channel that it goes on from.")]
    started_at: Instant
    updated_at: Instant


class Line(Shown):
    """One utterance, text or event; of the agent's, what was heard or delivered, and the tools it used before."""

    role: Literal["caller", "agent", "event"]
    text: str
    at: Instant | None
    typed: bool
    tools: list[dict[str, Any]]
    message_id: str | None
    state: Annotated[str | None, Field(description="Of a text; see messages.")]


class FullConversation(Conversation):
    """With its transcript. Of a long thread, the newest texts; ``omitted`` is how many lines are left out of a call."""

    transcript: list[Line]
    omitted: int


class ConversationPage(Shown):
    """A page of conversations, the newest first; ``next_cursor`` is null on the last one."""

    conversations: list[Conversation]
    next_cursor: str | None = None
