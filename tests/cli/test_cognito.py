from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from ringfold_cli.cognito import NEW_PASSWORD, Challenge, SignIn, Tokens
from ringfold_cli.faults import Fault, NotAllowed, Refused, Unreachable, UsageFault

URL = "https://cognito-idp.us-east-1.amazonaws.com/"
# As Cognito's API reference has them.
RESULT = {"AuthenticationResult": {"AccessToken": "a", "RefreshToken": "r", "ExpiresIn": 3600, "TokenType": "Bearer"}}
CHALLENGE = {
    "ChallengeName": NEW_PASSWORD,
    "Session": "s",
    "ChallengeParameters": {"USER_ID_FOR_SRP": "11111111-2222-3333-4444-555555555555", "requiredAttributes": "[]"},
}


def sign_in(status: int, document: object, asked: list[httpx.Request] | None = None) -> SignIn:
    def answer(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        if isinstance(document, Exception):
            raise document
        return httpx.Response(status, json=document)

    return SignIn(URL, "client-1", httpx.Client(transport=httpx.MockTransport(answer)))


def test_a_password_gives_tokens() -> None:
    """One JSON request with the operation in a header, and no AWS signature."""
    asked: list[httpx.Request] = []

    tokens = sign_in(200, RESULT, asked).with_password("ann@example.com", "secret")

    assert Tokens("a", "r", 3600) == tokens
    assert "AWSCognitoIdentityProviderService.InitiateAuth" == asked[0].headers["x-amz-target"]
    assert "authorization" not in asked[0].headers
    assert {
        "AuthFlow": "USER_PASSWORD_AUTH",
        "ClientId": "client-1",
        "AuthParameters": {"USERNAME": "ann@example.com", "PASSWORD": "secret"},
    } == json.loads(asked[0].content)


def test_a_challenge_is_answered_as_the_user_behind_the_address() -> None:
    """Where one logs in by e-mail, Cognito wants its own name of the user in the answer."""
    asked: list[httpx.Request] = []
    challenge = sign_in(200, CHALLENGE).with_password("ann@example.com", "once")

    assert isinstance(challenge, Challenge)
    tokens = sign_in(200, RESULT, asked).answer(challenge, "chosen")

    assert Tokens("a", "r", 3600) == tokens
    assert {"USERNAME": "11111111-2222-3333-4444-555555555555", "NEW_PASSWORD": "chosen"} == json.loads(
        asked[0].content
    )["ChallengeResponses"]


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("NotAuthorizedException", NotAllowed),
        ("UserNotFoundException", NotAllowed),
        ("com.amazonaws.cognito#CodeMismatchException", NotAllowed),
        ("PasswordResetRequiredException", NotAllowed),
        ("InvalidPasswordException", Refused),
        ("ResourceNotFoundException", UsageFault),
        ("TooManyRequestsException", Unreachable),
        ("InternalErrorException", Unreachable),
    ],
)
def test_every_refusal_is_somebodys_to_cure(name: str, family: type[Fault]) -> None:
    """The family of the fault, and with it the exit code, says whose."""
    with pytest.raises(family, match=r"Password did not conform|There is no such app client"):
        sign_in(400, {"__type": name, "message": "Password did not conform with policy"}).with_password("a", "b")


@pytest.mark.parametrize("document", [httpx.ConnectError("no"), ["not", "an", "object"], {}])
def test_whoever_answers_otherwise_is_not_cognito(document: Any) -> None:
    """Nobody, or a stranger: not reachable."""
    with pytest.raises(Unreachable):
        sign_in(500, document).with_password("a", "b")


def test_a_refresh_that_is_challenged_is_a_new_login() -> None:
    """There is nobody to answer while a command runs."""
    with pytest.raises(NotAllowed):
        sign_in(200, CHALLENGE).with_refresh_token("r")
