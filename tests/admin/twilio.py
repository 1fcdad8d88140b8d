"""A stand-in for the little of Twilio's REST API that accounts need, on real HTTP; told by tests what to do wrong."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Twilio:
    """Accounts by SID, and what was asked.

    Attributes:
        tokens: SID → tokens REST takes; the first is the primary one.
        faults: (method, end of the path) → (status, Twilio's code), or ``"drop"``: no answer at all.
    """

    url: str = ""
    tokens: dict[str, list[str]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    blocked: set[str] = field(default_factory=set)
    faults: dict[tuple[str, str], tuple[int, int] | str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    secondary: dict[str, str] = field(default_factory=dict)
    made: int = 0

    def answer(self, method: str, path: str, authorization: str) -> tuple[int, Any] | None:
        """What Twilio says; ``None``: nothing, the connection breaks."""
        self.asked.append((method, path))
        for (wanted, end), fault in self.faults.items():
            if method == wanted and path.endswith(end):
                return None if isinstance(fault, str) else self._error(*fault)
        user, _, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if password not in self.tokens.get(user, ()):
            return self._error(401, 20003)
        if path == f"/2010-04-01/Accounts/{user}.json":
            kind, state = self.kinds.get(user, "Full"), self.states.get(user, "active")
            return 200, {"sid": user, "friendly_name": "Acme at Twilio", "status": state, "type": kind}
        if path.startswith("/v1/DialingPermissions/Countries/"):
            country = path.rpartition("/")[2]
            return 200, {"iso_code": country, "low_risk_numbers_enabled": country not in self.blocked}
        return self._tokens(method, path, user)

    def _tokens(self, method: str, path: str, user: str) -> tuple[int, Any]:
        match method, path:
            case "POST", "/v1/AuthTokens/Secondary" if user in self.secondary:
                return self._error(400, 20409)
            case "POST", "/v1/AuthTokens/Secondary":
                self.made += 1
                self.secondary[user] = f"secondary-token-number-{self.made}"
                return 201, {"account_sid": user, "secondary_auth_token": self.secondary[user]}
            case "DELETE", "/v1/AuthTokens/Secondary":
                self.secondary.pop(user, None)
                return 204, None
            case "POST", "/v1/AuthTokens/Promote":
                self.tokens[user] = [self.secondary.pop(user)]
                return 200, {"account_sid": user, "auth_token": self.tokens[user][0]}
        return self._error(404, 20404)

    @staticmethod
    def _error(status: int, code: int) -> tuple[int, Any]:
        return status, {"code": code, "message": f"Twilio says {code}", "status": status}


@contextmanager
def running_twilio() -> Iterator[Twilio]:
    """Twilio on a free port of loopback."""
    twilio = Twilio()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            said = twilio.answer(self.command, self.path, self.headers.get("authorization", ""))
            if said is None:
                self.connection.close()
                return
            status, document = said
            body = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - the library's names

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    twilio.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield twilio
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
