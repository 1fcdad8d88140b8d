"""Credentials in Secrets Manager."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ringfold.adapters.secrets import Secrets
from ringfold.core.ids import AccountId
from ringfold.errors import ConfigError
from ringfold_admin.vault import Credentials, Vault
from tests.aws import Aws

TOKEN, NEWER = "token-one-of-this-test", "token-two-of-this-test"
SID = "AC" + "1" * 32


@pytest.fixture
def vault(aws: Aws) -> Vault:
    return Vault(aws.client("secretsmanager"), prefix=f"/t/{aws.table}/")


def test_what_is_stored_reads_back(vault: Vault) -> None:
    """With and without an API key."""
    credentials = Credentials(SID, TOKEN, None, "SK" + "2" * 32, "key-secret")

    arn = vault.create("acc_1", credentials)

    assert credentials == vault.read("acc_1", arn) == vault.read("acc_1")


@pytest.mark.accept("B12")
def test_a_rotated_token_leaves_the_old_one_accepted(aws: Aws, vault: Vault) -> None:
    """The webhooks' reader accepts both, whichever came first."""
    arn = vault.create("acc_1", Credentials(SID, TOKEN))
    reader = Secrets(aws.client("secretsmanager"), prefix=f"/t/{aws.table}/", relay_key_id="none")

    vault.write("acc_1", arn, vault.read("acc_1", arn).rotated(NEWER))

    assert (NEWER, TOKEN) == reader.account(AccountId("acc_1"), arn).auth_tokens
    assert vault.read("acc_1", arn) == vault.read("acc_1", arn).rotated(NEWER)


def test_stored_twice_is_stored_once(vault: Vault) -> None:
    """Whoever was killed before the ARN was noted stores the same name again."""
    first = vault.create("acc_1", Credentials(SID, TOKEN))

    assert first == vault.create("acc_1", Credentials(SID, NEWER))
    assert NEWER == vault.read("acc_1").auth_token


def test_a_deleted_secret_is_gone_and_deleting_it_again_is_harmless(vault: Vault) -> None:
    """It can still be restored by name for a while, and read by nobody."""
    arn = vault.create("acc_1", Credentials(SID, TOKEN))

    vault.delete("acc_1", arn)
    vault.delete("acc_1", arn)

    with pytest.raises(ConfigError, match="no credentials"):
        vault.read("acc_1", arn)


@pytest.mark.parametrize("text", ["", "no json", "[]", '"x"', '{"account_sid": 5'])
def test_a_broken_secret_is_told_without_its_text(aws: Aws, vault: Vault, text: str) -> None:
    """The message names the account and the cure."""
    aws.client("secretsmanager").create_secret(Name=vault.name("acc_1"), SecretString=text or " ")

    with pytest.raises(ConfigError) as refused:
        vault.read("acc_1")

    assert "send its auth_token again" in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.accept("B4")
def test_credentials_show_no_secret() -> None:
    """Neither in a repr nor in a traceback's."""
    credentials = Credentials(SID, TOKEN, NEWER, "SK" + "2" * 32, "key-secret")

    shown = repr([credentials, replace(credentials, secondary_token=None)])

    assert not [secret for secret in (TOKEN, NEWER, "key-secret") if secret in shown]
    assert "account_sid" in json.dumps(shown)
