"""Builds the API once per cold start; importing this module opens nothing and reads nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from ringfold import config
from ringfold.adapters import aws
from ringfold.adapters.erasure import Erasure
from ringfold.adapters.insights_queue import InsightsQueue
from ringfold.adapters.people import People
from ringfold.adapters.secrets import Secrets
from ringfold.adapters.texts import Texts
from ringfold.log import Log
from ringfold.tools.catalogue import catalogue
from ringfold_admin.api import Api
from ringfold_admin.carrier.client import Carriers
from ringfold_admin.cursors import Cursors
from ringfold_admin.entry import Entry
from ringfold_admin.idempotency import Idempotency
from ringfold_admin.probe import Probe
from ringfold_admin.reminders import NoReminders, QueuedReminders, Reminders
from ringfold_admin.routes.accounts import account_routes
from ringfold_admin.routes.agents import agent_routes
from ringfold_admin.routes.audit import audit_routes
from ringfold_admin.routes.conversations import conversation_routes
from ringfold_admin.routes.messages import message_routes
from ringfold_admin.routes.numbers import number_routes
from ringfold_admin.routes.organizations import organization_routes
from ringfold_admin.routes.profiles import profile_routes
from ringfold_admin.services.accounts import AccountService
from ringfold_admin.services.agents import AgentService
from ringfold_admin.services.audit import AuditService
from ringfold_admin.services.conversations import ConversationService
from ringfold_admin.services.desk import Desk
from ringfold_admin.services.messages import MessageService
from ringfold_admin.services.number_settings import NumberSettings
from ringfold_admin.services.numbers import NumberService, countries_of
from ringfold_admin.services.organizations import OrganizationService
from ringfold_admin.services.people import PeopleService
from ringfold_admin.services.purchases import Purchases
from ringfold_admin.services.releases import Releases
from ringfold_admin.services.sites import Site
from ringfold_admin.services.trial import TwilioSide
from ringfold_admin.services.verify import Verifier
from ringfold_admin.services.webhooks import GLANCE_S, Webhooks
from ringfold_admin.stores.accounts import Accounts
from ringfold_admin.stores.agents import Agents
from ringfold_admin.stores.audit import AuditTrail
from ringfold_admin.stores.conversations import Conversations
from ringfold_admin.stores.messages import Messages
from ringfold_admin.stores.numbers import Numbers
from ringfold_admin.stores.organizations import Organizations
from ringfold_admin.stores.table import Table
from ringfold_admin.stores.trials import Trials
from ringfold_admin.vault import Vault


@cache
def api() -> Entry:
    """Everything the function serves.

    Raises:
        ConfigError: Naming every setting that is missing or wrong.
    """
    settings = config.load(os.environ)
    secretsmanager = aws.client("secretsmanager")
    prefix = settings.secret_prefix
    queue_url = settings.purchase_queue_url
    return assemble(
        dynamodb=aws.client("dynamodb"),
        secretsmanager=secretsmanager,
        secrets=Secrets(secretsmanager, prefix=prefix, relay_key_id=settings.relay_token_secret_arn),
        table_name=settings.table_name,
        secret_prefix=prefix,
        secrets_key_id=settings.secrets_key_id,
        twilio_api_base_url=settings.twilio_api_base_url,
        log=Log(settings.log_level, function="provision", stage=settings.stage),
        site=Site(settings.public_base_url, settings.relay_url, settings.fallback_url, settings.turn_dispatch),
        reminders=QueuedReminders(aws.client("sqs"), queue_url) if queue_url else NoReminders(),
        later=InsightsQueue(aws.client("sqs"), settings.insights_queue_url).job,
    )


def assemble(  # noqa: PLR0913 - everything the function touches, by name
    *,
    dynamodb: Any,
    secretsmanager: Any,
    secrets: Secrets,
    table_name: str,
    secret_prefix: str,
    secrets_key_id: str,
    twilio_api_base_url: str,
    log: Log,
    site: Site | None = None,
    reminders: Reminders | None = None,
    probe: TwilioSide | None = None,
    later: Callable[[str, str], None] = lambda *_: None,
    clock: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
) -> Entry:
    """Everything over these clients."""
    site, reminders = site or Site(), reminders or NoReminders()
    side: TwilioSide = probe or Probe((site.public_base_url, site.relay_url))
    table = Table(dynamodb, table_name)
    desk = Desk(clock=clock, cursors=Cursors(secrets.relay_key))
    vault = Vault(secretsmanager, prefix=secret_prefix, key_id=secrets_key_id)
    carriers = Carriers(twilio_api_base_url)
    organizations, accounts, numbers = Organizations(table), Accounts(table), Numbers(table)
    account_service = AccountService(
        accounts, organizations, vault, carriers, desk, countries=lambda account_id: countries_of(numbers, account_id)
    )
    agents, tools = Agents(table), catalogue(None, "").tools
    settings = NumberSettings(agents)
    glances = Carriers(twilio_api_base_url, GLANCE_S)
    webhooks = Webhooks(numbers, site, carriers, glances, account_service.credentials, clock)
    number_service = NumberService(numbers, organizations, settings, webhooks, desk)
    releases = Releases(numbers, number_service, webhooks, reminders, desk)
    purchases = Purchases(
        numbers=numbers,
        service=number_service,
        settings=settings,
        webhooks=webhooks,
        accounts=accounts,
        organizations=organizations,
        reminders=reminders,
        releases=releases,
        desk=desk,
    )
    verifier = Verifier(
        service=number_service,
        settings=settings,
        webhooks=webhooks,
        agents=agents,
        tools=tools,
        trials=Trials(table),
        probe=side,
    )
    erasure = Erasure(dynamodb, table_name, "", clock=lambda: clock() / 1000)
    texts = Texts(dynamodb, table_name, "")
    people = PeopleService(People(dynamodb, table_name), erasure, table, desk, later)
    routers = (
        organization_routes(OrganizationService(organizations, table, desk)),
        account_routes(account_service),
        number_routes(number_service, purchases, releases, verifier),
        agent_routes(AgentService(agents, organizations, desk, tools, numbers)),
        message_routes(MessageService(Messages(table), texts, number_service, webhooks, desk)),
        conversation_routes(ConversationService(Conversations(table), people, desk)),
        profile_routes(people),
        audit_routes(AuditService(AuditTrail(table), desk)),
    )
    return Entry(Api(routers, Idempotency(dynamodb, table_name), log), purchases, log)
