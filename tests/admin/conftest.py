"""Fixtures of the administrators' API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.admin.desk import Desk, build_desk
from tests.admin.numbers_desk import office
from tests.admin.twilio import Twilio, running_twilio
from tests.aws import Aws

__all__ = ["desk", "office", "twilio"]


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    """Twilio's REST API, without any account yet."""
    with running_twilio() as twilio:
        yield twilio


@pytest.fixture
def desk(aws: Aws, twilio: Twilio) -> Desk:
    """The API over tables of this test's own."""
    return build_desk(aws, twilio.url)
