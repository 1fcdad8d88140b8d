"""What one REST operation is: its path, its parameters, and who serves it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from local.carrier.books import Account, Key
from local.carrier.rest.params import Readers

ACCOUNT: Final = "/2010-04-01/Accounts/{AccountSid}"


@dataclass(frozen=True)
class Asked:
    """A request that has been authenticated and read.

    Attributes:
        path: As at Twilio, without the base it is served under.
        at: The path's own parameters.
        query: As sent; paging repeats it.
        values: What the query or the form says, by parameter; only what was given.
        who: The account that asks.
        key: The API key it asks with, if it does.
        account: The account named in the path; for the newer APIs, whoever asks.
    """

    path: str
    at: Mapping[str, str]
    query: list[tuple[str, str]]
    values: dict[str, Any]
    who: Account
    key: Key | None
    account: Account


@dataclass(frozen=True)
class Answer:
    """What is answered; no body with 204."""

    body: dict[str, Any] | None
    status: int = 200


Serve = Callable[[Asked], Awaitable[Answer]]


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    Attributes:
        resource: The name under which faults are set.
        query: Readers of the query's parameters.
        form: Readers of the form's parameters.
        required: Parameters that must be given.
        keys: Whether an API key will do; standard keys may manage neither accounts nor keys.
        while_suspended: Whether it is served for an account that is not active.
    """

    method: str
    path: str
    serve: Serve
    resource: str
    query: Readers = field(default_factory=dict)
    form: Readers = field(default_factory=dict)
    required: tuple[str, ...] = ()
    keys: bool = True
    while_suspended: bool = False


def rfc_2822(epoch_s: float) -> str:
    """A time as the 2010 API writes it."""
    return format_datetime(datetime.fromtimestamp(int(epoch_s), UTC))


def iso_8601(epoch_s: float) -> str:
    """A time as the newer APIs write it."""
    return f"{datetime.fromtimestamp(int(epoch_s), UTC):%Y-%m-%dT%H:%M:%SZ}"
