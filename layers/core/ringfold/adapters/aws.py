"""botocore clients for a voice call: one session, short timeouts, one retry, built when first asked for.

No boto3: its resources and its import cost time at every cold start and nothing here needs them (design D14). One
session shares the loaders and the credentials between all clients; each client keeps its own connection pool.
"""

from __future__ import annotations

import threading
from typing import Any, Final

import botocore.session
from botocore.config import Config

CONNECT_TIMEOUT_S: Final = 1.0
READ_TIMEOUT_S: Final = 3.0
ATTEMPTS: Final = 2
"""The first one included: a second look is worth it, a third comes too late for somebody on the line."""

_lock = threading.Lock()
_clients: dict[tuple[Any, ...], Any] = {}
_session: botocore.session.Session | None = None


def client(
    service: str,
    *,
    read_timeout_s: float = READ_TIMEOUT_S,
    connect_timeout_s: float = CONNECT_TIMEOUT_S,
    attempts: int = ATTEMPTS,
    pool: int = 10,
    endpoint_url: str | None = None,
) -> Any:
    """The client of one service, built once per set of arguments and shared by all threads.

    Args:
        service: botocore's name of it, for example ``"dynamodb"``.
        read_timeout_s: Per attempt.
        connect_timeout_s: Per attempt.
        attempts: In all; 1 for what must never be sent twice.
        pool: How many connections are kept open at most.
        endpoint_url: Only where no ``AWS_ENDPOINT_URL_*`` variable names it (``@connections``).
    """
    key = (service, read_timeout_s, connect_timeout_s, attempts, pool, endpoint_url)
    found = _clients.get(key)
    if found is not None:
        return found
    with _lock:
        if key not in _clients:
            config = Config(
                connect_timeout=connect_timeout_s,
                read_timeout=read_timeout_s,
                retries={"mode": "standard", "total_max_attempts": attempts},
                max_pool_connections=pool,
                tcp_keepalive=True,
                parameter_validation=False,
            )
            _clients[key] = shared_session().create_client(service, endpoint_url=endpoint_url, config=config)
        return _clients[key]


def forget_clients() -> None:
    """Drop every client and the session: after a SnapStart restore their sockets are dead, and tests need it too."""
    global _session  # noqa: PLW0603 - one session per process is this module's purpose
    with _lock:
        for built in _clients.values():
            built.close()
        _clients.clear()
        _session = None


def region() -> str:
    """The region requests are signed for."""
    return str(shared_session().get_config_variable("region") or "us-east-1")


def shared_session() -> botocore.session.Session:
    """The one session, for its credentials."""
    global _session  # noqa: PLW0603 - one session per process is this module's purpose
    if _session is None:
        _session = botocore.session.Session()
    return _session
