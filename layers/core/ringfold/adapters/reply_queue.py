"""The queue of texts to be answered: SQS FIFO, a group for each thread, so that a thread has one worker at a time."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from ringfold.core.texts import Thread
from ringfold.errors import DependencyError

PAUSES_S: Final = (3, 20, 120)
"""How long a message that could not be dealt with waits, by how often it was delivered."""


class ReplyQueue:
    """Sends through a botocore ``sqs`` client."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client, self._url = client, queue_url

    def come_again(self, receipt_handle: str, received: int) -> None:
        """Have a message that could not be dealt with delivered again soon, later each time.

        Args:
            receipt_handle: Of this delivery.
            received: How often it was delivered so far.
        """
        delay_s = PAUSES_S[min(max(received, 1), len(PAUSES_S)) - 1]
        # Without it the message comes again when its visibility times out, which is late and harmless.
        with suppress(ClientError, BotoCoreError):
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=receipt_handle, VisibilityTimeout=delay_s
            )

    def put(self, message_id: str, thread: Thread, account_id: str) -> None:
        """Have a text answered; the same text put twice within five minutes is there once.

        Raises:
            DependencyError: If SQS did not take it.
        """
        body = json.dumps({"message_id": message_id, "thread": thread.__dict__, "account_id": account_id})
        try:
            self._client.send_message(
                QueueUrl=self._url,
                MessageBody=body,
                MessageGroupId=hashlib.sha256(thread.key.encode()).hexdigest(),
                MessageDeduplicationId=message_id,
            )
        except (ClientError, BotoCoreError) as exc:
            raise DependencyError("sqs", f"send: {type(exc).__name__}", retryable=True) from exc
