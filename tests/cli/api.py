"""The administrators' API behind real HTTP, as API Gateway stands before it: tokens, faults, and what was asked."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ringfold_admin.principal import SCOPES, Role
from tests.admin.desk import Desk
from tests.cli.number_api import NumberApi

LOST = "lost"
"""The request is served and its answer is lost."""
DROPPED = "dropped"
"""The connection breaks before the request is served."""


@dataclass(frozen=True)
class Asked:
    """A request that came in."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass
class Api:
    """The API's server.

    Attributes:
        tokens: Token → the claims that API Gateway finds in it.
        faults: What befalls the next requests: a status with headers, ``LOST`` or ``DROPPED``.
        asked: Every request, in order.
        meanwhile: Called before a request is served; stands for somebody else.
    """

    desk: Desk
    numbers: NumberApi = field(default_factory=NumberApi)
    url: str = ""
    tokens: dict[str, dict[str, str]] = field(default_factory=dict)
    faults: list[tuple[int, dict[str, str]] | str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    meanwhile: Any = None

    def token(self, role: Role, organization_id: str = "", **claims: Any) -> str:
        """A token of somebody with this role."""
        told = {"sub": f"user-{role}-{organization_id}", "scope": " ".join(SCOPES[role]), **claims}
        if organization_id:
            told["organization_id"] = organization_id
        made = jwt(told)
        self.tokens[made] = told
        return made

    def changes(self) -> list[Asked]:
        """Requests that were no reading."""
        return [each for each in self.asked if each.method != "GET"]

    def answer(self, asked: Asked) -> tuple[int, Mapping[str, str], str]:
        """As API Gateway and the function behind it would."""
        if asked.path == "/healthz":
            return 200, {}, "{}"
        claims = self.tokens.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
        if claims is None and asked.path != "/api/openapi.json":
            return 401, {}, json.dumps({"message": "Unauthorized"})
        if self.meanwhile:
            self.meanwhile(asked)
        if NumberApi.serves(asked.path):
            return self.numbers.answer(asked)
        desk = replace(self.desk, claims=claims or {})
        body = None if asked.body is None else json.dumps(asked.body)
        said = desk.ask(asked.method, asked.path, body, query=asked.query, headers=asked.headers)
        return said.status, said.headers, said.text


def jwt(claims: Mapping[str, Any]) -> str:
    """A token of this shape, which nobody has signed."""
    parts = ({"alg": "none"}, claims)
    return ".".join(base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in parts) + ".x"


@contextmanager
def serving(desk: Desk) -> Iterator[Api]:
    """The API on a free port of loopback."""
    api = Api(desk)

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            text = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(parts.query))
            asked = Asked(self.command, parts.path, query, headers, json.loads(text) if text else None)
            api.asked.append(asked)
            fault = api.faults.pop(0) if api.faults else None
            if fault == DROPPED:
                self.close_connection = True
                return
            if isinstance(fault, tuple):
                self._write(fault[0], fault[1], json.dumps({"message": "Service Unavailable"}))
                return
            status, more, body = api.answer(asked)
            if fault == LOST:
                self.close_connection = True
                return
            self._write(status, more, body)

        def _write(self, status: int, headers: Mapping[str, str], body: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() != "content-length":
                    self.send_header(name, str(value))
            self.send_header("content-length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - the library's names

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield api
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
