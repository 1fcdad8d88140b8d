"""A running gateway over the small stack beside this file, with real workers and sockets, and no AWS services."""

import asyncio
import contextlib
import json
import shutil
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from websockets.asyncio.client import ClientConnection, connect

from local.authorizer import TokenCheck
from local.faults import Faults
from local.gateway import Gateway, GatewayOptions
from local.processes import free_port
from local.relay_api import RelayLimits
from local.sign_in import UserPool
from local.supervisor import make_server, until_started
from local.template import Function, Template, read_template
from local.traffic import Traffic
from local.workers import Workers

STACK = Path(__file__).with_name("stack") / "template.yaml"
KEY = generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Stack:
    """The running system, as a test sees it."""

    port: int
    template: Template
    gateway: Gateway
    workers: Workers
    traffic: Traffic
    faults: Faults
    http: httpx.AsyncClient
    changes: list[str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def call(self, token: str = "abc", **headers: str) -> AsyncIterator[ClientConnection]:
        """Open a relay connection."""
        url = f"ws://127.0.0.1:{self.port}/relay?token={token}&note=a%20b"
        async with connect(url, additional_headers=headers, proxy=None, max_size=None) as socket:
            yield socket

    def token(self, role: str = "organization_admin", **more: Any) -> dict[str, str]:
        """The header of an administrator of `org_1`."""
        authorizer = next(route.authorizer for route in self.template.http_routes if route.authorizer)
        return {"authorization": f"Bearer {UserPool(KEY, authorizer).token(role, 'org_1', **more)}"}

    def connection_id(self) -> str:
        """The only open connection's id."""
        assert self.gateway.relay is not None
        (only,) = self.gateway.relay.connections
        return only

    async def record(
        self, kind: str, matches: Callable[[dict[str, Any]], bool] = lambda _record: True
    ) -> dict[str, Any]:
        """Wait for a traffic record."""
        async with asyncio.timeout(10):
            async for record in self.traffic.watch():
                if record["kind"] == kind and matches(record):
                    return record
        raise AssertionError(kind)

    async def printed(self, function: str, key: str) -> Any:
        """Wait for a JSON line a function printed, and give the value under its key."""

        def wanted(record: dict[str, Any]) -> bool:
            return bool(record["function"] == function) and str(record["line"]).startswith(f'{{"{key}"')

        return json.loads((await self.record("log", wanted))["line"])[key]


async def until(holds: Callable[[], bool]) -> None:
    """Wait, at most ten seconds, until something holds that tells nobody when it does."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 - the state of other processes
            await asyncio.sleep(0.01)


def rewrite(template: Path, function: str, text: str) -> None:
    """Give a function of a copied stack another handler."""
    (template.parent / "functions" / function / "app.py").write_text(text)


def listening_addresses(port: int) -> set[str]:
    """The addresses somebody listens on at this port, as the kernel knows them (Linux)."""
    if sys.platform != "linux":
        pytest.skip("only Linux tells in /proc who listens")
    found = set()
    for name in ("tcp", "tcp6"):
        rows = [line.split() for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
        listening = [row[1].partition(":") for row in rows if row[3] == "0A"]
        found |= {address for address, _, number in listening if int(number, 16) == port}
    return {"127.0.0.1" if address == "0100007F" else address for address in found}


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


StartStack = Callable[..., Awaitable[Stack]]


@pytest_asyncio.fixture
async def start_stack() -> AsyncIterator[StartStack]:
    """Start a stack with options of one's own."""
    async with contextlib.AsyncExitStack() as cleanup:

        async def start(limits: RelayLimits | None = None, template: Path = STACK, cap: int = 16) -> Stack:
            return await cleanup.enter_async_context(_running(limits or RelayLimits(), template, cap))

        yield start


@pytest_asyncio.fixture
async def stack(start_stack: StartStack) -> Stack:
    """A running stack."""
    return await start_stack()


@pytest.fixture
def stack_copy(tmp_path: Path) -> Path:
    """A copy of the stack whose files a test may change; gives its template."""
    shutil.copytree(STACK.parent, tmp_path / "stack")
    return tmp_path / "stack" / "template.yaml"


@contextlib.asynccontextmanager
async def _running(limits: RelayLimits, template_file: Path, cap: int) -> AsyncIterator[Stack]:
    port = free_port()
    template = read_template(template_file, {"RelayUrl": f"ws://127.0.0.1:{port}/relay"})
    traffic, faults = Traffic(), Faults()

    def log(function: Function, request_id: str | None, line: str) -> None:
        traffic.record("log", function=function.label, request_id=request_id, line=line)

    changes: list[str] = []
    authorizer = next(route.authorizer for route in template.http_routes if route.authorizer)
    check = TokenCheck(UserPool(KEY, authorizer).public_keys)
    environment = {
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL_LAMBDA": f"http://127.0.0.1:{port}",
        "NO_PROXY": "127.0.0.1",
    }
    workers = Workers(template, environment, log, cap=cap)
    options = GatewayOptions(limits=limits, check=check, changed=lambda: changes.append("changed"))
    gateway = Gateway(template, workers, traffic, faults, options)
    server = make_server(gateway, port)
    serving = asyncio.create_task(server.serve())
    await workers.start()
    await until_started(server, serving)
    gateway.ready.set()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        yield Stack(port, template, gateway, workers, traffic, faults, http, changes)
    await gateway.stop()
    server.should_exit = True
    await serving
    await workers.stop()
