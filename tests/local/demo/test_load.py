"""The demo data: complete, believable, loaded once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.demo import load
from ringfold.adapters import codec
from ringfold.adapters.directory import META, Directory, agent_key, number_key
from ringfold.adapters.items import wire_key
from ringfold.core import relay_settings
from ringfold.core.ids import AgentId, OrganizationId
from ringfold.core.phone import is_e164
from ringfold.tools.catalogue import catalogue
from ringfold_admin.stores import accounts as account_store
from ringfold_admin.stores import organizations as organization_store
from ringfold_admin.stores.accounts import Accounts
from ringfold_admin.stores.organizations import Organizations
from ringfold_admin.stores.table import Table, list_pk
from tests.aws import Aws

DEMO = Path(load.__file__).parent
STAMPS = {"revision", "created_at", "updated_at", "state", "phone_sid"}
BESIDE = ("LIST#", "NUMBER_ID#", "AGENT_ID#", "ACCOUNT_NUMBERS#", "AGENT_NUMBERS#", "LOCAL#")


def seeded(aws: Aws) -> dict[str, Any]:
    return load.seed(
        aws.client("dynamodb"), aws.client("secretsmanager"), aws.table, aws.airline_table, f"/ringfold/{aws.table}/"
    )


def rows(aws: Aws, table: str) -> list[Any]:
    items: list[Any] = aws.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))


@pytest.mark.accept("G12")
def test_the_demo_is_loaded_once(aws: Aws) -> None:
    """A second load changes nothing: not the accounts' tokens, not what was edited, not a seat."""
    first = seeded(aws)
    before = rows(aws, aws.table), rows(aws, aws.airline_table)

    second = seeded(aws)

    assert first == second
    assert before == (rows(aws, aws.table), rows(aws, aws.airline_table))


@pytest.mark.accept("G12")
def test_the_demo_has_what_it_promises(aws: Aws) -> None:
    """SkyOwl with a fixed number and a dynamic line of three agents, an account of the platform, a second customer."""
    demo = seeded(aws)

    assert ["SkyOwl Airlines", "Harbor Dental"] == [organization["name"] for organization in demo["organizations"]]
    assert [None, "org_skyowl", "org_harbor"] == [account["organization_id"] for account in demo["accounts"]]
    assert ["fixed", "dynamic", "fixed"] == [number["routing_mode"] for number in demo["numbers"]]
    assert all(is_e164(number["phone_number"]) for number in demo["numbers"])
    assert {"id", "organization_id", "account_sid", "auth_token"} == set(demo["accounts"][0])


def test_every_number_can_be_called(aws: Aws) -> None:
    """Each has an agent of its organization, legal relay attributes, and tools that exist."""
    demo = seeded(aws)
    directory = Directory(aws.client("dynamodb"), aws.table)
    tools = catalogue(None, "t")

    for entry in demo["numbers"]:
        number = directory.number(entry["phone_number"])
        assert number is not None
        persona = directory.load_persona(number, "")
        assert ("", "") == (number.fault, persona.fault)
        assert persona.agent is not None
        assert relay_settings.merge(number.relay, persona.agent.relay)["ttsProvider"]
        assert [] == tools.unknown(persona.agent)


def test_the_api_lists_the_demo(aws: Aws) -> None:
    """Everything of the demo stands in the lists that administrators read, each resource with what the API shows."""
    demo = seeded(aws)
    table = Table(aws.client("dynamodb"), aws.table)

    accounts = [account_store.view(item) for item in Accounts(table).page("all", limit=50, after="")[0]]
    skyowls = [account_store.view(item)["id"] for item in Accounts(table).page("org_skyowl", limit=50, after="")[0]]
    organizations = [organization_store.view(item) for item in Organizations(table).page(limit=50, after="")[0]]
    agents, numbers = (table.page(list_pk(kind, "org_skyowl"), limit=50)[0] for kind in ("agents", "numbers"))

    assert {each["id"] for each in demo["accounts"]} == {each["id"] for each in accounts}
    assert {1} == {each["revision"] for each in accounts + organizations}
    assert ["acc_skyowl"] == skyowls
    assert {"+15125550100", "+15125550110"} == {entry["phone_number"] for entry in numbers}
    assert 4 == len(agents)
    assert Accounts(table).has_numbers("acc_platform")
    for entry in numbers:
        pointer, item = table.get((f"NUMBER_ID#{entry['sk']}", META)), table.get(number_key(entry["phone_number"]))
        assert pointer is not None and item is not None
        assert (entry["phone_number"], 1) == (pointer["phone_number"], item["revision"])
        assert entry["account_id"] == item["account_id"]
        assert item["created_at"] == item["updated_at"]


