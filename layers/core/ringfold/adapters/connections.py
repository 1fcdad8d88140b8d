"""Posting frames to callers: API Gateway's ``@connections``, signed and sent without a botocore client.

A post by botocore's client costs 0.73 ms of CPU, by its signer over a urllib3 pool 0.33 ms (design D14), and a
reply is several posts. Never retried here: whether a frame may be sent again is the turn's decision.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from ringfold.errors import ConnectionGone, DependencyError

CONNECT_TIMEOUT_S: Final = 1.0
READ_TIMEOUT_S: Final = 3.0
NOT_PROCESSED: Final = frozenset({403, 413, 429})
"""Answers that say for certain that the frame was not delivered."""


class Connections:
    """The links to callers of one WebSocket API.

    Args:
        endpoint: ``https://…``; ``/@connections/{id}`` is appended.
        session: A botocore session, for credentials.
        region: For the signature.
    """

    def __init__(self, endpoint: str, session: Any, region: str) -> None:
        self._endpoint = endpoint
        self._session = session
        self._region = region
        self._pool = self._new_pool()

    def _new_pool(self) -> urllib3.PoolManager:
        timeout = urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S)
        return urllib3.PoolManager(maxsize=8, timeout=timeout, retries=False)

    def post(self, connection_id: str, frame: str) -> None:
        """Send one frame.

        Raises:
            ConnectionGone: 410: this link is closed.
            DependencyError: ``processed`` is ``False`` when the frame was certainly not delivered, ``None`` when
                that is unknown.
        """
        url = f"{self._endpoint}/@connections/{quote(connection_id, safe='')}"
        status = self._send("POST", url, frame.encode())
        if status == 410:
            raise ConnectionGone
        if status >= 300:
            processed = False if status in NOT_PROCESSED else None
            raise DependencyError("gateway", f"post: {status}", processed=processed, code=str(status))

    def warm(self) -> None:
        """Open a TLS connection while nobody waits for it; the answer does not matter."""
        try:
            self._send("GET", f"{self._endpoint}/@connections/warm", b"")
        except DependencyError:
            return

    def _send(self, method: str, url: str, body: bytes) -> int:
        request = AWSRequest(method=method, url=url, data=body, headers={"Content-Type": "application/json"})
        credentials = self._session.get_credentials().get_frozen_credentials()
        SigV4Auth(credentials, "execute-api", self._region).add_auth(request)
        try:
            answer = self._pool.request(method, url, body=body, headers=dict(request.headers.items()))
        except (NewConnectionError, ConnectTimeoutError) as exc:
            raise DependencyError("gateway", type(exc).__name__, processed=False) from exc
        except (HTTPError, OSError) as exc:
            raise DependencyError("gateway", type(exc).__name__, processed=None) from exc
        return int(answer.status)
