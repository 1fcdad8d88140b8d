"""What callers hear when something Ringfold needs is down, slow or wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions.incoming import app
from ringfold.adapters.calls import Calls
from ringfold.adapters.directory import Directory
from ringfold.errors import ConfigError, ConflictError, DependencyError
from ringfold.service.answers import Reply
from ringfold.service.voice import PATIENCE_S
from tests.world import World, call_params, http_event, parse_twiml, spoken

ROUTES = ("/api/voice/incoming", "/api/voice/status", "/api/voice/action/conv_1")


class Broken:
    """An adapter of which every method, or one, does something else."""

    def __init__(self, behind: object, what: Callable[[], object], only: str = "") -> None:
        self._behind, self._what, self._only = behind, what, only

    def __getattr__(self, name: str) -> Any:
        if self._only and name != self._only:
            return getattr(self._behind, name)
        return lambda *_, **__: self._what()


def down() -> object:
    raise DependencyError("dynamodb", "ServiceUnavailable")


def misconfigured() -> object:
    raise ConfigError("secret x: auth_token: expected non-empty text")


def request(world: World, voice: Any, path: str, **params: str) -> Reply:
    carrier = world.carriers["acc_skyowl"]
    sent = call_params(carrier, CallStatus="completed", SessionStatus="failed", SessionId="VX1", **params)
    parsed = app.parse_request(http_event(path, sent, auth_token=carrier.auth_token))
    route = {"incoming": voice.incoming, "status": voice.status}.get(path.rpartition("/")[2], voice.action)
    reply: Reply = route(parsed)
    return reply


def as_answer(reply: Reply) -> dict[str, Any]:
    return {"statusCode": reply.status, "headers": {"content-type": "text/xml"}, "body": reply.body}


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("part", ["directory", "secrets"])
@pytest.mark.parametrize("what", [down, misconfigured])
def test_nothing_is_believed_that_cannot_be_verified(
    world: World, path: str, part: str, what: Callable[[], object]
) -> None:
    """With the table or the secrets down, the caller hears a sentence; nothing is accepted, stored or dialled."""
    voice = world.voice(**{part: Broken(None, what)})

    reply = request(world, voice, path)

    answer = as_answer(reply)
    assert parse_twiml(answer).find("Connect") is None
    assert parse_twiml(answer).find("Dial") is None
    assert (503 if path.endswith("status") else 200) == reply.status
    assert path.endswith("status") or spoken(answer)
    assert not world.items("CALL#")
    assert not world.finished
    assert "ERROR" in [line["level"] for line in world.lines]


@pytest.mark.parametrize(
    ("part", "method", "error"),
    [
        ("calls", "open_call", DependencyError("dynamodb", "down")),
        ("calls", "open_call", ConflictError("busy")),
        ("secrets", "relay_key", DependencyError("secretsmanager", "AccessDenied")),
    ],
)
def test_a_verified_caller_is_connected_with_a_person(world: World, part: str, method: str, error: Exception) -> None:
    """What fails after the signature was checked sends the caller to the transfer number."""

    def fail() -> object:
        raise error

    healthy = {"calls": Calls(world.dynamodb, world.aws.table), "secrets": world.secrets()}
    voice = world.voice(**{part: Broken(healthy[part], fail, method)})

    reply = request(world, voice, "/api/voice/incoming")

    assert "+15125550190" == parse_twiml(as_answer(reply)).findtext("Dial")
    assert not world.items("CALL#")


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Opened at the end, so that no thread outlives its test."""
    opened = threading.Event()
    yield opened
    opened.set()


@pytest.mark.parametrize("part", ["directory", "calls", "secrets"])
def test_a_slow_service_does_not_keep_the_caller_waiting(world: World, gate: threading.Event, part: str) -> None:
    """When patience is used up the caller hears a sentence, whatever is still under way."""
    healthy = {
        "directory": (Directory(world.dynamodb, world.aws.table), "load_persona"),
        "calls": (Calls(world.dynamodb, world.aws.table), "open_call"),
        "secrets": (world.secrets(), "account"),
    }
    behind, method = healthy[part]
    voice = world.voice(**{part: Broken(behind, gate.wait, method)}, patience_s=0.5)
    began = time.monotonic()

    reply = request(world, voice, "/api/voice/incoming")

    assert time.monotonic() - began < 3
    assert (200, True) == (reply.status, bool(spoken(as_answer(reply))))


def test_the_patience_is_shorter_than_the_callers() -> None:
    """A caller who hears nothing for ten seconds hangs up; the answer is out before, with time to travel."""
    assert PATIENCE_S <= 8
