"""Builds the services once per cold start; importing this module opens nothing and reads nothing."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import Any

from ringfold import config
from ringfold.adapters import aws
from ringfold.adapters.calls import Calls
from ringfold.adapters.directory import Directory
from ringfold.adapters.insights_queue import InsightsQueue
from ringfold.adapters.secrets import Secrets
from ringfold.adapters.sessions import Sessions
from ringfold.adapters.transcripts import Transcripts
from ringfold.config import Settings
from ringfold.core.phone import AddressKind, address_kind
from ringfold.log import Log
from ringfold.ports import Finisher
from ringfold.service.finish import Finish
from ringfold.service.handshake import Handshake
from ringfold.service.voice import Voice

VOICE_READ_TIMEOUT_S = 1.5
"""Twice that and a pause must fit into a webhook's patience more than once."""


@cache
def settings() -> Settings:
    """This function's settings.

    Raises:
        ConfigError: Naming all that is missing or wrong.
    """
    return config.load(os.environ)


def log(function: str) -> Log:
    """The logger of one function."""
    return Log(settings().log_level, function=function, stage=settings().stage)


@cache
def secrets() -> Secrets:
    """Auth tokens and the relay key; nothing is read before the first call, so none is kept in a snapshot."""
    client = aws.client("secretsmanager", read_timeout_s=VOICE_READ_TIMEOUT_S)
    return Secrets(client, prefix=settings().secret_prefix, relay_key_id=settings().relay_token_secret_arn)


@cache
def voice_service() -> Voice:
    """What the voice webhooks call."""
    table = settings().table_name
    return Voice(
        directory=Directory(_dynamodb(), table),
        calls=Calls(_dynamodb(), table),
        secrets=secrets(),
        finish=finisher(),
        public_base_url=settings().public_base_url,
        relay_url=settings().relay_url,
        log=log("incoming"),
        clock=time.time,
    )


@cache
def handshake_service() -> Handshake:
    """What the authorizer and ``$disconnect`` call."""
    return Handshake(
        links=Calls(_dynamodb(), settings().table_name),
        secrets=secrets(),
        relay_url=settings().relay_url,
        policy=settings().handshake_signature,
        log=log("relay_connect"),
        clock=time.time,
    )


@cache
def finisher() -> Finisher:
    """What ends a call for good."""
    table = settings().table_name
    return Finish(Sessions(_dynamodb(), table), Transcripts(_dynamodb(), table), _is_contact, _remember)


def _remember(organization_id: str, conversation_id: str) -> None:
    """The queue's client is made when the first call ends: no call waits for it."""
    if settings().insights_queue_url:
        _insights_queue().call_ended(organization_id, conversation_id)


@cache
def _insights_queue() -> InsightsQueue:
    client = aws.client("sqs", read_timeout_s=VOICE_READ_TIMEOUT_S)
    return InsightsQueue(client, settings().insights_queue_url)


def _is_contact(caller_number: str) -> bool:
    return address_kind(caller_number) is AddressKind.NUMBER


def _dynamodb() -> Any:
    return aws.client("dynamodb", read_timeout_s=VOICE_READ_TIMEOUT_S)
