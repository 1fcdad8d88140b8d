"""What is configured, read from real tables, one organization at a time."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ringfold.adapters.directory import Directory, account_key, agent_key, conversation_key, organization_key
from ringfold.core.ids import AccountId, AgentId, ConversationId, OrganizationId
from ringfold.core.lines import Number
from ringfold.errors import ConfigError
from tests.world import CALLER, World

SKYOWL, HARBOR = OrganizationId("org_skyowl"), OrganizationId("org_harbor")
SERVICE = "+15125550100"
AGENT = AgentId("agt_skyowl_airline")


@pytest.fixture
def directory(world: World) -> Directory:
    return Directory(world.dynamodb, world.aws.table, clock=world.clock)


def service(directory: Directory) -> Number:
    number = directory.number(SERVICE)
    assert number is not None
    return number


@pytest.mark.accept("C9")
def test_a_number_is_found_by_itself(world: World, directory: Directory) -> None:
    """With the organization it serves and the account that owns it."""
    number = service(directory)

    assert (SKYOWL, "acc_skyowl", AGENT, "fixed", "") == (
        number.organization_id,
        number.account.account_id,
        number.default_agent_id,
        number.routing_mode,
        number.fault,
    )
    assert directory.number("+15125559999") is None


def test_a_line_is_found_in_one_request(world: World, directory: Directory) -> None:
    """Number, account and call at once; what is absent is none."""
    sid = world.carriers["acc_skyowl"].account_sid

    known, strange = directory.find_line(SERVICE, sid, "CA1"), directory.find_line("", "AC9", "CA1")

    assert ("acc_skyowl", True, None) == (known.account_id, known.number is not None, known.call)
    assert ("", None, None) == (strange.account_id, strange.number, strange.call)


def test_a_persona_is_read_with_its_organization(directory: Directory) -> None:
    """Account, agent, organization; no contact for a caller who never called."""
    persona = directory.load_persona(service(directory), CALLER)

    assert persona.agent is not None
    assert persona.account is not None
    assert ("Olive", "SkyOwl Airlines", None, "") == (
        persona.agent.name,
        persona.organization_name,
        persona.last_call,
        persona.fault,
    )
    assert ("lookup_reservation", "lookup_available_seats", "change_seat", "transfer_call", "end_call") == (
        persona.agent.tools
    )


def test_an_agent_that_cannot_be_read_is_told(world: World, directory: Directory) -> None:
    """The request has not been verified yet, so it is told later."""
    key = agent_key(SKYOWL, AGENT)
    world.change(key, doc={})
    world.dynamodb.put_item(
        TableName=world.aws.table, Item={"pk": {"S": key[0]}, "sk": {"S": key[1]}, "doc": {"S": '{"name": "x"}'}}
    )

    persona = directory.load_persona(service(directory), CALLER)

    assert persona.agent is None
    assert "incomplete" in persona.fault


def test_an_organization_without_a_readable_name_has_none(world: World, directory: Directory) -> None:
    """A name is a nicety."""
    pk, sk = organization_key(SKYOWL)
    world.dynamodb.put_item(TableName=world.aws.table, Item={"pk": {"S": pk}, "sk": {"S": sk}, "doc": {"S": "?"}})

    assert "" == directory.load_persona(service(directory), CALLER).organization_name


def test_an_account_with_a_broken_base_url_is_a_config_error(world: World, directory: Directory) -> None:
    """A signature over a URL nobody can have cannot be checked."""
    world.change(account_key("acc_skyowl"), doc={"base_url": "skyowl.example"})

    with pytest.raises(ConfigError, match="base_url"):
        directory.account(AccountId("acc_skyowl"))


@pytest.mark.accept("G15")
def test_ids_of_another_organization_find_nothing(world: World, directory: Directory) -> None:
    """Every read below an organization is keyed by it."""
    pk, sk = conversation_key(SKYOWL, "conv_1")
    world.dynamodb.put_item(TableName=world.aws.table, Item={"pk": {"S": pk}, "sk": {"S": sk}})
    contact = {"pk": {"S": f"CONTACT#{SKYOWL}#{CALLER}"}, "sk": {"S": "VOICE"}, "doc": {"S": json.dumps({"tail": []})}}
    world.dynamodb.put_item(TableName=world.aws.table, Item=contact)
    conversation_id = ConversationId("conv_1")

    own = [
        directory.agent(SKYOWL, AGENT),
        directory.conversation(SKYOWL, conversation_id),
        directory.last_call(SKYOWL, CALLER),
    ]
    foreign = [
        directory.agent(HARBOR, AGENT),
        directory.conversation(HARBOR, conversation_id),
        directory.last_call(HARBOR, CALLER),
        directory.load_persona(replace(service(directory), organization_id=HARBOR), CALLER).agent,
        directory.load_persona(replace(service(directory), organization_id=HARBOR), CALLER).last_call,
    ]

    assert None not in own
    assert [None] * 5 == foreign
