"""Delayed looks at what may be cut short: a purchase, a release (SQS).

A message is sent before money is spent and costs nothing while nobody buys; it looks at the number when it arrives,
so a repeat or a late one is harmless.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from ringfold.errors import DependencyError, WireError

LOOK_AFTER_S: Final = 90
"""Longer than an invocation may live, so that nobody is still at it."""


class Reminders(Protocol):
    """Has somebody look at a number later."""

    def remind(self, number_id: str) -> None:
        """Look at this number in a while.

        Raises:
            DependencyError: If that could not be arranged.
        """


class NoReminders:
    """Where no queue is configured: a purchase that was cut short waits for its next request."""

    def remind(self, number_id: str) -> None:
        """Nobody is reminded."""


class QueuedReminders:
    """Sends through a botocore ``sqs`` client."""

    def __init__(self, client: Any, queue_url: str) -> None:
        self._client, self._url = client, queue_url

    def remind(self, number_id: str) -> None:
        """See :meth:`Reminders.remind`."""
        body = json.dumps({"number_id": number_id})
        try:
            self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=LOOK_AFTER_S)
        except (ClientError, BotoCoreError) as exc:
            raise DependencyError("sqs", f"send: {type(exc).__name__}") from exc


def read_reminder(record: Mapping[str, Any]) -> str:
    """The number's id in one record of an SQS event.

    Raises:
        WireError: If there is none.
    """
    try:
        number_id = json.loads(record["body"])["number_id"]
    except (KeyError, TypeError, ValueError) as exc:
        raise WireError("reminder: no number_id") from exc
    if not isinstance(number_id, str) or not number_id:
        raise WireError("reminder: no number_id")
    return number_id
