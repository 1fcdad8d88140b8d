"""A real table engine, queue and secret store on loopback: MiniStack, one per test session (fixture ``aws``)."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".local" / "tools" / "ministack" / "bin" / "python"
REGION = "us-east-1"


@dataclass(frozen=True)
class Aws:
    """Where it is, and two fresh tables of the template's shape."""

    endpoint: str
    table: str
    airline_table: str

    def client(self, service: str, **config: Any) -> Any:
        """A botocore client with keys that open nothing else."""
        settings = Config(retries={"mode": "standard", "total_max_attempts": 2}, **config)
        return _session().create_client(service, region_name=REGION, endpoint_url=self.endpoint, config=settings)


@pytest.fixture(scope="session")
def aws_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MiniStack on a free port, stopped by SIGTERM at the end."""
    if not PYTHON.exists():
        pytest.skip("MiniStack is not installed; run `make setup`")
    port, scratch = free_port(), tmp_path_factory.mktemp("ministack")
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "dynamodb,sqs,secretsmanager,events",
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }
    with (scratch / "log").open("wb") as output:
        command = [str(PYTHON), "-m", "ministack"]
        process = subprocess.Popen(command, env=environment, cwd=scratch, stdout=output, stderr=output)
    try:
        wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def aws(aws_endpoint: str) -> Aws:
    """MiniStack with tables of this test's own."""
    name = uuid.uuid4().hex[:12]
    made = Aws(aws_endpoint, f"table-{name}", f"airline-{name}")
    dynamodb = made.client("dynamodb")
    for table in (made.table, made.airline_table):
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
    return made


@cache
def _session() -> botocore.session.Session:
    """One for all clients: it keeps the service models, which are slow to read."""
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    return session


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process listens."""
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError("MiniStack did not start")
