"""AWS as this person's configuration has it: botocore clients, and its errors as one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Final, TypeVar

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound

from scripts.deployment.findings import Stop

SETTINGS: Final = Config(
    retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=10, user_agent_extra="ringfold-deploy"
)
T = TypeVar("T")
LOGIN: Final = "Set credentials up: aws configure, aws sso login, or AWS_PROFILE."


class Cloud:
    """Clients of one account and region.

    Args:
        region: Named for this run (`AWS_REGION`, which botocore does not read).
        fallback: Where neither that nor AWS's own settings name one.
        session: Another session than this person's.
    """

    def __init__(self, region: str = "", fallback: str = "", session: botocore.session.Session | None = None) -> None:
        self._session = session or botocore.session.Session()
        self._named, self._fallback = region, fallback
        self._clients: dict[str, Any] = {}

    @cached_property
    def region(self) -> str:
        """The region; ``""`` when nothing names one."""
        try:
            return self._named or str(self._session.get_config_variable("region") or "") or self._fallback
        except ProfileNotFound as exc:
            raise Stop(str(exc), LOGIN) from exc

    def offers(self, service: str) -> bool:
        """Whether the region is known to have a service."""
        partition = self._session.get_partition_for_region(self.region)
        return self.region in self._session.get_available_regions(service, partition)

    def client(self, service: str) -> Any:
        """A client, made once."""
        if service not in self._clients:
            self._clients[service] = attempt(f"Using {service}", lambda: self._made(service))
        return self._clients[service]

    def _made(self, service: str) -> Any:
        return self._session.create_client(service, region_name=self.region or None, config=SETTINGS)

    def pages(self, service: str, operation: str, key: str, **parameters: Any) -> Iterator[Any]:
        """Everything a paged operation lists."""
        for page in self.client(service).get_paginator(operation).paginate(**parameters):
            yield from page.get(key) or ()


def code_of(error: BaseException) -> str:
    """AWS's code of an error; the exception's name where it is none of AWS's."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code") or "")
    return type(error).__name__


def text_of(error: BaseException) -> str:
    """What AWS says of an error."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message") or error)
    return str(error)


def attempt(what: str, request: Callable[[], T]) -> T:
    """Do something at AWS.

    Raises:
        Stop: Saying what was tried, and what AWS answered.
    """
    try:
        return request()
    except NoCredentialsError as exc:
        raise Stop(f"{what}: there are no AWS credentials.", LOGIN) from exc
    except (BotoCoreError, ClientError) as exc:
        denied = "AccessDenied" in code_of(exc) or "not authorized" in text_of(exc)
        cure = "The AWS identity you deploy with needs this permission." if denied else ""
        raise Stop(f"{what}: {code_of(exc)}: {text_of(exc)}", cure) from exc
