"""Starts everything the local run consists of, says when it is ready, and ends it all together."""

import asyncio
import contextlib
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from local.authorizer import TokenCheck
from local.faults import FaultError, Faults, parse_faults
from local.gateway import FALLBACK_PATH, Gateway, GatewayOptions
from local.home import FunctionLogs, RunFile, only_one, prepare_home
from local.processes import Process, StartError, free_port
from local.queues import QueuePoller
from local.seed import Shelf
from local.services import KEYS, Endpoints, make_resources, start_ministack
from local.settings import LOCAL_REGION, LOOPBACK, ROOT, LocalSettings
from local.sign_in import UserPool, user_pool
from local.streams import StreamPoller
from local.template import Attributes, Function, Template, TemplateError, read_template
from local.traffic import Traffic
from local.wire import MAX_MESSAGE_BYTES
from local.workers import Workers

_CREDENTIALS: Final = (
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_BEARER_TOKEN_BEDROCK", "HOME",
)  # fmt: skip
_NETWORK: Final = ("HTTPS_PROXY", "https_proxy", "AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_NOWHERE: Final = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
_LOOPBACK_NAMES: Final = "127.0.0.1,localhost"


@dataclass(frozen=True)
class _Parts:
    """What a run is made of once its services are up."""

    template: Template
    endpoints: Endpoints
    attributes: Attributes
    model_url: str | None
    pool: UserPool | None
    shelf: Shelf
    run: RunFile


class Supervisor:
    """One local run.

    Args:
        settings: What the caller chose.
    """

    def __init__(self, settings: LocalSettings) -> None:
        self.settings = settings
        self._stop = asyncio.Event()
        self._processes: list[Process] = []
        self._pollers: list[QueuePoller | StreamPoller] = []
        self._logs = FunctionLogs(settings.home / "log")
        self.traffic = Traffic()

    async def run(self) -> None:
        """Start, serve until asked to stop, end everything.

        Raises:
            StartError: If something does not come up; what was started is ended first.
        """
        prepare_home(self.settings.home)
        for name in ("NO_PROXY", "no_proxy"):  # What is on this machine is never reached through a proxy.
            os.environ[name] = ",".join(filter(None, (os.environ.get(name), _LOOPBACK_NAMES)))
        with only_one(self.settings):
            _check_port(self.settings.port)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self._asked_to_stop)
            try:
                await self._run()
            finally:
                await self._end_processes()
                self._logs.close()

    def _asked_to_stop(self) -> None:
        """Stop; asked twice, at once: what is left ends with us."""
        if self._stop.is_set():
            for process in self._processes:
                process.terminate()
            os._exit(1)
        self._stop.set()

    async def _run(self) -> None:
        try:
            faults = parse_faults(self.settings.frames, self.settings.posts)
            parts = await self._prepare()
        except FaultError as exc:
            raise StartError(f"GATEWAY_FRAMES or GATEWAY_POSTS: {exc}") from exc
        except TemplateError as exc:
            raise StartError(f"template.yaml: {exc}") from exc
        await self._serve(parts, faults)

    async def _prepare(self) -> "_Parts":
        """Start the services, make the template's resources in them and put the demo data in."""
        settings = self.settings
        parameters = {
            **settings.parameters,
            "PublicBaseUrl": settings.public_base_url,
            "RelayUrl": settings.relay_url,
            "ConnectionsUrl": f"{settings.local_url}/relay",
            "FallbackUrl": f"{settings.public_base_url}{FALLBACK_PATH}",
            "TwilioApiBaseUrl": self._carrier_url,
        }
        draft = read_template(settings.template, parameters)
        aws_url, model_url = await asyncio.gather(self._start_aws(), self._start_model())
        region = os.environ.get("AWS_REGION", LOCAL_REGION) if settings.real_bedrock else LOCAL_REGION
        endpoints = Endpoints(region, aws_url, settings.dynamodb_url or aws_url)
        attributes = await asyncio.to_thread(make_resources, draft, endpoints)
        template = read_template(settings.template, parameters, attributes)
        pool = user_pool(settings.home, template)
        shelf = Shelf(template, endpoints)
        run = RunFile(settings, pool, self._carrier_url, endpoints)
        self._take_over(run, await asyncio.to_thread(shelf.seed if self.settings.demo else shelf.stored))
        return _Parts(template, endpoints, attributes, model_url, pool, shelf, run)

    @property
    def _carrier_url(self) -> str:
        """Where Twilio's REST API is asked."""
        return self.settings.twilio_api_url or f"{self.settings.local_url}/local/carrier"

    def _take_over(self, run: RunFile, stored: Mapping[str, Any]) -> None:
        run.update(stored)
        self.traffic.mask_fields(run.document)

    async def _serve(self, parts: "_Parts", faults: Faults) -> None:
        """Run gateway, workers and pollers until asked to stop."""
        settings = self.settings
        environment = worker_environment(settings, parts.endpoints, parts.model_url, self._carrier_url)
        workers = Workers(parts.template, environment, self._log_line, cap=settings.workers)
        run = parts.run
        renewal = _Renewal(lambda: self._renew(parts))
        carrier = self._carrier(run, renewal.ask)
        if carrier is not None:
            run.signing_tokens = carrier.state.exchange.books.tokens
            await self._renew(parts, write=False)
        options = GatewayOptions(
            public_host=settings.public_host,
            region=parts.endpoints.region,
            model_url=parts.model_url if settings.bedrock_url is None else None,
            console=ROOT / "console",
            versions=versions(),
            check=TokenCheck(parts.pool.public_keys) if parts.pool is not None else None,
            changed=renewal.ask,
            token=lambda: run.document["platform_admin_token"],
        )
        gateway = Gateway(parts.template, workers, self.traffic, faults, options, carrier)
        server = make_server(gateway, settings.port)
        serving = asyncio.create_task(server.serve())
        try:
            await workers.start()
            self._start_pollers(parts, workers)
            await until_started(server, serving)
            run.write()
            gateway.ready.set()
            numbers = run.document["numbers"] if carrier is None else carrier.state.exchange.directory().listed()
            announce(settings, parts.template, numbers)
            await self._until_stopped(serving)
        finally:
            print("Stopping ...", flush=True)
            await renewal.stop()
            run.remove()
            if carrier is not None:
                await carrier.state.exchange.close()
            await asyncio.gather(*(poller.stop() for poller in self._pollers))
            await gateway.stop()
            server.should_exit = True
            await asyncio.wait({serving}, timeout=5)
            await workers.stop()

    async def _renew(self, parts: "_Parts", *, write: bool = True) -> None:
        """Take into `run.json` what an administrator, or Twilio's side, has changed."""
        self._take_over(parts.run, await asyncio.to_thread(parts.shelf.stored))
        if write:
            parts.run.write()

    async def _start_aws(self) -> str:
        process, port = start_ministack(self.settings)
        self._processes.append(process)
        await process.wait_for_port(port)
        return f"http://{LOOPBACK}:{port}"

    async def _start_model(self) -> str | None:
        """Start the scripted model, unless another model is used."""
        settings = self.settings
        if settings.bedrock_url is not None or settings.real_bedrock:
            return settings.bedrock_url
        if importlib.util.find_spec("local.model.__main__") is None:
            print("There is no scripted model here: calls will hear the fallback sentence.")
            return None
        port = free_port()
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "NO_PROXY": _LOOPBACK_NAMES,
            **{name: os.environ[name] for name in _NETWORK if name in os.environ},
            **{name: value for name, value in os.environ.items() if name.startswith(("MODEL_", "OPENAI_"))},
        }
        command = [sys.executable, "-m", "local.model", "--port", str(port)]
        model = Process("the scripted model", command, environment, settings.home / "log" / "model.log")
        self._processes.append(model)
        await model.wait_for_port(port)
        return f"http://{LOOPBACK}:{port}"

    def _carrier(self, run: RunFile, changed: Callable[[], None]) -> Starlette | None:
        if importlib.util.find_spec("local.carrier.app") is None:
            return None
        build = importlib.import_module("local.carrier.app").build_carrier
        try:
            carrier: Starlette = build(
                run.document,
                self.traffic,
                books_file=self.settings.home / "state" / "carrier.json",
                on_token=changed,
            )
        except (ValueError, KeyError, TypeError) as exc:
            text = f"the carrier cannot read its books ({exc}); `make reset` forgets them"
            raise StartError(text) from exc
        return carrier

    def _start_pollers(self, parts: "_Parts", workers: Workers) -> None:
        endpoints = parts.endpoints
        for source in parts.template.queue_sources:
            url, arn = parts.attributes[source.queue, "Ref"], parts.attributes[source.queue, "Arn"]
            poller = QueuePoller(
                source, url, arn, lambda: endpoints.client("sqs"), workers, self.traffic, endpoints.region
            )
            poller.start()
            self._pollers.append(poller)
        names = {table.logical_id: table.name for table in parts.template.tables}
        for stream in parts.template.stream_sources:
            reader = StreamPoller(
                stream, names[stream.table], endpoints.client, workers, self.traffic, endpoints.region
            )
            reader.start()
            self._pollers.append(reader)

    async def _until_stopped(self, serving: "asyncio.Task[None]") -> None:
        """Wait for a signal; a part that ends by itself ends the run with a message."""
        stop = asyncio.create_task(self._stop.wait())
        try:
            while not stop.done():
                await asyncio.wait({stop, serving}, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
                if serving.done():
                    raise StartError("the gateway ended by itself")
                for process in self._processes:
                    if process.poll() is not None:
                        raise StartError(f"{process.name} ended by itself (status {process.poll()}); see {process.log}")
        finally:
            stop.cancel()

    async def _end_processes(self) -> None:
        await asyncio.gather(*(process.stop() for process in self._processes))

    def _log_line(self, function: Function, request_id: str | None, line: str) -> None:
        self._logs.write(function.label, line)
        self.traffic.record("log", function=function.label, request_id=request_id, line=line)


class _Renewal:
    """Does something again soon after it was asked for, however often that was; one at a time."""

    def __init__(self, renew: Callable[[], Awaitable[None]]) -> None:
        self._renew = renew
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Do it again."""
        self._asked.set()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Do it no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                await self._renew()
            except Exception as exc:  # noqa: BLE001 - the run goes on with what it knew
                print(f"{type(exc).__name__}: run.json could not be renewed: {exc}")


def worker_environment(
    settings: LocalSettings, endpoints: Endpoints, model_url: str | None, carrier_url: str
) -> dict[str, str]:
    """What every function's environment holds besides its own variables."""
    environment = {
        "AWS_REGION": endpoints.region,
        "AWS_DEFAULT_REGION": endpoints.region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL_DYNAMODB": endpoints.dynamodb,
        "AWS_ENDPOINT_URL_SQS": endpoints.aws,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoints.aws,
        "AWS_ENDPOINT_URL_LAMBDA": settings.local_url,
        "TWILIO_API_BASE_URL": carrier_url,
        "NO_PROXY": _LOOPBACK_NAMES,
    }
    if settings.real_bedrock:
        # Amazon's model is asked with the caller's own credentials; everything else stays on this machine.
        return environment | {name: os.environ[name] for name in (*_CREDENTIALS, *_NETWORK) if name in os.environ}
    environment |= KEYS | _NOWHERE
    environment["AWS_ENDPOINT_URL"] = endpoints.aws
    if model_url is not None:
        environment["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = model_url
    return environment


def make_server(gateway: ASGIApp, port: int) -> uvicorn.Server:
    """The HTTP server, on loopback only."""
    config = uvicorn.Config(
        gateway,
        host=LOOPBACK,
        port=port,
        http="local.wire:GatewayHttpProtocol",
        ws="local.wire:RelayProtocol",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        access_log=False,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=2,
        timeout_keep_alive=75,
    )
    return _QuietServer(config)


class _QuietServer(uvicorn.Server):
    """A server that leaves the signals to the supervisor."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def until_started(server: uvicorn.Server, serving: "asyncio.Task[None]") -> None:
    """Wait until the server listens.

    Raises:
        StartError: If it ends instead.
    """
    while not server.started:
        if serving.done():
            raise StartError(f"the gateway cannot listen on port {server.config.port}")
        await asyncio.sleep(0.01)


def _check_port(port: int) -> None:
    if free_port(port) != port:
        raise StartError(f"port {port} is taken; stop what listens there or choose another: make run PORT={port + 1}")


def versions() -> dict[str, str]:
    """What runs here, for `/healthz`."""
    found = {"python": platform.python_version()}
    for name in ("botocore", "starlette", "uvicorn", "websockets"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def announce(settings: LocalSettings, template: Template, numbers: Sequence[Mapping[str, Any]]) -> None:
    """Say where to look and how to stop."""
    print(f"\nRingfold is ready: {settings.local_url}/   (the phone, the console, the traffic of both protocols)")
    if settings.public_host is not None:
        print(f"Webhooks:  {settings.public_base_url}/api/voice/incoming")
    print(f"Administrators' API: {settings.local_url}/api/docs   (tokens: run.json, or `make token`)")
    for number in numbers:
        what = f"{number['routing_mode']} routing" if "routing_mode" in number else number["name"]
        print(f"  call {number['phone_number']}  ({what})")
    print(f"Details for clients: {settings.run_file}   Logs: {settings.home / 'log'}")
    for source in template.unserved:
        print(f"Not served locally: {source}")
    print("Stop with Ctrl-C; `make reset` forgets all data.\n", flush=True)
