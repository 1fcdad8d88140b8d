"""The API is built from the function's settings."""

from __future__ import annotations

import pytest

from ringfold.errors import ConfigError
from ringfold_admin import bootstrap


def test_what_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every setting's name, at cold start."""
    monkeypatch.setattr("os.environ", {})
    bootstrap.api.cache_clear()

    with pytest.raises(ConfigError, match="TABLE_NAME"):
        bootstrap.api()
