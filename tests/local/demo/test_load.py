"""The demo data: complete, believable, loaded once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from local.demo import load
from ringfold.adapters.directory import Directory
from ringfold.core import relay_settings
from ringfold.core.phone import is_e164
from ringfold.tools.airline import Airline
from ringfold.tools.end_call import END_CALL
from ringfold.tools.registry import Registry
from tests.aws import Aws

DEMO = Path(load.__file__).parent


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
    tools = Registry.of([*Airline(None, "t").tools(), END_CALL])

    for entry in demo["numbers"]:
        number = directory.number(entry["phone_number"])
        assert number is not None
        persona = directory.load_persona(number, "")
        assert ("", "") == (number.fault, persona.fault)
        assert persona.agent is not None
        assert relay_settings.merge(number.relay, persona.agent.relay)["ttsProvider"]
        assert [] == tools.unknown(persona.agent)


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

    tokens = {
        account["auth_token"]
        for prefix in (f"/a/{aws.table}/", f"/b/{aws.table}/")
        for account in load.seed_directory(client, secrets, aws.table, prefix)["accounts"]
    }

    assert 6 == len(tokens)
