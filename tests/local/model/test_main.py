"""The command line."""

from __future__ import annotations

import pytest

from local.model.__main__ import parse_options


def test_defaults_are_a_human_pace_on_loopback() -> None:
    """Without options the model listens on loopback and speaks as fast as a model does."""
    options = parse_options(["--port", "8101"])

    assert (8101, "127.0.0.1", 350, 40) == (options.port, options.host, options.first_token_ms, options.token_ms)
    assert ("", "") == (options.openai_url, options.openai_model)


def test_a_port_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody guesses where the model listens."""
    with pytest.raises(SystemExit):
        parse_options([])

    assert "--port" in capsys.readouterr().err
