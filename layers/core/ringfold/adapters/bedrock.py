"""Bedrock's ConverseStream behind the model port, with streams that can really be closed (aws.md 4.4).

``EventStream.close()`` blocks until the pending read returns, and before the headers have come there is no stream
to close at all. So the pool's connections tell which socket a request went out on, and closing shuts that socket:
the reading thread comes back at once, in either phase.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from botocore.awsrequest import AWSHTTPConnection, AWSHTTPConnectionPool, AWSHTTPSConnection, AWSHTTPSConnectionPool
from botocore.exceptions import ClientError
from urllib3.exceptions import HTTPError

from ringfold.core.commands import ModelCalled, ModelFailed, ModelSaid, ModelStopped

READ_TIMEOUT_S: Final = 20.0
DRAIN_S: Final = 0.2
"""How long the end of an answer's body is waited for, so that its connection can be used again."""
_using = threading.local()

ModelEvent = ModelSaid | ModelCalled | ModelStopped | ModelFailed


class _Plain(AWSHTTPConnection):
    def request(self, *args: Any, **kwargs: Any) -> Any:
        stream = _note(self)
        try:
            return super().request(*args, **kwargs)
        finally:
            if stream is not None:
                stream.on_the_wire()


class _Secure(AWSHTTPSConnection):
    def request(self, *args: Any, **kwargs: Any) -> Any:
        stream = _note(self)
        try:
            return super().request(*args, **kwargs)
        finally:
            if stream is not None:
                stream.on_the_wire()


class _PlainPool(AWSHTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(AWSHTTPSConnectionPool):
    ConnectionCls = _Secure


def _note(connection: Any) -> Stream | None:
    """The stream on whose behalf this thread uses a connection, if it does."""
    stream: Stream | None = getattr(_using, "stream", None)
    if stream is not None:
        stream.connection = connection
    return stream


def track_connections(client: Any) -> None:
    """Make a botocore client tell on which connection each request goes out."""
    _manager(client).pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


def _manager(client: Any) -> Any:
    """The urllib3 pools of a botocore client; a test holds on to where they are."""
    return client._endpoint.http_session._manager  # noqa: SLF001 - there is no public way


class Bedrock:
    """The model port over a botocore ``bedrock-runtime`` client."""

    def __init__(self, client: Any) -> None:
        track_connections(client)
        self._client = client

    def stream(self, number: int) -> Stream:
        """A request that has not been sent yet, and can be closed from now on."""
        return Stream(number)

    def run(
        self, stream: Stream, model_id: str, request: Mapping[str, Any], emit: Callable[[ModelEvent], None]
    ) -> None:
        """Send it, and emit what comes until it ends or is closed."""
        stream.run(self._client, model_id, request, emit)

    def warm(self) -> None:
        """Open a TLS connection while nobody waits for it; the answer does not matter."""
        with contextlib.suppress(HTTPError, OSError):
            _manager(self._client).request("HEAD", self._client.meta.endpoint_url, timeout=2.0, retries=False)


class Stream:
    """One request to a model. ``run`` blocks in its own thread; ``close`` may be called from any other.

    ``sent`` is set once the request is on the wire.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.closed = False
        self.sent = threading.Event()
        self.connection: Any = None
        self._body: Any = None

    def run(self, client: Any, model_id: str, request: Mapping[str, Any], emit: Callable[[ModelEvent], None]) -> None:
        """Ask, and emit what comes; the last thing emitted is ModelStopped or ModelFailed, unless closed."""
        try:
            for event in self._events(client, model_id, request):
                if self.closed:
                    return
                emit(event)
            self._drain()
        except ClientError as exc:
            self._fail(emit, str(exc.response.get("Error", {}).get("Code", "Unknown")))
        except Exception as exc:  # noqa: BLE001 - broken framing raises what it likes; the turn must hear of it
            self._fail(emit, type(exc).__name__)
        finally:
            self.sent.set()
            self._release()

    def on_the_wire(self) -> None:
        """The request has been sent; one closed while its connection was being made had no socket to shut."""
        self.sent.set()
        if self.closed:
            self.close()

    def close(self) -> None:
        """Stop the stream for good: the model's side sees the connection break."""
        self.closed = True
        sock = getattr(self.connection, "sock", None)
        if sock is None and self._body is not None:
            sock = _socket_of(self._body)
        if sock is not None:
            with contextlib.suppress(OSError, ValueError):
                sock.shutdown(socket.SHUT_RDWR)

    def _fail(self, emit: Callable[[ModelEvent], None], code: str) -> None:
        if not self.closed:
            emit(ModelFailed(self.number, code))

    def _events(self, client: Any, model_id: str, request: Mapping[str, Any]) -> Iterator[ModelEvent]:
        _using.stream = self
        try:
            response = client.converse_stream(modelId=model_id, **request)
        finally:
            _using.stream = None
        self._body = response["stream"]
        if self.closed:
            self.close()
            return
        yield from read_events(self.number, self._body)

    def _drain(self) -> None:
        """Read the body to its end: only then does the pool keep the connection, and a TLS handshake is saved."""
        sock = getattr(self.connection, "sock", None)
        self.connection = None  # once it is back in the pool it may be carrying somebody else's answer
        if sock is None or self._body is None or self.closed:
            return
        with contextlib.suppress(Exception):
            sock.settimeout(DRAIN_S)
            for _ in self._body:
                pass

    def _release(self) -> None:
        body, self._body, self.connection = self._body, None, None
        if body is not None:
            with contextlib.suppress(Exception):
                body.close()


def read_events(number: int, stream: Any) -> Iterator[ModelEvent]:
    """Bedrock's stream events as ours (aws.md 4.2); a stream that ends without ``messageStop`` has failed."""
    calls: dict[int, tuple[str, str, list[str]]] = {}
    reason, usage = "", {}
    for event in stream:
        if "contentBlockDelta" in event:
            block = event["contentBlockDelta"]
            delta = block.get("delta", {})
            if delta.get("text"):
                yield ModelSaid(number, delta["text"])
            elif "toolUse" in delta and block.get("contentBlockIndex", 0) in calls:
                calls[block.get("contentBlockIndex", 0)][2].append(delta["toolUse"].get("input", ""))
        elif "contentBlockStart" in event:
            block = event["contentBlockStart"]
            tool = block.get("start", {}).get("toolUse")
            if tool:
                calls[block.get("contentBlockIndex", 0)] = (tool["toolUseId"], tool["name"], [])
        elif "contentBlockStop" in event:
            call = calls.pop(event["contentBlockStop"].get("contentBlockIndex", 0), None)
            if call:
                yield ModelCalled(number, call[0], call[1], "".join(call[2]) or "{}")
        elif "messageStop" in event:
            reason = event["messageStop"].get("stopReason", "unknown")
        elif "metadata" in event:
            usage = event["metadata"].get("usage", {})
            break
    if not reason:
        yield ModelFailed(number, "StreamEnded")
        return
    counts = {name: int(usage.get(name, 0)) for name in ("inputTokens", "outputTokens")}
    yield ModelStopped(number, reason, counts)


def _socket_of(body: Any) -> Any:
    raw = getattr(body, "_raw_stream", None)
    connection = getattr(raw, "_connection", None) or getattr(raw, "connection", None)
    return getattr(connection, "sock", None)
