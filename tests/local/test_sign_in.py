"""The pool that signs the local run's tokens, and `make token`."""

import stat
from pathlib import Path

import pytest

from local import token
from local.authorizer import Refused, TokenCheck
from local.processes import StartError
from local.resources import JwtAuthorizer
from local.sign_in import ROLES, UserPool, load_key, user_pool
from local.template import read_template
from ringfold_admin.principal import SCOPES, Role, read_principal
from tests.local.conftest import KEY, STACK

ROOT = Path(__file__).parents[2]
POOL = JwtAuthorizer("https://issuer.example/pool", ("client-1",))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    return tmp_path


@pytest.mark.parametrize("role", list(Role))
def test_a_token_makes_its_role(role: Role) -> None:
    """What is signed passes the authorizer, and the API takes its bearer for what was asked for."""
    pool = UserPool(KEY, POOL)
    organization_id = None if role is Role.PLATFORM_ADMIN else "org_skyowl"

    context = TokenCheck(pool.public_keys).admit(POOL, SCOPES[role], pool.token(role, organization_id))

    principal = read_principal({"authorizer": context})
    assert (role, organization_id) == (principal.role, principal.organization_id)
    assert principal.name.endswith(".example")


def test_a_token_ends() -> None:
    """It is good for as long as was asked, and its bearer is the same one each time."""
    pool = UserPool(KEY, POOL)
    bearer = pool.token("platform_admin", valid_s=60, now_s=1000)

    early = TokenCheck(pool.public_keys, clock=lambda: 1059).admit(POOL, (), bearer)
    again = TokenCheck(pool.public_keys, clock=lambda: 1059).admit(POOL, (), pool.token("platform_admin", now_s=1000))

    assert early["jwt"]["claims"]["sub"] == again["jwt"]["claims"]["sub"]
    with pytest.raises(Refused, match="expired"):
        TokenCheck(pool.public_keys, clock=lambda: 1060).admit(POOL, (), bearer)


def test_the_key_is_made_once_and_is_the_owners(home: Path) -> None:
    """The key is kept below the state, readable by its owner only, and another home has another."""
    first = load_key(home)
    path = home / "state" / "token_key.pem"

    assert first.private_numbers() == load_key(home).private_numbers()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert ["token_key.pem"] == [each.name for each in path.parent.iterdir()]


@pytest.mark.parametrize("text", ["", "-----BEGIN NOTHING-----"])
def test_a_broken_key_is_explained(home: Path, text: str) -> None:
    """What is no key is not replaced in silence: every token would end."""
    (home / "state" / "token_key.pem").write_text(text)

    with pytest.raises(StartError, match="holds no key; delete it"):
        load_key(home)


def test_a_template_without_administrators_needs_no_pool(home: Path, tmp_path: Path) -> None:
    """Nobody signs in to a stack that has no authorizer."""
    text = STACK.read_text().replace("AuthorizationType: JWT", "AuthorizationType: NONE")
    plain = STACK.with_name("plain.yaml")
    plain.write_text(text)
    try:
        template = read_template(plain)
    finally:
        plain.unlink()

    assert user_pool(home, template) is None


def test_make_token_prints_one(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`make token ROLE=… ORGANIZATION=…` prints a token that the running system takes, and nothing else."""
    monkeypatch.setenv("RINGFOLD_HOME", str(home))
    monkeypatch.setenv("ROLE", "organization_admin")
    monkeypatch.setenv("ORGANIZATION", "org_skyowl")

    status = token.main([])

    (bearer,) = capsys.readouterr().out.split()
    template = read_template(ROOT / "template.yaml")
    pool = user_pool(home, template)
    assert pool is not None
    authorizer = next(route.authorizer for route in template.http_routes if route.authorizer)
    claims = TokenCheck(pool.public_keys).admit(authorizer, ("ringfold/manage",), bearer)["jwt"]["claims"]
    assert (0, "org_skyowl") == (status, claims["organization_id"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--role", "organization_viewer"], "belongs to an organization"),
        (["--role", "platform_admin", "--organization", "org_1"], "belongs to no organization"),
        (["--role", "king"], f"choose from {', '.join(ROLES)}"),
    ],
)
def test_what_cannot_be_meant_is_explained(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role without its organization, or with one it cannot have, is a usage error."""
    for name in ("ROLE", "ORGANIZATION"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(SystemExit):
        token.main(arguments)

    assert told in capsys.readouterr().err.replace("'", "")