def test_what_was_removed_does_not_come_back(aws: Aws) -> None:
    """The demo is loaded once: a restart does not make again what somebody deleted, nor undo what they changed."""
    seeded(aws)
    accounts = Accounts(Table(aws.client("dynamodb"), aws.table))
    harbor, skyowl = accounts.get("acc_harbor"), accounts.get("acc_skyowl")
    assert harbor is not None and skyowl is not None
    accounts.delete(harbor, [])
    aws.client("secretsmanager").delete_secret(SecretId=harbor["secret_arn"], RecoveryWindowInDays=30)
    accounts.change(skyowl, account_store.changed_item(skyowl, 5, doc={"name": "Renamed"}), [])

    again = seeded(aws)

    assert ["acc_platform", "acc_skyowl"] == [each["id"] for each in again["accounts"]]
    assert "Renamed" in (accounts.get("acc_skyowl") or {})["doc"]


def test_tables_of_an_older_version_are_taken_along(aws: Aws) -> None:
    """What was stored before there was an API keeps its settings and tokens, and appears in the API's lists."""
    first = seeded(aws)
    client = aws.client("dynamodb")
    for item in rows(aws, aws.table):
        if item["pk"]["S"].startswith(BESIDE):
            client.delete_item(TableName=aws.table, Key={"pk": item["pk"], "sk": item["sk"]})
        else:
            bare = {name: value for name, value in item.items() if name not in STAMPS}
            client.put_item(TableName=aws.table, Item=bare)
    agent = codec.load_item(
        client.get_item(TableName=aws.table, Key=wire_key(agent_key("org_skyowl", "agt_skyowl_sales")))["Item"]
    )
    edited = {**agent, "doc": agent["doc"].replace("You are Sol", "You are Luna")}
    client.put_item(TableName=aws.table, Item=codec.dump_item(edited))

    again = seeded(aws)

    kept = Directory(client, aws.table).agent(OrganizationId("org_skyowl"), AgentId("agt_skyowl_sales"))
    assert first == again
    assert kept is not None
    assert kept.instructions.startswith("You are Luna")
    assert {"1"} == {item["revision"]["N"] for item in rows(aws, aws.table) if "doc" in item}


@pytest.mark.accept("A6")
def test_credentials_are_in_the_secrets_only(aws: Aws) -> None:
    """No table item and no file of the demo holds an auth token."""
    demo = seeded(aws)

    stored = json.dumps(rows(aws, aws.table) + rows(aws, aws.airline_table))
    files = "".join(path.read_text() for path in DEMO.glob("*.json"))
    for account in demo["accounts"]:
        assert account["auth_token"] not in stored + files
        assert account["account_sid"] not in files


def test_two_deployments_have_tokens_of_their_own(aws: Aws) -> None:
    """Nothing is derived from a name anybody could know."""
    client, secrets = aws.client("dynamodb"), aws.client("secretsmanager")
    places = ((aws.table, f"/a/{aws.table}/"), (aws.airline_table, f"/b/{aws.table}/"))

    tokens = {
        account["auth_token"]
        for table, prefix in places
        for account in load.seed_directory(client, secrets, table, prefix)["accounts"]
    }

    assert 6 == len(tokens)
