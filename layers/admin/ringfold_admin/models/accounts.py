"""Twilio accounts: the platform's own, and those that organizations bring."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ringfold_admin.models.common import BaseUrl, Given, Instant, Name, OrganizationRef, Shown

AccountSid = Annotated[str, Field(pattern=r"^AC[0-9A-Za-z]{32}$", description="Twilio's AC… SID.")]
AuthToken = Annotated[str, Field(min_length=16, max_length=256, pattern=r"^[!-~]+$", description="Never shown again.")]
ApiKeySid = Annotated[str, Field(pattern=r"^SK[0-9A-Za-z]{32}$", description="An API key, for REST requests.")]


class NewAccount(Given):
    """What an account is made from.

    With an API key, REST requests use it; signatures of webhooks need the auth token in any case.
    """

    name: Name
    scope: Annotated[
        Literal["platform", "organization"] | None,
        Field(description="Left out: organization if one is named or the caller belongs to one, else platform."),
    ] = None
    organization_id: OrganizationRef | None = None
    account_sid: AccountSid
    auth_token: AuthToken
    api_key_sid: ApiKeySid | None = None
    api_key_secret: AuthToken | None = None
    base_url: BaseUrl | None = None
    is_active: bool = True


class AccountChange(Given):
    """What is to be changed; fields left out stay as they are.

    A new ``auth_token`` makes the old one the secondary: both are accepted until ``secondary_token`` is set to null.
    """

    name: Name | None = None
    account_sid: AccountSid | None = None
    auth_token: AuthToken | None = None
    secondary_token: AuthToken | None = None
    api_key_sid: ApiKeySid | None = None
    api_key_secret: AuthToken | None = None
    base_url: BaseUrl | None = None
    is_active: bool | None = None


class Rotation(Given):
    """How tokens are rotated.

    Without ``auth_token`` Ringfold has Twilio make a secondary token, accepts both, and has it promoted.
    """

    auth_token: Annotated[AuthToken | None, Field(description="A token that was promoted at Twilio already.")] = None


class Finding(Shown):
    """One thing a connection test looked at."""

    check: Annotated[str, Field(examples=["credentials"])]
    status: Literal["ok", "failed", "warning", "unknown"]
    message: str
    cure: str = ""


class Connection(Shown):
    """What the last connection test found."""

    ok: bool
    checked_at: Instant
    findings: list[Finding]


class Account(Shown):
    """One account; tokens are never shown."""

    id: str
    scope: Literal["platform", "organization"]
    organization_id: str | None
    name: str
    account_sid: str
    api_key_sid: str | None
    base_url: str | None
    is_active: bool
    has_secondary_token: Annotated[bool, Field(description="Whether two tokens are accepted, as while they rotate.")]
    connection: Connection | None
    created_at: Instant
    updated_at: Instant


class AccountPage(Shown):
    """A page of accounts; ``next_cursor`` is null on the last one."""

    accounts: list[Account]
    next_cursor: str | None = None
