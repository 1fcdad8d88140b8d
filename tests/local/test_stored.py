"""What clients of a run are told of: everything that is stored, the demo first."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.demo import load
from local.stored import PAGE, read_stored
from ringfold_admin.stores import accounts, organizations
from ringfold_admin.stores.accounts import Accounts
from ringfold_admin.stores.organizations import Organizations
from ringfold_admin.stores.table import Table
from tests.aws import Aws


def seeded(aws: Aws) -> Any:
    return load.seed_directory(aws.client("dynamodb"), aws.client("secretsmanager"), aws.table, f"/r/{aws.table}/")


def stored(aws: Aws) -> Any:
    return load.stored(aws.client("dynamodb"), aws.client("secretsmanager"), aws.table)


def add_organization(aws: Aws, organization_id: str) -> None:
    table = Table(aws.client("dynamodb"), aws.table)
    Organizations(table).create(organizations.new_item(organization_id, "New", 1), [])


def add_account(aws: Aws, account_id: str, secret: str | None) -> None:
    """An account as the API makes it; ``secret`` is stored for it as it is."""
    item = accounts.new_item(account_id, f"AC{account_id}", None, 1, is_active=True, doc={})
    item["secret_arn"] = f"/r/{aws.table}/{account_id}"
    if secret is not None:
        aws.client("secretsmanager").create_secret(Name=item["secret_arn"], SecretString=secret)
    Accounts(Table(aws.client("dynamodb"), aws.table)).create(item, [])


def test_what_was_made_since_is_there(aws: Aws) -> None:
    """Organizations and accounts of the API follow the demo's, accounts with the token they have now."""
    first = seeded(aws)
    add_organization(aws, "org_0new")
    add_account(aws, "acc_0new", json.dumps({"auth_token": "one"}))
    aws.client("secretsmanager").put_secret_value(
        SecretId=f"/r/{aws.table}/acc_0new", SecretString=json.dumps({"auth_token": "two"})
    )

    found = stored(aws)

    assert [*first["organizations"], {"id": "org_0new", "name": "New"}] == found["organizations"]
    assert [*first["accounts"], "two"] == [*found["accounts"][:-1], found["accounts"][-1]["auth_token"]]
    assert first["numbers"] == found["numbers"]


@pytest.mark.parametrize("secret", [None, "no JSON", "{}"])
def test_an_account_without_credentials_is_told_and_left_out(
    aws: Aws, secret: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody can sign for it; the rest of the run goes on."""
    before = seeded(aws)
    add_account(aws, "acc_bare", secret)

    found = stored(aws)

    assert before["accounts"] == found["accounts"]
    assert "account acc_bare: its credentials cannot be read" in capsys.readouterr().out


def test_long_lists_are_read_to_their_end(aws: Aws) -> None:
    """A list of more than one page is whole."""
    for n in range(PAGE + 1):
        add_organization(aws, f"org_{n:03d}")

    found = read_stored(aws.client("dynamodb"), aws.client("secretsmanager"), aws.table)

    assert PAGE + 1 == len(found["organizations"])
