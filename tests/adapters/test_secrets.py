"""Auth tokens: cached, read again after a mismatch, never shown."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from ringfold.adapters.secrets import FRESH_S, REFETCH_S, STALE_S, Secrets
from ringfold.core.ids import AccountId
from ringfold.errors import AppError, ConfigError, DependencyError
from tests.aws import Aws

ME = AccountId("acc_1")
CANARY = "canary-of-the-token"
GOOD = json.dumps({"account_sid": "AC1", "auth_token": CANARY, "secondary_token": None})


class Store:
    """A Secrets Manager that counts, and fails when told to."""

    def __init__(self, value: str = GOOD) -> None:
        self.value = value
        self.reads: list[str] = []
        self.error: Exception | None = None

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: N803 - botocore's name
        self.reads.append(SecretId)
        if self.error:
            raise self.error
        return {"SecretString": self.value}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def made(store: Store, clock: Clock | None = None) -> Secrets:
    return Secrets(store, prefix="/ringfold/dev/", relay_key_id="arn:relay", clock=clock or Clock())


def denied(code: str = "AccessDeniedException") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": CANARY}}, "GetSecretValue")


@pytest.mark.accept("A6")
def test_a_secret_is_read_by_its_name_or_arn() -> None:
    """Its name follows from the account; an ARN from the table wins."""
    store = Store()

    made(store).account(ME)
    made(store).account(ME, "arn:x")

    assert ["/ringfold/dev/accounts/acc_1/twilio", "arn:x"] == store.reads


def test_both_tokens_are_known_while_they_rotate() -> None:
    """Primary and secondary; a blank one is none."""
    both = Store(json.dumps({"account_sid": "AC1", "auth_token": "one", "secondary_token": "two"}))

    assert ("one", "two") == made(both).account(ME).auth_tokens
    assert (CANARY,) == made(Store()).account(ME).auth_tokens


def test_a_secret_is_kept_for_minutes() -> None:
    """Many calls, one request; after that it is read anew."""
    store, clock = Store(), Clock()
    secrets = made(store, clock)

    for _ in range(5):
        secrets.account(ME)
        clock.now += FRESH_S / 5 - 1
    clock.now += 10
    secrets.account(ME)

    assert 2 == len(store.reads)


@pytest.mark.parametrize("error", [denied(), denied("ThrottlingException"), ConnectTimeoutError(endpoint_url="x")])
def test_a_short_outage_costs_no_call(error: Exception) -> None:
    """What is kept serves until its limit; then nobody is let in."""
    store, clock = Store(), Clock()
    secrets = made(store, clock)
    secrets.account(ME)
    store.error = error

    clock.now += FRESH_S + 1
    assert (CANARY,) == secrets.account(ME).auth_tokens

    clock.now += STALE_S
    with pytest.raises(DependencyError):
        secrets.account(ME)


def test_a_rotated_token_is_found_by_reading_once_more() -> None:
    """After a mismatch the secret is read again, at once."""
    store, clock = Store(), Clock()
    secrets = made(store, clock)
    secrets.account(ME)
    store.value = GOOD.replace(CANARY, "new")
    clock.now += 5

    again = secrets.account_again(ME)

    assert again is not None
    assert ("new",) == again.auth_tokens
    assert ("new",) == secrets.account(ME).auth_tokens


def test_a_flood_of_bad_signatures_reads_once_a_minute() -> None:
    """However many signatures fail, an account's secret is read again once a minute."""
    store, clock = Store(), Clock()
    secrets = made(store, clock)
    secrets.account(ME)
    clock.now += 5

    for _ in range(1000):
        secrets.account_again(ME)
        clock.now += 2 * REFETCH_S / 1000

    assert 3 == len(store.reads)


def test_a_secret_read_a_moment_ago_is_not_read_again() -> None:
    """A mismatch right after the first read is no rotation."""
    store = Store()
    secrets = made(store)
    secrets.account(ME)

    assert secrets.account_again(ME) is None
    assert 1 == len(store.reads)


@pytest.mark.accept("A6")
@pytest.mark.parametrize(
    "value",
    [
        CANARY,
        f'["{CANARY}"]',
        f'{{"auth_token": "{CANARY}"}}',
        f'{{"account_sid": "AC1", "auth_token": ["{CANARY}"]}}',
        f'{{"account_sid": "AC1", "auth_token": "", "x": "{CANARY}"}}',
        f'{{"account_sid": "AC1", "auth_token": "a", "secondary_token": ["{CANARY}"]}}',
        f'{{"account_sid": "AC1", "auth_token": "{CANARY * 3000}"}}',
        f'{{"account_sid": "AC1", "auth_token": "{CANARY}"',
        "[" * 20_000 + CANARY,
    ],
    ids=range(9),
)
def test_a_wrong_secret_is_refused_without_its_value(value: str) -> None:
    """A missing field, no JSON or 64 kB: the name and the cure are told, the value never, not in a traceback either."""
    with pytest.raises(ConfigError) as caught:
        made(Store(value)).account(ME)

    told = "".join(traceback.format_exception(caught.value))
    assert "accounts/acc_1/twilio" in told
    assert CANARY not in told


def test_a_secret_without_text_is_refused() -> None:
    """A binary secret is none of ours."""
    store = Store()
    store.get_secret_value = lambda SecretId: {"SecretBinary": b"x"}  # type: ignore[method-assign]  # noqa: N803

    with pytest.raises(ConfigError):
        made(store).account(ME)


@pytest.mark.accept("A6")
def test_no_token_is_in_a_repr_or_an_error() -> None:
    """Neither an object shown in a log nor an error of Secrets Manager carries the value."""
    store = Store()
    secret = made(store).account(ME)
    store.error = denied()

    with pytest.raises(AppError) as caught:
        made(store).account(ME)

    assert CANARY not in repr(secret) + str(secret) + str(caught.value)


def test_the_relay_key_is_read_by_its_arn() -> None:
    """It signs our own tokens."""
    store = Store('{"key": "k"}')

    assert ("k", ["arn:relay"]) == (made(store).relay_key(), store.reads)


@pytest.mark.parametrize("value", ["{}", '{"key": ""}', '{"key": 5}'])
def test_an_empty_relay_key_is_refused(value: str) -> None:
    """A key anybody could guess signs nothing."""
    with pytest.raises(ConfigError, match="key"):
        made(Store(value)).relay_key()


def test_the_real_store_is_read(aws: Aws) -> None:
    """A secret that is there, and one that is not."""
    client = aws.client("secretsmanager")
    prefix = f"/ringfold/{aws.table}/"
    client.create_secret(Name=f"{prefix}accounts/acc_1/twilio", SecretString=GOOD)
    secrets = Secrets(client, prefix=prefix, relay_key_id="none")

    assert (CANARY,) == secrets.account(ME).auth_tokens
    with pytest.raises(DependencyError) as caught:
        secrets.account(AccountId("acc_2"))
    assert "ResourceNotFoundException" == caught.value.code
