"""Where the API is, and the token that is sent: from flags, the environment, a profile, or the local run.

| given | API | token |
|---|---|---|
| ``--as`` | the local run | that of the platform or of an organization |
| ``--url`` / ``RINGFOLD_URL`` | it | ``--token`` / ``RINGFOLD_TOKEN``; else what a login or the local run has for it |
| ``--profile`` / ``RINGFOLD_PROFILE`` | the profile's | the profile's |
| nothing | that of the profile logged in to last; else the local run, if it is running | its own |

A token is never sent anywhere but where it is for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from ringfold_cli.cognito import SignIn, Tokens
from ringfold_cli.faults import NotAllowed, UsageFault
from ringfold_cli.profiles import DEFAULT, Profile, Profiles

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
EARLY_S: Final = 60
"""An access token that ends sooner than this is renewed first."""
NOWHERE: Final = "It is not known where Ringfold is: nobody is logged in, and no local run is running."
HOW: Final = "Log in (ringfold login), start the local run (make run), or pass --url and --token."


@dataclass(frozen=True)
class Choice:
    """What the command line and the environment say."""

    url: str = ""
    token: str = ""
    profile: str = ""
    as_: str = ""


@dataclass(frozen=True)
class Target:
    """Where requests go.

    Attributes:
        source: Where that is from, in words.
        bearer: Gives the token, renewed where needed.
    """

    base_url: str
    source: str
    bearer: Callable[[], str] = field(repr=False)


@dataclass(frozen=True)
class Finder:
    """Finds the target.

    Attributes:
        profiles: Those of this user.
        run_file: Of the local run.
        now: Epoch seconds.
        http: For Cognito, and to see whether the local run is alive.
    """

    profiles: Profiles
    run_file: Path
    now: Callable[[], float]
    http: httpx.Client

    def find(self, choice: Choice) -> Target:
        """The target of a command.

        Raises:
            UsageFault: If what was given does not fit together, or nothing was given and nothing is there.
            NotAllowed: If there is no token for that URL.
        """
        if choice.as_:
            return self._local_as(choice)
        if choice.url:
            return self._at(sound_url(choice.url), choice)
        name = choice.profile or self.profiles.current()
        if name:
            profile = self._profile(name)
            if choice.token:
                return Target(sound_url(profile.base_url), f"profile {name}, token given", lambda: choice.token)
            return self._of(profile)
        run = self._run()
        if run is None or not self._alive(str(run["public_base_url"])):
            raise UsageFault(NOWHERE, hint=HOW)
        token = choice.token or str(run.get("platform_admin_token") or "")
        return _local(run, token, "the local run" + (", token given" if choice.token else ""))

    # -----------------------------------------------------------------------------------------------------------------

    def _at(self, url: str, choice: Choice) -> Target:
        if choice.token:
            return Target(url, "given", lambda: choice.token)
        named = self._profile(choice.profile) if choice.profile else None
        if named is not None and same_place(named.base_url, url):
            return self._of(named)
        run = self._run()
        if named is None and run is not None and same_place(str(run["public_base_url"]), url):
            return _local(run, str(run.get("platform_admin_token") or ""), "the local run")
        if named is None:
            fitting = [name for name in self.profiles.names() if same_place(self._profile(name).base_url, url)]
            current = self.profiles.current()
            if fitting:
                return self._of(self._profile(current if current in fitting else fitting[0]))
        message = f"There is no token for {url}."
        raise NotAllowed(
            "unauthenticated", message, hint=f"Log in (ringfold login --url {url}), or set RINGFOLD_TOKEN."
        )

    def _of(self, profile: Profile) -> Target:
        return Target(sound_url(profile.base_url), f"profile {profile.name}", lambda: self._valid_token(profile.name))

    def _profile(self, name: str) -> Profile:
        profile = self.profiles.load(name)
        if profile is None:
            known = ", ".join(self.profiles.names()) or "none"
            raise UsageFault(f"There is no profile {name}; known: {known}.", hint=f"ringfold login --profile {name}")
        return profile

    def _valid_token(self, name: str) -> str:
        profile = self._profile(name)
        hint = "Log in: ringfold login" + (f" --profile {name}" if name != DEFAULT else "")
        if profile.access_token and profile.expires_at - EARLY_S > self.now():
            return profile.access_token
        if not profile.refresh_token:
            why = "The login has ended." if profile.access_token else f"Nobody is logged in with profile {name}."
            raise NotAllowed("unauthenticated", why, hint=hint)
        try:
            tokens = SignIn(profile.sign_in_url, profile.client_id, self.http).with_refresh_token(profile.refresh_token)
        except NotAllowed as exc:
            raise NotAllowed("unauthenticated", "The login has ended.", hint=hint) from exc
        renewed = with_tokens(profile, tokens, self.now())
        self.profiles.save(renewed)
        return renewed.access_token

    def _local_as(self, choice: Choice) -> Target:
        """The local run, as somebody: ``platform`` or ``organization:<id>``."""
        run = self._run()
        if run is None:
            raise UsageFault("--as picks a token of the local run, which is not running.", hint="Start it: make run")
        if choice.profile or choice.token or (choice.url and not same_place(choice.url, str(run["public_base_url"]))):
            raise UsageFault("--as picks a token of the local run: leave --url, --token and --profile out.")
        if choice.as_ == "platform":
            return _local(run, str(run.get("platform_admin_token") or ""), "the local run, as the platform")
        wanted = choice.as_.removeprefix("organization:")
        tokens = {str(each.get("id")): each.get("admin_token") for each in run.get("organizations") or ()}
        if not tokens.get(wanted):
            known = ", ".join(["platform", *(f"organization:{each}" for each in tokens)])
            raise UsageFault(f"The local run has no token of {choice.as_}; there are: {known}.")
        return _local(run, str(tokens[wanted]), f"the local run, as organization {wanted}")

    def _run(self) -> dict[str, Any] | None:
        try:
            document = json.loads(self.run_file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return document if isinstance(document, dict) and document.get("public_base_url") else None

    def _alive(self, url: str) -> bool:
        try:
            return self.http.get(f"{url}/healthz", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False


def sound_url(url: str) -> str:
    """A base URL that a token may be sent to.

    Raises:
        UsageFault: If it is none, or would carry the token unencrypted over a network.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise UsageFault(f"{url!r} is no URL of an API; expected https://host, as `make deploy` prints it.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise UsageFault(f"{url} would carry your token unencrypted: use https.")
    return url.rstrip("/")


def same_place(one: str, other: str) -> bool:
    """Whether two base URLs are the same."""
    left, right = urlsplit(one.rstrip("/")), urlsplit(other.rstrip("/"))
    return (left.scheme, left.netloc.lower(), left.path) == (right.scheme, right.netloc.lower(), right.path)


def with_tokens(profile: Profile, tokens: Tokens, now: float) -> Profile:
    """A profile that is logged in."""
    return replace(
        profile,
        access_token=tokens.access,
        refresh_token=tokens.refresh or profile.refresh_token,
        expires_at=int(now) + tokens.lasts_s,
    )


def _local(run: Mapping[str, Any], token: str, source: str) -> Target:
    if not token:
        raise NotAllowed("unauthenticated", "The local run gives no token.", hint="Start it again: make run")
    return Target(sound_url(str(run["public_base_url"])), source, lambda: token)
