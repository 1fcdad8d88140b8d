"""One model server for the tests of this folder, on a real socket, forgetting everything between tests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from local.model.app import build_app
from local.model.pacing import Pace
from tests.local.model.builders import MODEL, a_client


class ServerThread:
    """A uvicorn server in a thread, on a free port of loopback."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(app, port=0, loop="uvloop", http="httptools", ws="none", log_level="critical")
        self._server = uvicorn.Server(config)
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        startup = self._server.startup

        async def started(sockets: Any = None) -> None:
            await startup(sockets)
            self._started.set()

        self._server.startup = started  # type: ignore[method-assign]  # the only moment the port is known
        self._server.run()

    def __enter__(self) -> str:
        self._thread.start()
        assert self._started.wait(10)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}"

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)


@dataclass
class Model:
    """A running model server and its control."""

    url: str
    control: httpx.Client
    client: Any
    streams: list[Any] = field(default_factory=list)

    def ask(self, model_id: str = MODEL, client: Any = None, **fields: Any) -> Any:
        """Ask for a streamed answer; the stream is closed at the end of the test at the latest."""
        stream = (client or self.client).converse_stream(modelId=model_id, **fields)["stream"]
        self.streams.append(stream)
        return stream

    def behave(self, **behaviour: Any) -> None:
        """Set the behaviour."""
        answer = self.control.put("/_control/behaviour", json=behaviour)
        assert 200 == answer.status_code, answer.text

    def requests(self) -> list[dict[str, Any]]:
        """The requests so far."""
        return list(self.control.get("/_control/requests").json()["requests"])

    def counts(self) -> dict[str, int]:
        """Counts of requests and of how they ended."""
        return dict(self.control.get("/_control/requests").json()["counts"])


@pytest.fixture(scope="session")
def model_url() -> Iterator[str]:
    """Where the server listens."""
    with ServerThread(build_app(pace=Pace(0, 0))) as url:
        yield url


@pytest.fixture(scope="session")
def model_client(model_url: str) -> Iterator[Any]:
    """A real client of it; making one takes longer than most tests."""
    client = a_client(model_url)
    yield client
    client.close()


@pytest.fixture
def model(model_url: str, model_client: Any) -> Iterator[Model]:
    """The server, with no faults and an empty log, and a real client."""
    with httpx.Client(base_url=model_url, trust_env=False) as control:
        control.put("/_control/behaviour", json={})
        control.delete("/_control/requests")
        model = Model(model_url, control, model_client)
        yield model
        for stream in model.streams:
            stream.close()
