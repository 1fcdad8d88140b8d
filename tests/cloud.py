"""AWS on loopback as a deployment needs it: MiniStack with every service, and with SAM's transform (fixture ``cloud``).

The transform's library comes from the SAM CLI's own environment, behind whatever MiniStack has itself.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import botocore.session
import pytest

from tests.aws import PYTHON, REGION, ROOT, free_port, wait_for

SAM: Final = ROOT / ".local" / "tools" / "sam"
START: Final = (
    "import runpy, sys; sys.path += sys.argv[1:]; del sys.argv[1:]; runpy.run_module('ministack', run_name='__main__')"
)


@dataclass(frozen=True)
class Cloud:
    """Where it is.

    Attributes:
        home: A folder of its own.
    """

    endpoint: str
    home: Path

    @property
    def environ(self) -> dict[str, str]:
        """What a program is told, so that it speaks with this AWS and no other."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self, service: str) -> Any:
        """A botocore client; always the same one, as they are slow to make."""
        return _client(self.endpoint, service)


@cache
def _client(endpoint: str, service: str) -> Any:
    return _session().create_client(service, region_name=REGION, endpoint_url=endpoint)


@cache
def _session() -> botocore.session.Session:
    """With keys that open nothing else."""
    session = botocore.session.Session()
    session.set_credentials("test", "test")
    return session


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """MiniStack on a free port, stopped by SIGTERM at the end."""
    if not PYTHON.exists():
        pytest.skip("MiniStack is not installed; run `make setup-dev`")
    port, home = free_port(), tmp_path_factory.mktemp("cloud")
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(home),
        "TMPDIR": str(home),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "S3_DATA_DIR": str(home / "s3"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }
    libraries = [str(path) for path in sorted(SAM.glob("lib/python3*/site-packages"))]
    with (home / "log").open("wb") as output:
        command = [str(PYTHON), "-c", START, *libraries]
        process = subprocess.Popen(command, env=environment, cwd=home, stdout=output, stderr=output)
    try:
        wait_for(port, process)
        yield Cloud(f"http://127.0.0.1:{port}", home)
    finally:
        process.terminate()
        process.wait(20)
