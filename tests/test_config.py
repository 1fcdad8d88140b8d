"""Settings from the environment."""

from __future__ import annotations

import pytest

from ringfold.config import NAMES, load
from ringfold.errors import ConfigError

GOOD = {
    **dict.fromkeys(NAMES, "x"),
    "PUBLIC_BASE_URL": "https://api.example.com/",
    "RELAY_URL": "wss://relay.example.com/prod",
    "CONNECTIONS_URL": "https://relay.example.com/prod",
    "TURN_DISPATCH": "inline",
    "HANDSHAKE_SIGNATURE": "observe",
    "LOG_LEVEL": "INFO",
}


def test_settings_are_read_and_a_trailing_slash_is_dropped() -> None:
    """A URL is written everywhere the same, or signatures do not hold."""
    settings = load(GOOD)

    assert "https://api.example.com" == settings.public_base_url
    assert "inline" == settings.turn_dispatch


def test_every_fault_is_told_at_once_with_what_was_expected() -> None:
    """One look at the log is enough to mend a deployment."""
    faulty = {**GOOD, "TURN_DISPATCH": "later", "RELAY_URL": "https://relay.example.com", "LOG_LEVEL": "loud"}
    del faulty["TABLE_NAME"]

    with pytest.raises(ConfigError) as caught:
        load(faulty)

    for part in ("TABLE_NAME is missing", "'later': expected inline or async", "RELAY_URL", "'loud'", "template.yaml"):
        assert part in str(caught.value)


def test_what_may_be_left_out_is_checked_when_it_is_there() -> None:
    """A fallback that is no URL would be configured at Twilio for every number."""
    settings = load({**GOOD, "FALLBACK_URL": "https://fallback.example.com/dev/", "PURCHASE_QUEUE_URL": "https://q"})
    bare = load(GOOD)

    assert ("https://fallback.example.com/dev", "https://q") == (settings.fallback_url, settings.purchase_queue_url)
    assert ("", "") == (bare.fallback_url, bare.purchase_queue_url)
    with pytest.raises(ConfigError, match="FALLBACK_URL"):
        load({**GOOD, "FALLBACK_URL": "fallback.example.com"})
