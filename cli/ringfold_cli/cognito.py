"""Signing in at Amazon Cognito over its plain JSON protocol: three operations that need no AWS credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from ringfold_cli.faults import Fault, NotAllowed, Refused, Unreachable, UsageFault

TARGET: Final = "AWSCognitoIdentityProviderService"
NEW_PASSWORD: Final = "NEW_PASSWORD_REQUIRED"  # noqa: S105 - a challenge's name
AUTHENTICATOR: Final = "SOFTWARE_TOKEN_MFA"
OPERATIONS: Final[Mapping[str, str]] = {
    NEW_PASSWORD: "NEW_PASSWORD",
    AUTHENTICATOR: "SOFTWARE_TOKEN_MFA_CODE",
}
"""What can be asked beyond the password → the answer's name."""


@dataclass(frozen=True)
class Tokens:
    """What a sign-in gives.

    Attributes:
        refresh: Empty where the old one stays in force.
        lasts_s: Seconds that the access token lasts.
    """

    access: str
    refresh: str
    lasts_s: int


@dataclass(frozen=True)
class Challenge:
    """What Cognito wants to know besides.

    Attributes:
        name: ``NEW_PASSWORD_REQUIRED`` or ``SOFTWARE_TOKEN_MFA``; others cannot be answered here.
        username: To answer with.
    """

    name: str
    session: str
    username: str


class SignIn:
    """One user pool, asked for tokens.

    Args:
        url: Of Cognito in the pool's region.
        client_id: The app client.
    """

    def __init__(self, url: str, client_id: str, http: httpx.Client) -> None:
        self._url, self._client_id, self._http = url, client_id, http

    def with_password(self, email: str, password: str) -> Tokens | Challenge:
        """Sign in.

        Raises:
            NotAllowed: If e-mail and password do not fit.
            Unreachable: If nobody answers.
        """
        answer = self._ask(
            "InitiateAuth",
            {
                "AuthFlow": "USER_PASSWORD_AUTH",
                "ClientId": self._client_id,
                "AuthParameters": {"USERNAME": email, "PASSWORD": password},
            },
        )
        return _outcome(answer, email)

    def answer(self, challenge: Challenge, text: str) -> Tokens | Challenge:
        """Answer what was asked besides: a new password, or the authenticator's code.

        Raises:
            Refused: If the new password is against the pool's rules.
        """
        answer = self._ask(
            "RespondToAuthChallenge",
            {
                "ChallengeName": challenge.name,
                "ClientId": self._client_id,
                "Session": challenge.session,
                "ChallengeResponses": {"USERNAME": challenge.username, OPERATIONS[challenge.name]: text},
            },
        )
        return _outcome(answer, challenge.username)

    def with_refresh_token(self, token: str) -> Tokens:
        """New tokens without a password.

        Raises:
            NotAllowed: If it has ended or was revoked.
        """
        answer = self._ask(
            "InitiateAuth",
            {
                "AuthFlow": "REFRESH_TOKEN_AUTH",
                "ClientId": self._client_id,
                "AuthParameters": {"REFRESH_TOKEN": token},
            },
        )
        outcome = _outcome(answer, "")
        if isinstance(outcome, Challenge):
            raise NotAllowed("sign_in", f"Cognito asks for {outcome.name}.", hint="Log in: ringfold login")
        return outcome

    def _ask(self, operation: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": f"{TARGET}.{operation}"}
        try:
            response = self._http.post(self._url, content=json.dumps(body), headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            message = f"Nobody answers at {self._url}: {type(exc).__name__}."
            raise Unreachable("unreachable", message, hint="Is the region right?") from exc
        try:
            document = response.json()
        except ValueError:
            document = {}
        if not isinstance(document, dict) or response.status_code != 200:
            raise _fault(response.status_code, document if isinstance(document, dict) else {})
        return document


def _outcome(answer: Mapping[str, Any], username: str) -> Tokens | Challenge:
    result = answer.get("AuthenticationResult")
    if result:
        lasts_s = int(result.get("ExpiresIn") or 0)
        return Tokens(str(result["AccessToken"]), str(result.get("RefreshToken") or ""), lasts_s)
    parameters = answer.get("ChallengeParameters") or {}
    # Behind an e-mail address stands a user name, and the answer has to carry that one.
    known = str(parameters.get("USER_ID_FOR_SRP") or username)
    return Challenge(str(answer.get("ChallengeName")), str(answer.get("Session") or ""), known)


def _fault(status: int, document: Mapping[str, Any]) -> Fault:
    name = str(document.get("__type") or document.get("code") or "").rpartition("#")[2]
    said = str(document.get("message") or document.get("Message") or "")
    match name:
        case "NotAuthorizedException" | "UserNotFoundException":
            hint = "An invitation lasts three days; an administrator can send another (docs/deploy.md)."
            return NotAllowed("sign_in", said or "E-mail and password do not fit.", status=status, hint=hint)
        case "CodeMismatchException" | "ExpiredCodeException" | "PasswordResetRequiredException":
            return NotAllowed("sign_in", said or name, status=status, hint="Log in again: ringfold login")
        case "InvalidPasswordException" | "InvalidParameterException" | "PasswordHistoryPolicyViolationException":
            return Refused("password", said or name, status=status)
        case "ResourceNotFoundException":
            hint = "Take --client-id and --region from what `make deploy` printed."
            return UsageFault("There is no such app client in this region.", hint=hint)
        case "TooManyRequestsException" | "LimitExceededException":
            return Unreachable("too_many_requests", said or name, status=status, hint="Try again in a moment.")
    return Unreachable("sign_in", f"Cognito answered {status} {name} {said}".strip(), status=status)
