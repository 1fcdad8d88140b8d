from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from ringfold_cli.faults import NotAllowed, Unreachable, UsageFault
from ringfold_cli.profiles import Profile, Profiles
from ringfold_cli.target import Choice, Finder, same_place, sound_url

DEV, PROD, LOCAL = "https://dev.example.com", "https://prod.example.com", "http://127.0.0.1:8000"
NOW = 1_800_000_000.0
RUN = {
    "public_base_url": LOCAL,
    "platform_admin_token": "local-platform",
    "organizations": [{"id": "org_skyowl", "admin_token": "local-skyowl"}],
}


@dataclass
class World:
    """A user's files, and whether the local run answers."""

    folder: Path
    alive: bool = True

    @property
    def profiles(self) -> Profiles:
        return Profiles(self.folder / "config")

    def finder(self) -> Finder:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/healthz":
                return httpx.Response(200 if self.alive else 502)
            raise httpx.ConnectError("nobody")

        http = httpx.Client(transport=httpx.MockTransport(answer))
        return Finder(self.profiles, self.folder / "run.json", lambda: NOW, http)

    def found(self, **choice: str) -> tuple[str, str]:
        """URL and token."""
        target = self.finder().find(Choice(**choice))
        return target.base_url, target.bearer()

    def log_in(self, name: str, url: str, **fields: Any) -> None:
        self.profiles.save(
            Profile(name, url, access_token=f"{name}-token", **{"expires_at": int(NOW) + 3600, **fields})
        )
        self.profiles.choose(name)

    def run(self) -> None:
        (self.folder / "run.json").write_text(json.dumps(RUN))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Nobody is logged in and nothing runs."""
    return World(tmp_path)


def test_what_is_given_is_used(world: World) -> None:
    """URL and token, from flags or variables, whatever else there is."""
    world.log_in("prod", PROD)
    world.run()

    assert (DEV, "mine") == world.found(url=f"{DEV}/", token="mine")


def test_the_last_login_is_used_else_the_local_run(world: World) -> None:
    """With nothing given; the local run only if it answers."""
    world.run()
    local = world.found()
    world.log_in("dev", DEV)

    assert (LOCAL, "local-platform") == local
    assert (DEV, "dev-token") == world.found()


def test_with_nothing_there_the_ways_are_named(world: World) -> None:
    """Also when the local run has left its file and is gone."""
    world.run()
    world.alive = False

    with pytest.raises(UsageFault) as fault:
        world.found()

    assert "make run" in fault.value.hint


def test_a_profile_is_chosen_by_name(world: World) -> None:
    """Whatever was logged in to last; an unknown one is told with those there are."""
    world.log_in("dev", DEV)
    world.log_in("prod", PROD)

    with pytest.raises(UsageFault, match=r"no profile stage; known: dev, prod\."):
        world.found(profile="stage")

    assert (DEV, "dev-token") == world.found(profile="dev")
    assert (PROD, "mine") == world.found(token="mine")


def test_a_token_goes_only_where_it_is_for(world: World) -> None:
    """A URL without a token gets that of a login or local run of this very URL, never another's."""
    world.log_in("dev", DEV)
    world.log_in("prod", PROD)
    world.run()

    with pytest.raises(NotAllowed):
        world.found(url="https://other.example.com")
    with pytest.raises(NotAllowed):
        world.found(url=DEV, profile="prod")

    assert (DEV, "dev-token") == world.found(url=DEV)
    assert (LOCAL, "local-platform") == world.found(url=LOCAL)
    assert (PROD, "prod-token") == world.found(url=PROD, profile="prod")


@pytest.mark.parametrize("url", ["ftp://x", "voice.example.com", "https://u:p@x.example", "https://x.example/?a=1", ""])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(UsageFault, match="no URL of an API"):
        sound_url(url)


def test_a_token_is_not_sent_unencrypted_over_a_network() -> None:
    """Http is for loopback only."""
    with pytest.raises(UsageFault, match="unencrypted"):
        sound_url("http://voice.example.com")

    assert "http://localhost:8000" == sound_url("http://localhost:8000/")


def test_somebody_of_the_local_run_is_picked(world: World) -> None:
    """The platform, or an organization by its id."""
    world.run()
    world.log_in("dev", DEV)

    assert (LOCAL, "local-platform") == world.found(as_="platform")
    assert (LOCAL, "local-skyowl") == world.found(as_="organization:org_skyowl")
    with pytest.raises(UsageFault, match="organization:org_skyowl"):
        world.found(as_="organization:org_nobody")
    with pytest.raises(UsageFault, match="leave --url"):
        world.found(as_="platform", url=DEV)


def test_a_local_run_that_is_not_there_has_no_somebody(world: World) -> None:
    """Nor one whose file is half a file or has no token."""
    for text in ("", "{", json.dumps({"public_base_url": LOCAL, "organizations": []})):
        (world.folder / "run.json").write_text(text)
        with pytest.raises((UsageFault, NotAllowed)):
            world.found(as_="platform")


def test_a_login_is_over_when_nothing_renews_it(world: World) -> None:
    """Said with the command that begins a new one; Cognito out of reach is another matter."""
    world.log_in("dev", DEV, expires_at=int(NOW) - 1)
    with pytest.raises(NotAllowed) as over:
        world.found()
    world.log_in("dev", DEV, expires_at=int(NOW) - 1, refresh_token="r", sign_in_url="https://cognito.example/")
    with pytest.raises(Unreachable):
        world.found()

    assert "Log in: ringfold login --profile dev" == over.value.hint


def test_places_are_compared_as_browsers_do() -> None:
    """Letters of the host and a slash at the end make no other place; a path, port or scheme does."""
    assert same_place("https://Dev.example.com/", DEV)
    assert not same_place(f"{DEV}:444", DEV)
    assert not same_place(f"{DEV}/x", DEV)
