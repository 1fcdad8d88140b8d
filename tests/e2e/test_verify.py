"""The chain of a number through the whole running system: real webhooks, a real WebSocket, a model that answers.

Only Twilio's REST API is a stand-in. What breaks a link is broken in the system itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import botocore.session
import pytest

from ringfold.adapters import codec
from ringfold.adapters.directory import number_key
from ringfold.adapters.items import wire_key
from ringfold.adapters.secrets import Secrets
from ringfold.log import Log
from ringfold_admin.bootstrap import assemble
from ringfold_admin.services.sites import Site
from ringfold_admin.stores import numbers as store
from tests.admin.desk import Desk
from tests.admin.twilio_numbers import TwilioNumbers, running
from tests.aws import REGION, Aws
from tests.e2e.system import System


@dataclass
class Chain:
    """The API over the system's tables, and a number that its caller can reach."""

    desk: Desk
    number_id: str
    aws: Aws

    def links(self) -> dict[str, dict[str, Any]]:
        answer = self.desk.platform.get(f"/api/voice/numbers/{self.number_id}/verify")
        assert 200 == answer.status, answer.text
        return {each["link"]: each for each in answer.json["links"]}


@pytest.fixture
def chain(system: System) -> Iterator[Chain]:
    """The demo's service number, as an administrator sees it."""
    system.settle()
    with running(TwilioNumbers()) as twilio:
        yield _chain(system, twilio)
    system.settle()


def _chain(system: System, twilio: TwilioNumbers) -> Chain:
    run = system.run
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    dynamodb, secretsmanager = (
        session.create_client(name, region_name=REGION, endpoint_url=run["aws_endpoint_url"])
        for name in ("dynamodb", "secretsmanager")
    )
    table = next(name for name in dynamodb.list_tables()["TableNames"] if name.endswith("-Table"))
    secrets = [each["Name"] for each in secretsmanager.list_secrets()["SecretList"]]
    prefix = next(name for name in secrets if "/accounts/" in name).partition("accounts/")[0]
    relay_key_id = next(name for name in secrets if "/accounts/" not in name)
    twilio.accounts = {each["account_sid"]: each["auth_token"] for each in run["accounts"]}

    number = run["numbers"][0]
    account_sid = next(each["account_sid"] for each in run["accounts"] if each["id"] == number["account_id"])
    base = run["public_base_url"]
    key = wire_key(number_key(number["phone_number"]))
    item = codec.load_item(dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"])
    at = "2026-11-26T00:00:00Z"
    sid = twilio.own(
        account_sid,
        number["phone_number"],
        voice_url=f"{base}/api/voice/incoming",
        status_callback=f"{base}/api/voice/status",
        status_callback_method="POST",
        sms_url=f"{base}/api/sms/incoming",
        sms_method="POST",
    )
    item |= {"revision": 1, "created_at": at, "updated_at": at, "state": "active", "phone_sid": sid}
    for each in store.everything(item):
        dynamodb.put_item(TableName=table, Item=codec.dump_item(each))
    made = assemble(
        dynamodb=dynamodb,
        secretsmanager=secretsmanager,
        secrets=Secrets(secretsmanager, prefix=prefix, relay_key_id=relay_key_id),
        table_name=table,
        secret_prefix=prefix,
        secrets_key_id="",
        twilio_api_base_url=twilio.url,
        log=Log("INFO", lambda _: None),
        site=Site(base, base.replace("http", "ws", 1) + "/relay"),
    )
    aws = Aws(run["aws_endpoint_url"], table, "")
    return Chain(Desk(aws, made.api, [], made.purchases), number["id"], aws)


def conversations(chain: Chain) -> set[str]:
    client = chain.aws.client("dynamodb")
    pages = client.get_paginator("scan").paginate(TableName=chain.aws.table, ConsistentRead=True)
    return {item["sk"]["S"] for page in pages for item in page["Items"] if "CONVERSATION#" in item["sk"]["S"]}


@pytest.mark.accept("I5")
def test_a_running_system_holds_link_by_link(chain: Chain) -> None:
    """From the number to the first word; frames run in parallel, and no conversation is left behind."""
    before = conversations(chain)

    links = chain.links()

    assert {"ok"} == {each["status"] for name, each in links.items() if name != "messages"}, links
    assert "in parallel" in links["parallel_frames"]["message"]
    assert "TurnDispatch inline fits" in links["parallel_frames"]["message"]
    assert before == conversations(chain)


@pytest.mark.accept("I5")
def test_a_gateway_that_delivers_one_frame_after_another_is_found_out(system: System, chain: Chain) -> None:
    """Then a turn must not run in its frame's invocation."""
    system.put("/local/gateway/faults", {"frames": {"mode": "serial"}})

    link = chain.links()["parallel_frames"]

    assert "warning" == link["status"], link
    assert "TurnDispatch async fits" in link["message"]


@pytest.mark.accept("I5")
def test_a_model_that_does_not_answer_is_the_broken_link(system: System, chain: Chain) -> None:
    """The caller would hear the apology."""
    system.put("/local/model/behaviour", {"fault": "error", "exception": "AccessDeniedException", "times": None})

    links = chain.links()

    assert ["model"] == [name for name, each in links.items() if each["status"] == "failed"], links
    assert "apology" in links["model"]["message"]
