"""Numbers as they are stored: one transaction a change, and everything that finds a number goes with it."""

from __future__ import annotations

from typing import Any

import pytest

from ringfold.adapters.directory import account_key, agent_key, organization_key
from ringfold_admin.stores import numbers as store
from ringfold_admin.stores.agents import Agents
from ringfold_admin.stores.numbers import Numbers
from ringfold_admin.stores.table import Item, Outdated, Table, Taken
from tests.aws import Aws

ACCOUNT = {"account_id": "acc_1", "account_sid": "AC1", "secret_arn": "arn:1", "organization_id": "org_1"}


@pytest.fixture
def table(aws: Aws) -> Table:
    """With an account, an organization and two agents."""
    table = Table(aws.client("dynamodb", parameter_validation=False), aws.table)
    keys = [account_key("acc_1"), organization_key("org_1"), organization_key("org_2")]
    keys += [agent_key("org_1", "agt_1"), agent_key("org_1", "agt_2"), agent_key("org_2", "agt_3")]
    for pk, sk in keys:
        table.put({"pk": pk, "sk": sk, "doc": "{}"})
    return table


def number(last: int = 0, organization_id: str | None = "org_1", agents: tuple[str, ...] = (), **more: Any) -> Item:
    attributes = {"is_active": True, "routing_mode": "fixed", "default_agent_id": None, **more}
    return store.new_item(
        f"num_{last}",
        f"+1512555010{last}",
        ACCOUNT,
        organization_id,
        1000,
        state="active",
        attributes=attributes,
        doc={"agents": list(agents)},
    )


def test_a_number_is_found_by_everything_that_finds_it(table: Table) -> None:
    """Its number, its id, its lists, its account, its agents; and by nothing when it is gone."""
    numbers = Numbers(table)
    item = number(agents=("agt_1",), default_agent_id="agt_2")

    numbers.begin(item, [])

    assert item == numbers.at(item["phone_number"]) == numbers.get("num_0")
    assert [["num_0"]] * 2 + [[]] == [
        [record.item["number_id"] for record in numbers.page(scope, limit=5, after="")[0]]
        for scope in ("all", "org_1", "platform")
    ]
    assert [item] == numbers.of_account("acc_1", limit=5)
    assert [[item["phone_number"]]] * 2 == [numbers.naming("org_1", each) for each in ("agt_1", "agt_2")]

    numbers.remove(item, [])

    assert (None, None, []) == (numbers.get("num_0"), numbers.record("num_0"), numbers.of_account("acc_1", limit=5))
    assert ([], "") == numbers.page("all", limit=5, after="")
    assert [[], []] == [numbers.naming("org_1", each) for each in ("agt_1", "agt_2")]


def test_a_phone_number_is_kept_once(table: Table) -> None:
    """Whoever comes second is told, and leaves nothing."""
    numbers = Numbers(table)
    numbers.begin(number(), [])
    second = {**number(), "number_id": "num_other"}

    with pytest.raises(Taken):
        numbers.begin(second, [])

    assert numbers.record("num_other") is None
    assert 1 == len(numbers.page("all", limit=5, after="")[0])


@pytest.mark.parametrize("gone", ["account leaving", "account", "organization", "agent"])
def test_a_number_needs_what_it_names(table: Table, gone: str) -> None:
    """An account that is being removed, an organization or agent that is gone: nothing is written."""
    keys = {
        "account": account_key("acc_1"),
        "organization": organization_key("org_1"),
        "agent": agent_key("org_1", "agt_1"),
    }
    if gone == "account leaving":
        pk, sk = account_key("acc_1")
        table.put({"pk": pk, "sk": sk, "is_leaving": True})
    else:
        pk, sk = keys[gone]
        table._client.delete_item(TableName=table.name, Key={"pk": {"S": pk}, "sk": {"S": sk}})

    with pytest.raises(Outdated):
        Numbers(table).begin(number(agents=("agt_1",)), [])

    assert Numbers(table).at("+15125550100") is None


def test_a_change_moves_its_places(table: Table) -> None:
    """To another organization, with other agents."""
    numbers = Numbers(table)
    old = number(agents=("agt_1",))
    numbers.begin(old, [])
    new = store.changed_item(old, 2000, doc={"agents": ["agt_3"]}, organization_id="org_2")

    numbers.change(old, new, [])

    assert (["num_0"], []) == tuple(
        [record.item["number_id"] for record in numbers.page(scope, limit=5, after="")[0]]
        for scope in ("org_2", "org_1")
    )
    assert ([], [new["phone_number"]]) == (numbers.naming("org_1", "agt_1"), numbers.naming("org_2", "agt_3"))
    with pytest.raises(Outdated):
        numbers.change(old, new, [])


def test_a_number_of_nobody_is_the_platforms(table: Table) -> None:
    """In its list, and in nobody else's."""
    numbers = Numbers(table)
    numbers.begin(number(organization_id=None), [])

    assert 1 == len(numbers.page("platform", limit=5, after="")[0])


def test_a_request_buys_one_number(table: Table) -> None:
    """While it is at it, the same request does not begin another."""
    numbers = Numbers(table)
    numbers.begin(number(0), [], claim="r-1", expires_s=99)

    with pytest.raises(Taken):
        numbers.begin(number(1), [], claim="r-1", expires_s=99)

    assert "+15125550100" == numbers.claimed("acc_1", "r-1")
    numbers.drop_claim(number(0), "r-1")
    assert numbers.claimed("acc_1", "r-1") is None


def test_pages_follow_each_other(table: Table) -> None:
    """In the order of ids; the last one says so."""
    numbers = Numbers(table)
    for i in range(5):
        numbers.begin(number(i), [])

    first, after = numbers.page("org_1", limit=3, after="")
    second, end = numbers.page("org_1", limit=3, after=after)

    assert ["num_0", "num_1", "num_2", "num_3", "num_4"] == [each.item["number_id"] for each in (*first, *second)]
    assert ("num_2", "") == (after, end)


def test_a_number_that_came_again_is_another(table: Table) -> None:
    """An old id does not find the new number of the same digits."""
    numbers = Numbers(table)
    old = number()
    numbers.begin(old, [])
    numbers.remove(old, [])
    pk, sk = store.pointer_key("num_0")
    table.put({"pk": pk, "sk": sk, "phone_number": old["phone_number"], "account_id": "acc_1"})

    numbers.begin({**number(), "number_id": "num_new"}, [])

    assert (None, None) == (numbers.get("num_0"), numbers.record("num_0"))
    assert numbers.record("num_new")


def test_agents_are_looked_up_by_version(table: Table) -> None:
    """Of now, or one that is pinned."""
    pk, sk = agent_key("org_1", "agt_1")
    table.put({"pk": pk, "sk": f"{sk}#V000002", "doc": "{}", "version": 2})
    agents = Agents(table)

    assert agents.get("org_1", "agt_1")
    assert 2 == (agents.get("org_1", "agt_1", 2) or {})["version"]
    assert agents.get("org_1", "agt_1", 3) is None
    assert ["agt_3", "agt_9"] == agents.missing("org_1", ["agt_1", "agt_3", "agt_9"])
