"""Texts, as they are kept: no Twilio is asked for them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from ringfold_admin.models.common import Given, Instant, Shown


class Medium(Shown):
    """A picture or file that came with a text, by reference."""

    url: str
    content_type: str


class Message(Shown):
    """One text.

    ``state`` of an inbound one is ``received``, ``answered`` or ``ignored`` (then ``reason`` says why); of an outbound
    one ``sending`` and then Twilio's own.
    """

    id: str
    organization_id: str
    conversation_id: Annotated[str, Field(description="The same for every text of a contact, a number and a channel.")]
    channel: Annotated[str, Field(examples=["sms", "whatsapp"])]
    direction: Literal["in", "out"]
    number: Annotated[str, Field(description="Ours, E.164.")]
    contact: Annotated[str, Field(description="Theirs, E.164.")]
    body: str
    media: list[Medium]
    state: Annotated[str, Field(examples=["answered", "delivered"])]
    reason: str
    error_code: Annotated[str, Field(description="Twilio's.")]
    message_sid: str
    segments: int
    encoding: str
    reply_to: Annotated[str | None, Field(description="The newest text that this one answers.")]
    created_at: Instant
    updated_at: Instant


class MessagePage(Shown):
    """A page of texts, the newest first; ``next_cursor`` is null on the last one."""

    messages: list[Message]
    next_cursor: str | None = None


class Backfill(Given):
    """Which older texts are to be fetched from Twilio; its own credentials for the number's account are needed."""

    number_id: Annotated[str, Field(min_length=1, max_length=80)]
    since: Annotated[date | None, Field(description="Of that day (UTC) or later.")] = None
    until: Annotated[date | None, Field(description="Of that day or earlier.")] = None
    cursor: Annotated[
        str | None, Field(min_length=1, max_length=2000, description="`next_cursor` of the answer before, to go on.")
    ] = None


class Backfilled(Shown):
    """What one page of a backfill came to; go on with ``next_cursor`` until it is null."""

    fetched: int
    added: Annotated[
        int, Field(description="New ones; the others were known, or are nobody's, such as a short code's.")
    ]
    next_cursor: str | None
