"""Builds the relay service once per cold start.

Apart from the webhooks' bootstrap, so that the speaking path imports no more than it needs (design D14).
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from functools import cache

from ringfold import config
from ringfold.adapters import aws
from ringfold.adapters.bedrock import READ_TIMEOUT_S, Bedrock
from ringfold.adapters.connections import Connections
from ringfold.adapters.dispatch import LambdaDispatch
from ringfold.adapters.queue import WatchdogQueue
from ringfold.adapters.sessions import Sessions
from ringfold.adapters.threads import Threads
from ringfold.adapters.wire import DynamoDb, JsonService, Sqs
from ringfold.log import Log
from ringfold.ports import RelayPorts
from ringfold.service.driver import Program, execute
from ringfold.service.relay import Frame, Relay
from ringfold.service.toolrunner import OwnTools, ToolRunner
from ringfold.tools.catalogue import catalogue

SWITCH_INTERVAL_S = 0.0005
TABLE_TIMEOUT_S = 1.0
"""A write that takes longer is tried again: the caller is waiting."""


@dataclass(frozen=True)
class RelayService:
    """What the two relay functions call."""

    relay: Relay
    ports: RelayPorts
    log: Log

    def frame(self, frame: Frame) -> None:
        """Handle one frame from Twilio."""
        self._run(frame.call_sid, self.relay.frame(frame))

    def handed_over(self, call_sid: str, key: str, part: int, rid: str) -> None:
        """Carry on a turn another invocation has stored."""
        self._run(call_sid, self.relay.handed_over(call_sid, key, part, rid))

    def look(self, call_sid: str, key: str, event: object, link: object, rid: str) -> None:
        """The watchdog's delayed look at a call."""
        self._run(call_sid, self.relay.look(call_sid, key, event, link, rid))  # type: ignore[arg-type]  # from JSON

    def _run(self, call_sid: str, program: Program) -> None:
        execute(program, self.ports, call_sid, self.log.bind(call_sid=call_sid))


def relay_service(function: str) -> RelayService:
    """Build the service.

    Args:
        function: For the log.

    Raises:
        ConfigError: Naming every setting that is missing or wrong.
    """
    settings = config.load(os.environ)
    log = Log(settings.log_level, function=function, stage=settings.stage)
    threads = Threads()
    # A turn's threads hand small things to each other; with the default of 5 ms a token may wait that long.
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    dynamodb = DynamoDb(_json_service("dynamodb", "DynamoDB_20120810"))
    sqs = Sqs(_json_service("sqs", "AmazonSQS"))
    session = aws.shared_session()
    registry = catalogue(dynamodb, settings.airline_table_name, settings.table_name)
    tools = ToolRunner(registry, threads, log, cache(lambda: own_tools(settings.secret_prefix)))
    ports = RelayPorts(
        sessions=Sessions(dynamodb, settings.table_name),
        model=Bedrock(aws.client("bedrock-runtime", read_timeout_s=READ_TIMEOUT_S, attempts=1)),
        connections=Connections(settings.connections_url, session, aws.region()),
        watchdog=WatchdogQueue(sqs, settings.watchdog_queue_url),
        dispatch=LambdaDispatch(lambda: aws.client("lambda"), settings.relay_function),
        tools=tools,
        threads=threads,
        clock=lambda: time.time_ns() // 1_000_000,
    )
    models = (settings.model_id, settings.fallback_model_id)
    relay = Relay(tools, log, ports.clock, models, settings.turn_dispatch)
    return RelayService(relay, ports, log)


def own_tools(secret_prefix: str) -> OwnTools:
    """What runs an organization's own tools; imported when the first is called, for most calls need none of it."""
    from ringfold.adapters.outbound import Outbound  # noqa: PLC0415 - off the speaking path's cold start
    from ringfold.adapters.tool_secrets import ToolSecrets  # noqa: PLC0415
    from ringfold.tools.http import HttpTools  # noqa: PLC0415

    return HttpTools(Outbound(), ToolSecrets(lambda: aws.client("secretsmanager"), secret_prefix).read)


def _json_service(service: str, target: str) -> JsonService:
    """A JSON service at the endpoint the ordinary variables name, else at AWS."""
    region = aws.region()
    named = os.environ.get(f"AWS_ENDPOINT_URL_{service.upper()}") or os.environ.get("AWS_ENDPOINT_URL")
    endpoint = named or f"https://{service}.{region}.amazonaws.com"
    return JsonService(aws.shared_session(), service, region, endpoint, target, read_timeout_s=TABLE_TIMEOUT_S)
