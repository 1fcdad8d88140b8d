"""The shared botocore clients."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfold.adapters import aws

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    aws.forget_clients()
    yield
    aws.forget_clients()


def test_a_client_is_built_once() -> None:
    """The same arguments give the same client, other ones another, all of one session."""
    first, second = aws.client("dynamodb"), aws.client("dynamodb")
    slower = aws.client("dynamodb", read_timeout_s=9)

    assert first is second
    assert first is not slower


def test_clients_are_impatient() -> None:
    """Somebody is on the line: short timeouts, one retry, a socket that notices a dead peer."""
    config = aws.client("dynamodb").meta.config

    assert (1.0, 3.0, {"mode": "standard", "total_max_attempts": 2}, True) == (
        config.connect_timeout,
        config.read_timeout,
        config.retries,
        config.tcp_keepalive,
    )


def test_an_endpoint_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By argument, or by the ordinary variables of AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")

    endpoints = [aws.client("dynamodb"), aws.client("secretsmanager", endpoint_url="http://127.0.0.1:2")]

    assert ["http://127.0.0.1:1", "http://127.0.0.1:2"] == [client.meta.endpoint_url for client in endpoints]


def test_boto3_is_not_imported() -> None:
    """Its import costs every cold start and nothing needs it."""
    code = "import sys, ringfold.adapters.aws; print('boto3' in sys.modules)"

    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(ROOT / "layers" / "core")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "False" == ran.stdout.strip()
