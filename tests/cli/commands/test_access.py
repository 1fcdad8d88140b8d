from __future__ import annotations

import hashlib
import hmac
import json
import struct
import time
from base64 import b32decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ringfold_admin.principal import SCOPES, Role
from ringfold_cli.commands.access import ROLES, read_token
from tests.cli.api import Api, jwt
from tests.cli.conftest import Ringfold
from tests.cloud import Cloud

EMAIL = "ann@example.com"
INVITATION = "Invited-by-Ringfold-1!"
PASSWORD = "Chosen-by-Ann-and-long-1!"


@dataclass
class Pool:
    """A user pool with one administrator, who has been invited."""

    cognito: Any
    id: str
    client_id: str
    url: str

    def options(self, api: Api) -> list[str]:
        """What `make deploy` prints for the login."""
        return ["--url", api.url, "--client-id", self.client_id, "--sign-in-url", self.url, "--email", EMAIL]


@pytest.fixture
def pool(cloud: Cloud) -> Iterator[Pool]:
    """A user pool of this test's own."""
    cognito = cloud.client("cognito-idp")
    pool_id = cognito.create_user_pool(PoolName="administrators", UsernameAttributes=["email"])["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    client = cognito.create_user_pool_client(UserPoolId=pool_id, ClientName="cli", ExplicitAuthFlows=flows)
    attributes = [{"Name": "email", "Value": EMAIL}, {"Name": "email_verified", "Value": "true"}]
    cognito.admin_create_user(
        UserPoolId=pool_id, Username=EMAIL, TemporaryPassword=INVITATION, UserAttributes=attributes
    )
    yield Pool(cognito, pool_id, client["UserPoolClient"]["ClientId"], cloud.endpoint)
    cognito.delete_user_pool(UserPoolId=pool_id)


@pytest.fixture
def newcomer(stranger: Ringfold, api: Api) -> Ringfold:
    """The program of somebody who was invited and sits at a terminal."""
    stranger.api = api
    stranger.terminal = True
    return stranger


def profile(ringfold: Ringfold, name: str = "default") -> Path:
    return Path(ringfold.environ["RINGFOLD_CONFIG_DIR"]) / "profiles" / f"{name}.json"


def accept_issued(ringfold: Ringfold) -> None:
    """Have the API take the token that was issued, as the authorizer of the user pool would."""
    token = json.loads(profile(ringfold).read_text())["access_token"]
    assert ringfold.api
    ringfold.api.tokens[token] = {"sub": "ann", "scope": " ".join(SCOPES[Role.PLATFORM_ADMIN])}


def test_an_invited_administrator_logs_in_and_chooses_a_password(newcomer: Ringfold, pool: Pool, api: Api) -> None:
    """The first login asks for a new password; its tokens serve every command to come, for their owner's eyes only."""
    logged_in = newcomer("login", *pool.options(api), typed=f"{INVITATION}\n{PASSWORD}\n{PASSWORD}\n")

    accept_issued(newcomer)
    listed = newcomer("organizations", "list")
    assert 0 == logged_in.exit_code, logged_in.stderr
    assert PASSWORD not in logged_in.stdout + logged_in.stderr + profile(newcomer).read_text()
    assert (0o600, 0o700) == (profile(newcomer).stat().st_mode & 0o777, profile(newcomer).parent.stat().st_mode & 0o777)
    assert 0 == listed.exit_code, listed.stderr


def test_a_program_logs_in_by_stdin(newcomer: Ringfold, pool: Pool, api: Api) -> None:
    """The password, and the new one on the second line; the next login needs the profile only."""
    newcomer.terminal = False

    first = newcomer("login", *pool.options(api), "--password-stdin", typed=f"{INVITATION}\n{PASSWORD}\n")
    second = newcomer("login", "--password-stdin", "--json", typed=f"{PASSWORD}\n")

    assert [0, 0] == [first.exit_code, second.exit_code], first.stderr + second.stderr
    assert (api.url, "default") == (second.json["base_url"], second.json["profile"])


def test_a_wrong_password_is_not_allowed(newcomer: Ringfold, pool: Pool, api: Api) -> None:
    """Nothing is kept, and what may be the matter is said."""
    refused = newcomer("login", *pool.options(api), typed="wrong-Password-1!\n")

    assert 4 == refused.exit_code
    assert not profile(newcomer).exists()


def test_an_authenticators_code_is_asked_for(newcomer: Ringfold, pool: Pool, api: Api) -> None:
    """Whoever has set one up gives its code at every login."""
    newcomer("login", *pool.options(api), typed=f"{INVITATION}\n{PASSWORD}\n{PASSWORD}\n")
    token = json.loads(profile(newcomer).read_text())["access_token"]
    secret = pool.cognito.associate_software_token(AccessToken=token)["SecretCode"]
    pool.cognito.verify_software_token(AccessToken=token, UserCode=totp(secret))
    pool.cognito.set_user_pool_mfa_config(
        UserPoolId=pool.id, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration="OPTIONAL"
    )
    pool.cognito.set_user_mfa_preference(
        AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
    )

    logged_in = newcomer("login", typed=f"{PASSWORD}\n{totp(secret)}\n")

    assert 0 == logged_in.exit_code, logged_in.stderr


def test_tokens_that_end_are_renewed(newcomer: Ringfold, pool: Pool, api: Api) -> None:
    """By the refresh token, with nobody asked; the renewed ones are kept."""
    newcomer("login", *pool.options(api), typed=f"{INVITATION}\n{PASSWORD}\n{PASSWORD}\n")
    kept = json.loads(profile(newcomer).read_text())
    profile(newcomer).write_text(json.dumps(kept | {"expires_at": int(time.time()) + 30, "access_token": "old"}))

    told = newcomer("whoami", "--json")

    renewed = json.loads(profile(newcomer).read_text())
    assert 0 == told.exit_code, told.stderr
    assert "old" != renewed["access_token"]
    assert renewed["expires_at"] > time.time() + 300


def test_a_login_that_has_ended_says_how_to_go_on(newcomer: Ringfold, pool: Pool, api: Api) -> None:
    """A refresh token that is no good any more is exit code 4, not a riddle."""
    newcomer("login", *pool.options(api), typed=f"{INVITATION}\n{PASSWORD}\n{PASSWORD}\n")
    kept = json.loads(profile(newcomer).read_text())
    profile(newcomer).write_text(json.dumps(kept | {"expires_at": 1, "refresh_token": "revoked"}))

    refused = newcomer("organizations", "list")

    assert 4 == refused.exit_code
    assert "→ Log in: ringfold login" in refused.stderr


def test_who_logs_out_has_no_token_left(newcomer: Ringfold, pool: Pool, api: Api) -> None:
    """The deployment stays known, so that the next login asks for the password only."""
    newcomer("login", *pool.options(api), typed=f"{INVITATION}\n{PASSWORD}\n{PASSWORD}\n")

    out = newcomer("logout")
    after = newcomer("organizations", "list")
    again = newcomer("logout")

    assert [0, 2, 2] == [out.exit_code, after.exit_code, again.exit_code]
    assert 'access_token": ""' in profile(newcomer).read_text()


def test_the_token_says_who_one_is(ringfold: Ringfold) -> None:
    """Subject, role, organization and end, without asking the API."""
    viewer = ringfold.as_role(Role.ORGANIZATION_VIEWER, "org_1")

    told = viewer("whoami", "--json").json

    assert {"role": "organization_viewer", "organization_id": "org_1"}.items() <= told.items()
    assert ringfold.api
    assert [] == ringfold.api.asked


def test_the_roles_are_the_apis() -> None:
    """What the command line makes of a token's scopes is what the API makes of them."""
    found = {role: read_token(jwt({"sub": "x", "scope": " ".join(SCOPES[role])}))["role"] for role in Role}

    assert {role: role.value for role in Role} == found
    assert set(ROLES.values()) == {role.value for role in Role}


def test_the_status_says_whether_the_api_answers_and_accepts(ringfold: Ringfold) -> None:
    """One line each: where, from where that is known, what answers, who one is."""
    told = ringfold("status", "--json").json
    lines = ringfold("status").stdout.splitlines()

    assert ("given", "Ringfold") == (told["source"], told["api"]["title"])
    assert "platform_admin" == told["principal"]["role"]
    assert ["url", "from", "api", "you"] == [line.split()[0] for line in lines]


def test_a_status_of_nobody_and_of_a_stranger(ringfold: Ringfold) -> None:
    """Nothing listening is exit code 3, a token nobody accepts is 4."""
    nobody = ringfold("status", env={"RINGFOLD_URL": "http://127.0.0.1:9"})
    foreign = ringfold("status", env={"RINGFOLD_TOKEN": jwt({"sub": "x"})})
    unreadable = ringfold("whoami", env={"RINGFOLD_TOKEN": "x"})

    assert [3, 4, 4] == [nobody.exit_code, foreign.exit_code, unreadable.exit_code]


def totp(secret: str) -> str:
    """What an authenticator shows at this moment (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30)
    digest = hmac.digest(b32decode(secret + "=" * (-len(secret) % 8)), counter, hashlib.sha1)
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"
