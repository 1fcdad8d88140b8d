"""Shapes that every resource shares."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(min_length=1, max_length=120, pattern=r"\S", examples=["Main line"])]
OrganizationRef = Annotated[
    str, Field(pattern=r"^[a-z]+_[0-9A-Za-z_]{1,60}$", description="Id of an organization.", examples=["org_skyowl"])
]
BaseUrl = Annotated[
    str,
    Field(
        max_length=200,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*[^\s?#/])?$",
        description="https://host without a trailing slash; where Twilio reaches this deployment.",
        examples=["https://voice.example.com"],
    ),
]
Instant = Annotated[datetime, Field(description="ISO 8601, UTC.", examples=["2026-11-26T04:17:00.123Z"])]


class Given(BaseModel):
    """What a client sends: a field that is not known is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    def sent(self) -> dict[str, Any]:
        """The fields that were sent, by name; ``None`` where null was."""
        return self.model_dump(mode="json", exclude_unset=True)


class Shown(BaseModel):
    """What a client is given."""

    model_config = ConfigDict(extra="forbid")


class ErrorDetail(BaseModel):
    """One field's fault."""

    model_config = ConfigDict(extra="allow")

    field: str = ""
    message: str = ""


class ErrorBody(Shown):
    """What went wrong."""

    code: Annotated[str, Field(description="For programs; never changes.", examples=["invalid_request"])]
    message: Annotated[str, Field(description="What was expected, and how to cure it.")]
    details: list[ErrorDetail] = []


class Error(Shown):
    """The one shape of an error."""

    error: ErrorBody


class Refusal(BaseModel):
    """An error that may come from API Gateway itself: then it has Amazon's ``message``, and no ``error``."""

    error: ErrorBody | None = None
    message: Annotated[str | None, Field(examples=["Unauthorized"])] = None
