"""The JWT authorizer: what it lets through, and what it says of the rest."""

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from local.authorizer import Refused, TokenCheck, as_text
from local.resources import JwtAuthorizer
from local.sign_in import KEY_ID, UserPool
from tests.local.conftest import KEY

NOW = 1_800_000_000
POOL = JwtAuthorizer("https://issuer.example/pool", ("client-1", "client-2"))
CHECK = TokenCheck(UserPool(KEY, POOL).public_keys, clock=lambda: NOW)
CLAIMS = {
    "iss": POOL.issuer,
    "client_id": "client-1",
    "sub": "u",
    "scope": "other ringfold/read",
    "iat": NOW - 10,
    "exp": NOW + 60,
}


def signed(key: Any = KEY, kid: str | None = KEY_ID, algorithm: str = "RS256", **changes: Any) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid} if kid else {})


def refusal(header: str, *scopes: str) -> Refused:
    with pytest.raises(Refused) as caught:
        CHECK.admit(POOL, scopes, header)
    return caught.value


@pytest.mark.parametrize("header", [f"Bearer {signed()}", f"bearer   {signed()} ", signed()])
def test_a_token_may_stand_behind_bearer_or_alone(header: str) -> None:
    """API Gateway takes it both ways."""
    admitted = CHECK.admit(POOL, ("ringfold/read",), header)["jwt"]

    assert ("u", ["other", "ringfold/read"]) == (admitted["claims"]["sub"], admitted["scopes"])


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "client-2"},
        {"client_id": None, "aud": "client-1"},
        {"client_id": None, "aud": ["x", "client-2"]},
        {"client_id": "other", "aud": "client-1"},
        {"nbf": NOW - 1},
        {"algorithm": "RS512"},
    ],
)
def test_what_is_let_through(changes: dict[str, Any]) -> None:
    """An audience is enough, or a client where there is no audience; any RSA signature that holds."""
    assert "u" == CHECK.admit(POOL, (), signed(**changes))["jwt"]["claims"]["sub"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://issuer.example/other"}, "the token does not have a valid issuer"),
        ({"iss": None}, "the token does not have a valid issuer"),
        ({"client_id": "other"}, "the token does not have a valid audience"),
        ({"client_id": None}, "the token does not have a valid audience"),
        ({"aud": "other"}, "the token does not have a valid audience"),
        ({"aud": []}, "the token does not have a valid audience"),
        ({"exp": NOW}, "the token has expired"),
        ({"exp": None}, "the token does not have valid times"),
        ({"exp": "tomorrow"}, "the token does not have valid times"),
        ({"nbf": NOW + 1}, "the token is not valid yet"),
        ({"iat": NOW + 1}, "the token is not valid yet"),
        ({"kid": "other"}, "the key of the token is not known"),
        ({"kid": None}, "the key of the token is not known"),
        (
            {"key": generate_private_key(public_exponent=65537, key_size=2048)},
            "the token is malformed or its signature is invalid",
        ),
        ({"key": "secret-of-thirty-two-characters!", "algorithm": "HS256"}, "the token is malformed or its signature"),
        ({"key": None, "algorithm": "none"}, "the token is malformed or its signature"),
    ],
)
def test_what_is_refused(changes: dict[str, Any], reason: str) -> None:
    """Another issuer, audience or key, a time that is wrong, a signature of another kind: 401, with the reason."""
    refused = refusal(signed(**changes))

    assert 401 == refused.status
    assert refused.reason.startswith(reason)


@pytest.mark.parametrize(
    "header", ["Bearer x", "Bearer a.b.c", f"{signed().rpartition('.')[0]}.", f"{signed()},{signed()}", "é"]
)
def test_what_is_no_token_is_refused(header: str) -> None:
    """Whatever stands there, the answer is 401."""
    assert 401 == refusal(header).status


@pytest.mark.parametrize("header", ["", "   ", "Bearer", "Bearer  "])
def test_no_token_at_all(header: str) -> None:
    """Then the header asks for one and gives no reason."""
    refused = refusal(header, "ringfold/read") if header.strip() != "Bearer" else refusal("Bearer ", "ringfold/read")

    assert (401, "Bearer") == (refused.status, dict(refused.headers)["www-authenticate"])


@pytest.mark.parametrize(
    ("held", "asked", "opens"),
    [
        ("ringfold/read", ("ringfold/read", "ringfold/manage"), True),
        ("ringfold/manage x", ("ringfold/read", "ringfold/manage"), True),
        ("ringfold/read", ("ringfold/manage",), False),
        ("ringfold/reader", ("ringfold/read",), False),
        (None, ("ringfold/read",), False),
        (None, (), True),
    ],
)
def test_any_of_the_scopes_opens_a_route(held: str | None, asked: tuple[str, ...], *, opens: bool) -> None:
    """One scope in common is enough; none is 403; a route that asks for none is open to every valid token."""
    header = signed(scope=held)

    if opens:
        assert "u" == CHECK.admit(POOL, asked, header)["jwt"]["claims"]["sub"]
    else:
        assert 403 == refusal(header, *asked).status


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), (7, "7"), (True, "true"), (["a", "b c"], "[a b c]"), ([], "[]"), ({"a": 1}, '{"a":1}')],
)
def test_claims_become_text(value: object, text: str) -> None:
    """API Gateway hands every claim over as a string."""
    assert text == as_text(value)
