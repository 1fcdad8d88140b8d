"""``Idempotency-Key``: a POST that comes again, because its answer was lost, gets the first answer and does nothing.

Powertools keeps the records, in the one table: partition ``IDEMPOTENCY``, one item a key and principal, for a day. The
key belongs to who sent it, and to what was sent with it: the same key with another request is refused. A request that
failed leaves no record, so it can be sent again; one that was cut short blocks its key until it would have timed out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)

from ringfold_admin.problems import Problem, conflict, unavailable

DAY_S: Final = 24 * 3600

Answer = dict[str, Any]
"""``status``, ``body`` and ``headers`` of an answer, as JSON can hold them."""


class _Failed(Exception):
    """Carries an answer that is none to keep past the library, which then forgets the key."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("not kept")
        self.answer = answer


class Idempotency:
    """Runs a request at most once a key.

    Args:
        client: A botocore ``dynamodb`` client.
        table: The table's name.
    """

    def __init__(self, client: Any, table: str) -> None:
        self._store = DynamoDBPersistenceLayer(
            table,
            key_attr="pk",
            static_pk_value="IDEMPOTENCY",
            sort_key_attr="sk",
            expiry_attr="expires_at",
            in_progress_expiry_attr="in_progress_until_ms",
            status_attr="request_state",
            data_attr="answer",
            validation_key_attr="request_hash",
            boto3_client=client,
        )

    def run(self, key: str, subject: str, request: str, context: Any, serve: Callable[[], Answer]) -> Answer:
        """Serve a request, or give the answer it had the first time.

        Args:
            key: As the client sent it.
            subject: Who sent it.
            request: Everything of the request that must be the same.
            context: The invocation's, for the time that is left.
            serve: Serves it.

        Raises:
            Problem: 409 while the first is under way; 422 when the key was used for another request.
        """
        config = IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="request",
            expires_after_seconds=DAY_S,
            hash_function="sha256",
            lambda_context=context,
        )

        def once(record: dict[str, str]) -> Answer:  # noqa: ARG001 - the library reads it
            answer = serve()
            if answer["status"] >= 300:
                raise _Failed(answer)
            return answer

        kept = idempotent_function(
            once, data_keyword_argument="record", persistence_store=self._store, config=config, key_prefix="admin"
        )
        who = hashlib.sha256(subject.encode()).hexdigest()[:16]
        try:
            answer: Answer = kept(record={"key": f"{who}:{key}", "request": request})
        except _Failed as failed:
            return failed.answer
        except IdempotencyAlreadyInProgressError as exc:
            message = (
                "The first request with this key is still under way: wait for its answer, or ask again in a while."
            )
            problem = conflict("request_in_progress", message)
            problem.headers = {"Retry-After": "5"}
            raise problem from exc
        except IdempotencyValidationError as exc:
            message = "This Idempotency-Key was sent with another request: use a new key for a new request."
            raise Problem(422, "idempotency_key_reused", message) from exc
        except IdempotencyPersistenceLayerError as exc:
            raise unavailable(
                "The request was not begun: its Idempotency-Key could not be kept. Send it again."
            ) from exc
        return answer


def fingerprint(method: str, path: str, query: str, body: str) -> str:
    """What must be the same when a key comes again; JSON is compared by what it says."""
    with suppress(ValueError):
        body = json.dumps(json.loads(body), sort_keys=True) if body else ""
    return hashlib.sha256(f"{method}\n{path}\n{query}\n{body}".encode()).hexdigest()
