from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from scripts.deployment.administrators import (
    Administrator,
    ensure_platform_admin,
    has_platform_admin,
    password_for_once,
)
from scripts.deployment.cloud import Cloud
from scripts.deployment.findings import Stop
from tests import cloud as loopback

EMAIL = "ann@example.com"


@pytest.fixture
def aws(cloud: loopback.Cloud) -> Cloud:
    """AWS on loopback as the scripts see it."""
    made = Cloud("us-east-1")
    made._clients["cognito-idp"] = cloud.client("cognito-idp")
    return made


@pytest.fixture
def cognito(cloud: loopback.Cloud) -> Any:
    """Its user pools."""
    return cloud.client("cognito-idp")


@pytest.fixture
def pool(cognito: Any) -> Iterator[str]:
    """A pool with the group, and nobody in it."""
    policy = {"MinimumLength": 14, "RequireLowercase": True, "RequireUppercase": True}
    policy |= {"RequireNumbers": True, "RequireSymbols": True}
    made = cognito.create_user_pool(
        PoolName="administrators", UsernameAttributes=["email"], Policies={"PasswordPolicy": policy}
    )
    pool = str(made["UserPool"]["Id"])
    cognito.create_group(UserPoolId=pool, GroupName="platform_admin")
    yield pool
    cognito.delete_user_pool(UserPoolId=pool)


def test_the_first_administrator_is_made_once(aws: Cloud, pool: str) -> None:
    """Invited with a verified address, in the group; the second time is nothing new."""
    before = has_platform_admin(aws, pool)

    made = ensure_platform_admin(aws, pool, EMAIL, resend=False)
    again = ensure_platform_admin(aws, pool, EMAIL, resend=False)
    sent_again = ensure_platform_admin(aws, pool, EMAIL, resend=True)

    assert [False, True] == [before, has_platform_admin(aws, pool)]
    assert Administrator(EMAIL, is_new=True, has_logged_in=False) == made == sent_again
    assert Administrator(EMAIL, is_new=False, has_logged_in=False) == again


def test_who_has_logged_in_is_not_invited_again(aws: Cloud, pool: str, cognito: Any) -> None:
    """Whatever was told: their password stays."""
    ensure_platform_admin(aws, pool, EMAIL, resend=False)
    cognito.admin_set_user_password(UserPoolId=pool, Username=EMAIL, Password="Long-enough-1!", Permanent=True)

    again = ensure_platform_admin(aws, pool, EMAIL, resend=True)

    assert Administrator(EMAIL, is_new=False, has_logged_in=True) == again


def test_a_user_somebody_else_made_becomes_an_administrator(aws: Cloud, pool: str, cognito: Any) -> None:
    """They are put into the group."""
    cognito.admin_create_user(UserPoolId=pool, Username=EMAIL, TemporaryPassword="Of-somebody-1-else")

    made = ensure_platform_admin(aws, pool, EMAIL, resend=False)

    assert not made.is_new
    assert has_platform_admin(aws, pool)


def test_a_password_for_once_is_nobodys_guess() -> None:
    """Long, of every kind, and never twice the same."""
    made = {password_for_once() for _ in range(100)}

    assert 100 == len(made)
    for each in made:
        assert len(each) >= 24
        assert all(any(kind(letter) for letter in each) for kind in (str.islower, str.isupper, str.isdigit))
        assert set(each) & set("-.!?")


def test_a_pool_that_is_none_is_a_stop(aws: Cloud) -> None:
    """And a group that is none has nobody in it."""
    with pytest.raises(Stop, match="Inviting the administrator"):
        ensure_platform_admin(aws, "us-east-1_nothing", EMAIL, resend=False)

    assert not has_platform_admin(aws, "us-east-1_nothing")
