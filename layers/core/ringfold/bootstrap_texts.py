"""Builds the services of texts once per cold start; importing this module opens nothing and reads nothing."""

from __future__ import annotations

import os
import time
import uuid
from functools import cache
from typing import Any, Final

from ringfold import config
from ringfold.adapters import aws
from ringfold.adapters.bedrock import Bedrock
from ringfold.adapters.conversations import Conversations
from ringfold.adapters.directory import Directory
from ringfold.adapters.erasure import Erasure
from ringfold.adapters.insights_queue import InsightsQueue
from ringfold.adapters.messages import Messages, Refused
from ringfold.adapters.people import People
from ringfold.adapters.reply_queue import ReplyQueue
from ringfold.adapters.secrets import Secrets
from ringfold.adapters.texts import Texts
from ringfold.adapters.threads import Threads
from ringfold.bootstrap_relay import own_tools
from ringfold.channels.sms import SMS, WHATSAPP, write_texts
from ringfold.config import Settings
from ringfold.errors import ConfigError
from ringfold.log import Log
from ringfold.service.answerer import Answerer
from ringfold.service.asking import MODEL_S, Asker
from ringfold.service.insights import Insights
from ringfold.service.replies import Replies
from ringfold.service.texting import Texting
from ringfold.service.toolrunner import ToolRunner
from ringfold.tools.catalogue import catalogue

READ_TIMEOUT_S: Final = 3.0
IDLE_S: Final = 600
"""How long a thread is quiet before it is remembered, unless ``MEMORY_IDLE_S`` says otherwise."""


@cache
def settings() -> Settings:
    """This function's settings.

    Raises:
        ConfigError: Naming all that is missing or wrong.
    """
    found = config.load(os.environ)
    missing = [name for name in ("OUTBOX_TABLE_NAME", "REPLY_QUEUE_URL") if not os.environ.get(name)]
    if missing:
        expected = "; ".join(f"{name} is missing: expected {config.OPTIONAL[name]}" for name in missing)
        raise ConfigError(f"{expected}. Set them in template.yaml")
    return found


@cache
def texting() -> Texting:
    """What the message webhooks call."""
    return Texting(
        directory=Directory(_dynamodb(), settings().table_name),
        texts=_texts(),
        secrets=_secrets(),
        public_base_url=settings().public_base_url,
        log=log("sms_webhook"),
        clock=time.time,
    )


@cache
def reply_queue() -> ReplyQueue:
    """Where texts wait to be answered."""
    return ReplyQueue(aws.client("sqs", read_timeout_s=READ_TIMEOUT_S), settings().reply_queue_url)


@cache
def replies() -> Replies:
    """What answers texts."""
    threads, logger = Threads(), log("sms_reply")
    model = Bedrock(aws.client("bedrock-runtime", read_timeout_s=MODEL_S, attempts=1))
    tools = catalogue(_dynamodb(), settings().airline_table_name, settings().table_name)
    own = cache(lambda: own_tools(settings().secret_prefix))
    models = (settings().model_id, settings().fallback_model_id)
    writers = {
        channel.name: Answerer(
            channel, model, ToolRunner(tools, threads, logger, own, channel.name), threads, models, logger
        )
        for channel in (SMS, WHATSAPP)
    }
    return Replies(
        directory=Directory(_dynamodb(), settings().table_name),
        store=_texts(),
        secrets=_secrets(),
        sender=Messages(settings().twilio_api_base_url),
        writers=dict(writers),
        shape=write_texts,
        public_base_url=settings().public_base_url,
        is_refusal=lambda exc: isinstance(exc, Refused),
        log=logger,
        clock=time.time,
        remember=lambda thread, seen: insights_queue().texts_idle(
            thread, seen, int(settings().memory_idle_s or IDLE_S)
        ),
    )


@cache
def insights_queue() -> InsightsQueue:
    """Where conversations wait to be remembered."""
    return InsightsQueue(aws.client("sqs", read_timeout_s=READ_TIMEOUT_S), settings().insights_queue_url)


@cache
def erasure() -> Erasure:
    """What forgets people."""
    return Erasure(_dynamodb(), settings().table_name, settings().outbox_table_name)


@cache
def insights() -> Insights:
    """What remembers conversations."""
    threads, logger = Threads(), log("insights")
    model = Bedrock(aws.client("bedrock-runtime", read_timeout_s=MODEL_S, attempts=1))
    models = (settings().model_id, settings().fallback_model_id)
    return Insights(
        directory=Directory(_dynamodb(), settings().table_name),
        people=People(_dynamodb(), settings().table_name),
        conversations=Conversations(_dynamodb(), settings().table_name),
        store=_texts(),
        asker=Asker(model, threads, models, logger),
        new_id=lambda kind: f"{kind}_{uuid.uuid4().hex[:26]}",
        log=logger,
    )


def log(function: str) -> Log:
    """The logger of one function."""
    return Log(settings().log_level, function=function, stage=settings().stage)


@cache
def _texts() -> Texts:
    return Texts(_dynamodb(), settings().table_name, settings().outbox_table_name)


@cache
def _secrets() -> Secrets:
    client = aws.client("secretsmanager", read_timeout_s=READ_TIMEOUT_S)
    return Secrets(client, prefix=settings().secret_prefix, relay_key_id=settings().relay_token_secret_arn)


def _dynamodb() -> Any:
    return aws.client("dynamodb", read_timeout_s=READ_TIMEOUT_S)
