"""What the local run serves of a template, typed. Made by `local.template`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from local.cloudformation import PSEUDO_PARAMETERS

_ACCOUNT: Final = PSEUDO_PARAMETERS["AWS::AccountId"]
_REGION: Final = PSEUDO_PARAMETERS["AWS::Region"]


@dataclass(frozen=True)
class FunctionRef:
    """A function as something else names it: by its name, perhaps by one of its aliases."""

    name: str
    qualifier: str | None = None


@dataclass(frozen=True)
class Function:
    """One Lambda function."""

    logical_id: str
    name: str
    folder: Path
    handler: str
    environment: Mapping[str, str]
    timeout_s: float
    memory_mb: int
    layers: tuple[Path, ...]
    snap_start: bool
    alias: str | None
    retries: int
    max_event_age_s: int

    @property
    def label(self) -> str:
        """A short name for people: the folder's."""
        return self.folder.name

    @property
    def layer_paths(self) -> tuple[str, ...]:
        """Where the layers' packages are: in `python/` of a built layer, in the folder itself of a source."""
        built = [(layer, layer / "python") for layer in self.layers]
        return tuple(str(python if python.is_dir() else layer) for layer, python in built)

    def arn(self, qualifier: str | None = None, region: str = _REGION) -> str:
        """The function's ARN, of an alias when a qualifier is given."""
        suffix = f":{qualifier}" if qualifier else ""
        return f"arn:aws:lambda:{region}:{_ACCOUNT}:function:{self.name}{suffix}"


@dataclass(frozen=True)
class Integration:
    """What a route calls, and how long the gateway waits for it."""

    function: FunctionRef
    timeout_s: float


@dataclass(frozen=True)
class JwtAuthorizer:
    """Who a bearer token must come from, and for whom it must be."""

    issuer: str
    audience: tuple[str, ...]


@dataclass(frozen=True)
class HttpRoute:
    """One route of the HTTP API; `method` may be `ANY`, `path` may hold `{parameters}` and a last `{greedy+}`.

    Attributes:
        authorizer: Checks the request's token; None lets everybody in.
        scopes: A token needs one of them; none asks for none.
    """

    method: str
    path: str
    integration: Integration
    authorizer: JwtAuthorizer | None = None
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class MockResponse:
    """What a MOCK integration answers; `template` is in API Gateway's mapping language."""

    status: int
    headers: Mapping[str, str]
    template: str


@dataclass(frozen=True)
class MockMethod:
    """One method of a REST API that API Gateway answers by itself."""

    request_templates: Mapping[str, str]
    response: MockResponse


@dataclass(frozen=True)
class MockApi:
    """A REST API without anything behind it; `methods` by HTTP method and path."""

    logical_id: str
    methods: Mapping[tuple[str, str], MockMethod]


@dataclass(frozen=True)
class Authorizer:
    """The REQUEST authorizer of `$connect`."""

    function: FunctionRef
    identity_sources: tuple[str, ...]


@dataclass(frozen=True)
class RelayApi:
    """The WebSocket API."""

    logical_id: str
    stage: str
    selection: str
    routes: Mapping[str, Integration]
    authorizer: Authorizer | None


@dataclass(frozen=True)
class QueueSource:
    """A queue whose messages invoke a function."""

    queue: str
    function: FunctionRef
    batch_size: int
    batch_window_s: float
    partial_failures: bool
    concurrency: int


@dataclass(frozen=True)
class StreamSource:
    """A table whose stream invokes a function; `table` is its logical id."""

    table: str
    function: FunctionRef
    batch_size: int
    partial_failures: bool
    key_schema: tuple[Mapping[str, str], ...]


@dataclass(frozen=True)
class Table:
    """A DynamoDB table; `create` holds CreateTable's own parameters."""

    logical_id: str
    name: str
    create: Mapping[str, Any]
    ttl_attribute: str | None


@dataclass(frozen=True)
class Queue:
    """An SQS queue; `dead_letter` is the logical id of its dead-letter queue."""

    logical_id: str
    name: str
    attributes: Mapping[str, str]
    dead_letter: str | None
    max_receive_count: int


@dataclass(frozen=True)
class Secret:
    """A Secrets Manager secret; its value is given, or made up as `generate` says."""

    logical_id: str
    name: str
    value: str | None
    generate: Mapping[str, Any] | None


@dataclass(frozen=True)
class Template:
    """Everything the local run serves."""

    parameters: Mapping[str, Any]
    functions: Mapping[str, Function]
    http_routes: tuple[HttpRoute, ...]
    relay: RelayApi | None
    queue_sources: tuple[QueueSource, ...]
    stream_sources: tuple[StreamSource, ...]
    tables: tuple[Table, ...]
    queues: tuple[Queue, ...]
    secrets: tuple[Secret, ...]
    fallback: MockApi | None = None
    unserved: tuple[str, ...] = field(default=())
    """Event sources the local run has no engine for; told to the developer, not an error."""

    def function(self, ref: FunctionRef) -> Function:
        """Find a function by name or logical id.

        Raises:
            KeyError: If the template has no such function.
        """
        for function in self.functions.values():
            if ref.name in {function.name, function.logical_id}:
                return function
        raise KeyError(ref.name)

    @property
    def called(self) -> frozenset[str]:
        """Names of the functions something that is served here calls."""
        refs = [route.integration.function for route in self.http_routes]
        refs += [source.function for source in self.queue_sources]
        refs += [source.function for source in self.stream_sources]
        if self.relay is not None:
            refs += [integration.function for integration in self.relay.routes.values()]
            refs += [self.relay.authorizer.function] if self.relay.authorizer else []
        return self._names(refs)

    @property
    def unhurried(self) -> frozenset[str]:
        """Names of the functions nobody on a line waits for: those behind a token."""
        return self._names(route.integration.function for route in self.http_routes if route.authorizer)

    def _names(self, refs: Iterable[FunctionRef]) -> frozenset[str]:
        asked = {ref.name for ref in refs}
        return frozenset(each.name for each in self.functions.values() if asked & {each.name, each.logical_id})
