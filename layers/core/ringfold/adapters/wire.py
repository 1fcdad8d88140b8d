"""DynamoDB and SQS over their JSON protocol: botocore's signer, a urllib3 pool, and nothing between.

botocore's own parser walks every attribute of an answer through its model of the union type: 8 ms of CPU for a session
item of a few turns, at every write and every floor check, against 0.3 ms here (ADR 0005). The methods take and return
what botocore's clients of the same name do, and raise its exceptions, so either fits behind the adapters.
"""

from __future__ import annotations

import json
import time
from typing import Any, Final

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, HTTPClientError
from urllib3.exceptions import HTTPError

ATTEMPTS: Final = 2
RETRY_PAUSE_S: Final = 0.05
_RETRYABLE: Final = frozenset({"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"})


class JsonService:
    """One AWS service that speaks JSON with an ``X-Amz-Target`` header.

    Args:
        session: A botocore session, for credentials.
        service: The name requests are signed for.
        region: The region they are signed for.
        endpoint: Where it listens.
        target: What stands before the operation in ``X-Amz-Target``.
        read_timeout_s: Per attempt.
    """

    def __init__(
        self, session: Any, service: str, region: str, endpoint: str, target: str, *, read_timeout_s: float
    ) -> None:
        self._session, self._service, self._region = session, service, region
        self._url, self._target = endpoint.rstrip("/") + "/", target
        timeout = urllib3.Timeout(connect=1.0, read=read_timeout_s)
        self._pool = urllib3.PoolManager(maxsize=16, timeout=timeout, retries=False)

    def call(self, operation: str, arguments: dict[str, Any]) -> Any:
        """Perform one operation; a second attempt where the first had no answer, was throttled or met a 5xx.

        Every write here is one that may be repeated: events and journals are keyed, watchdog messages harmless twice.

        Raises:
            ClientError: What the service refused.
            HTTPClientError: It could not be reached.
        """
        body = json.dumps(arguments, separators=(",", ":")).encode()
        for attempt in range(ATTEMPTS):
            last = attempt + 1 == ATTEMPTS
            try:
                status, answer = self._send(operation, body)
            except (HTTPError, OSError) as exc:
                if last:
                    raise HTTPClientError(error=exc) from exc
                continue
            if status < 300:
                return answer
            code = str(answer.get("__type", "Unknown")).rpartition("#")[2]
            if last or not (status >= 500 or code in _RETRYABLE):
                raise _refusal(operation, status, code, answer)
            time.sleep(RETRY_PAUSE_S)
        raise AssertionError

    def _send(self, operation: str, body: bytes) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"{self._target}.{operation}"}
        request = AWSRequest(method="POST", url=self._url, data=body, headers=headers)
        credentials = self._session.get_credentials().get_frozen_credentials()
        SigV4Auth(credentials, self._service, self._region).add_auth(request)
        answer = self._pool.request("POST", self._url, body=body, headers=dict(request.headers.items()))
        try:
            parsed = json.loads(answer.data) if answer.data else {}
        except ValueError:
            parsed = {"message": "not JSON"}
        return int(answer.status), parsed if isinstance(parsed, dict) else {}


def _refusal(operation: str, status: int, code: str, answer: dict[str, Any]) -> ClientError:
    error = {"Code": code, "Message": str(answer.get("message") or answer.get("Message") or "")}
    about = {"HTTPStatusCode": status}
    response: Any = {**answer, "Error": error, "ResponseMetadata": about}
    return ClientError(response, operation)


class DynamoDb:
    """The operations on tables that calls need."""

    def __init__(self, service: JsonService) -> None:
        self._call = service.call

    def update_item(self, **arguments: Any) -> Any:
        """``UpdateItem``."""
        return self._call("UpdateItem", arguments)

    def get_item(self, **arguments: Any) -> Any:
        """``GetItem``."""
        return self._call("GetItem", arguments)

    def batch_get_item(self, **arguments: Any) -> Any:
        """``BatchGetItem``."""
        return self._call("BatchGetItem", arguments)

    def query(self, **arguments: Any) -> Any:
        """``Query``."""
        return self._call("Query", arguments)

    def transact_write_items(self, **arguments: Any) -> Any:
        """``TransactWriteItems``."""
        return self._call("TransactWriteItems", arguments)


class Sqs:
    """The one operation on queues that calls need."""

    def __init__(self, service: JsonService) -> None:
        self._call = service.call

    def send_message(self, **arguments: Any) -> Any:
        """``SendMessage``."""
        return self._call("SendMessage", arguments)
