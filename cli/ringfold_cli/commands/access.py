"""`ringfold login`, `logout`, `whoami` and `status`."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import httpx
import typer

from ringfold_cli import ask
from ringfold_cli.cognito import AUTHENTICATOR, NEW_PASSWORD, Challenge, SignIn, Tokens
from ringfold_cli.command import command
from ringfold_cli.faults import Fault, NotAllowed, Unreachable, UsageFault
from ringfold_cli.profiles import DEFAULT, Profile
from ringfold_cli.shell import ORGANIZATIONS, Shell
from ringfold_cli.target import sound_url, with_tokens

ROLES: Final[Mapping[str, str]] = {
    "ringfold/platform": "platform_admin",
    "ringfold/manage": "organization_admin",
    "ringfold/read": "organization_viewer",
}
"""A token's widest scope → what it makes of its bearer."""
DESCRIPTION: Final = "/api/openapi.json"


def add_access(app: typer.Typer) -> None:
    """Add the commands."""
    command(app, "login")(login)
    command(app, "logout")(logout)
    command(app, "whoami")(whoami)
    command(app, "status")(status)


def login(
    shell: Shell,
    client_id: Annotated[
        str, typer.Option("--client-id", help="The user pool's app client, as `make deploy` printed it.")
    ] = "",
    region: Annotated[str, typer.Option("--region", help="AWS region of the user pool.")] = "",
    sign_in_url: Annotated[
        str,
        typer.Option("--sign-in-url", help="Cognito elsewhere.", envvar="AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"),
    ] = "",
    email: Annotated[str, typer.Option("--email", help="Whose login it is.")] = "",
    password_stdin: Annotated[
        bool,
        typer.Option("--password-stdin", help="Read the password from stdin, and a new one from its second line."),
    ] = False,
) -> None:
    """Log in with e-mail and password, and keep the tokens for the commands to come.

    What is not given is taken from the profile, or asked for. The profile is the current one afterwards.
    """
    name = shell.common.profile or shell.profiles.current() or DEFAULT
    known = shell.profiles.load(name) or Profile(name, "")
    profile = replace(
        known,
        base_url=sound_url(shell.common.url or known.base_url or ask.line("URL of the API", "--url")),
        client_id=client_id or known.client_id or ask.line("App client id", "--client-id"),
        sign_in_url=sign_in_url or _sign_in_url(region) or known.sign_in_url,
        email=email or known.email or ask.line("E-mail", "--email"),
    )
    if not profile.sign_in_url:
        asked = ask.line("AWS region", "--region")
        profile = replace(profile, sign_in_url=_sign_in_url(asked))
    password = ask.secret("password", from_stdin=password_stdin, option="--password-stdin")
    tokens = _signed_in(shell, profile, password, password_stdin)
    shell.profiles.save(with_tokens(profile, tokens, time.time()))
    shell.profiles.choose(name)
    principal = read_token(tokens.access)
    shell.out.document(principal | {"base_url": profile.base_url, "profile": name})
    shell.out.say(f"Logged in to {profile.base_url} as {profile.email} ({_role(principal)}), profile {name}.")


def logout(shell: Shell) -> None:
    """Forget the tokens of a profile."""
    name = shell.common.profile or shell.profiles.current()
    profile = shell.profiles.load(name) if name else None
    if profile is None:
        raise UsageFault("Nobody is logged in.")
    shell.profiles.save(profile.without_tokens())
    if shell.profiles.current() == name:
        shell.profiles.choose("")
    shell.out.document({"profile": name})
    shell.out.say(f"Logged out of {profile.base_url} (profile {name}).")


def whoami(shell: Shell) -> None:
    """Say who the token makes of you, and where it is sent. The API is not asked."""
    target = shell.target
    principal = read_token(target.bearer()) | {"base_url": target.base_url, "source": target.source}
    shell.out.document(principal)
    shell.out.fields(principal.items())


def status(shell: Shell) -> None:
    """Say whether the API answers, and whether it accepts the token."""
    target = shell.target
    found: dict[str, Any] = {"base_url": target.base_url, "source": target.source, "api": _description(shell)}
    with shell.out.working("Asking…"):
        try:
            shell.client.get(ORGANIZATIONS, {"limit": 1})
        except NotAllowed as fault:
            if fault.status != 403:
                raise
    found["principal"] = read_token(target.bearer())
    shell.out.document(found)
    api = f"answers ({found['api']['title']}, API version {found['api']['version']})"
    who = f"{found['principal']['name']} ({_role(found['principal'])})"
    shell.out.fields([("url", target.base_url), ("from", target.source), ("api", api), ("you", who)])


def read_token(token: str) -> dict[str, Any]:
    """What a token says of its bearer; whether that is true, the API finds out.

    Raises:
        NotAllowed: If it is no token of a user pool.
    """
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        subject = str(claims["sub"])
    except (IndexError, ValueError, KeyError, TypeError) as exc:
        message = "The token is no token of Ringfold's user pool: it cannot be read."
        raise NotAllowed("unauthenticated", message, hint="Log in: ringfold login") from exc
    scopes = set(str(claims.get("scope") or "").split())
    ends = claims.get("exp")
    return {
        "subject": subject,
        "name": str(claims.get("email") or claims.get("username") or subject),
        "role": next((role for scope, role in ROLES.items() if scope in scopes), None),
        "organization_id": claims.get("organization_id"),
        "expires_at": datetime.fromtimestamp(ends, UTC).isoformat() if isinstance(ends, int | float) else None,
    }


def _signed_in(shell: Shell, profile: Profile, password: str, password_stdin: bool) -> Tokens:
    cognito = SignIn(profile.sign_in_url, profile.client_id, shell.http)
    outcome = cognito.with_password(profile.email, password)
    while isinstance(outcome, Challenge):
        outcome = cognito.answer(outcome, _asked(shell, outcome, password_stdin))
    return outcome


def _asked(shell: Shell, challenge: Challenge, from_stdin: bool) -> str:
    """The answer to what the user pool wants to know besides."""
    match challenge.name:
        case name if name == NEW_PASSWORD:
            shell.out.note("The password you were sent is for once: choose one of your own.")
            return ask.secret("new password", from_stdin=from_stdin, option="--password-stdin", twice=True)
        case name if name == AUTHENTICATOR:
            return ask.line("Code of your authenticator", "the authenticator's code, which only a terminal can give")
    raise NotAllowed("sign_in", f"The user pool asks for {challenge.name}, which this command cannot answer.")


def _sign_in_url(region: str) -> str:
    if not region:
        return ""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://cognito-idp.{region}.{suffix}/"


def _description(shell: Shell) -> dict[str, Any]:
    """What the API says of itself, to anybody."""
    url = shell.target.base_url + DESCRIPTION
    try:
        response = shell.http.get(url)
        document = response.json() if response.is_success else {}
    except (httpx.HTTPError, ValueError) as exc:
        hint = f"Asked: {url} ({shell.target.source})."
        raise Unreachable("unreachable", f"No API of Ringfold's answers at {url}.", hint=hint) from exc
    info = document.get("info") if isinstance(document, dict) else None
    if not info:
        message = f"What answers at {url} is not Ringfold's API ({response.status_code})."
        raise Fault("not_ringfold", message, hint="Is the URL right? `make deploy` prints it.")
    return {"title": info["title"], "version": info["version"]}


def _role(principal: Mapping[str, Any]) -> str:
    role = str(principal["role"] or "no role").replace("_", " ")
    return f"{role} of {principal['organization_id']}" if principal["organization_id"] else role
