"""The services of texts as a deployment builds them: from the environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ringfold import bootstrap_texts as bootstrap
from ringfold.adapters import aws as clients
from ringfold.errors import ConfigError
from ringfold.service.replies import Replies
from ringfold.service.texting import Texting
from tests.functions.test_relay_message import SETTINGS

SERVICES = (
    bootstrap.settings,
    bootstrap.texting,
    bootstrap.reply_queue,
    bootstrap.replies,
    bootstrap._texts,
    bootstrap._secrets,
)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Each test is a cold start."""
    for service in SERVICES:
        service.cache_clear()
    yield
    for service in SERVICES:
        service.cache_clear()
    clients.forget_clients()


def deploy(monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    for name, value in {**SETTINGS, **more}.items():
        monkeypatch.setenv(name, value)


def test_the_services_are_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the function's environment, asking nobody."""
    deploy(monkeypatch, OUTBOX_TABLE_NAME="outbox", REPLY_QUEUE_URL="https://sqs.example.com/replies.fifo")

    assert isinstance(bootstrap.texting(), Texting)
    assert isinstance(bootstrap.replies(), Replies)
    assert bootstrap.reply_queue() is bootstrap.reply_queue()


def test_what_only_texts_need_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, with what is expected."""
    deploy(monkeypatch)
    for name in ("OUTBOX_TABLE_NAME", "REPLY_QUEUE_URL"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ConfigError, match=r"OUTBOX_TABLE_NAME.*REPLY_QUEUE_URL"):
        bootstrap.settings()
