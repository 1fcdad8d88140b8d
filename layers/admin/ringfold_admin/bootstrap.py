"""Builds the API once per cold start; importing this module opens nothing and reads nothing."""

from __future__ import annotations

import os
import time
from functools import cache
from typing import Any

from ringfold import config
from ringfold.adapters import aws
from ringfold.adapters.secrets import Secrets
from ringfold.log import Log
from ringfold.tools.catalogue import catalogue
from ringfold_admin.api import Api
from ringfold_admin.carrier.client import Carriers
from ringfold_admin.cursors import Cursors
from ringfold_admin.idempotency import Idempotency
from ringfold_admin.routes.accounts import account_routes
from ringfold_admin.routes.agents import agent_routes
from ringfold_admin.routes.audit import audit_routes
from ringfold_admin.routes.organizations import organization_routes
from ringfold_admin.services.accounts import AccountService
from ringfold_admin.services.agents import AgentService
from ringfold_admin.services.audit import AuditService
from ringfold_admin.services.desk import Desk
from ringfold_admin.services.organizations import OrganizationService
from ringfold_admin.stores.accounts import Accounts
from ringfold_admin.stores.agents import Agents
from ringfold_admin.stores.audit import AuditTrail
from ringfold_admin.stores.organizations import Organizations
from ringfold_admin.stores.table import Table
from ringfold_admin.vault import Vault


@cache
def api() -> Api:
    """The API.

    Raises:
        ConfigError: Naming every setting that is missing or wrong.
    """
    settings = config.load(os.environ)
    secretsmanager = aws.client("secretsmanager")
    prefix = settings.secret_prefix
    return assemble(
        dynamodb=aws.client("dynamodb"),
        secretsmanager=secretsmanager,
        secrets=Secrets(secretsmanager, prefix=prefix, relay_key_id=settings.relay_token_secret_arn),
        table_name=settings.table_name,
        secret_prefix=prefix,
        secrets_key_id=settings.secrets_key_id,
        twilio_api_base_url=settings.twilio_api_base_url,
        log=Log(settings.log_level, function="provision", stage=settings.stage),
    )


def assemble(
    *,
    dynamodb: Any,
    secretsmanager: Any,
    secrets: Secrets,
    table_name: str,
    secret_prefix: str,
    secrets_key_id: str,
    twilio_api_base_url: str,
    log: Log,
) -> Api:
    """The API over these clients."""
    table = Table(dynamodb, table_name)
    desk = Desk(clock=lambda: time.time_ns() // 1_000_000, cursors=Cursors(secrets.relay_key))
    vault = Vault(secretsmanager, prefix=secret_prefix, key_id=secrets_key_id)
    carriers = Carriers(twilio_api_base_url)
    organizations, accounts = Organizations(table), Accounts(table)
    account_service = AccountService(accounts, organizations, vault, carriers, desk, countries=lambda _: set())
    routers = (
        organization_routes(OrganizationService(organizations, table, desk)),
        account_routes(account_service),
        agent_routes(AgentService(Agents(table), organizations, desk, catalogue(None, "").tools)),
        audit_routes(AuditService(AuditTrail(table), desk)),
    )
    return Api(routers, Idempotency(dynamodb, table_name), log)
