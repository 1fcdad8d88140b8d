"""What the function is invoked with: requests of the API, and delayed looks at purchases from a queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfold.log import Log, about
from ringfold_admin.api import Api
from ringfold_admin.reminders import read_reminder
from ringfold_admin.services.purchases import Purchases


@dataclass(frozen=True)
class Entry:
    """Everything one process serves.

    Attributes:
        api: Serves requests.
        purchases: Looks at numbers whose purchase or release may have been cut short.
    """

    api: Api
    purchases: Purchases
    log: Log

    def handle(self, event: dict[str, Any], context: object) -> dict[str, Any]:
        """Serve one event, whichever it is; never raises."""
        if "Records" in event:
            return {"batchItemFailures": [{"itemIdentifier": each} for each in self._look(event["Records"])]}
        return self.api.handle(event, context)

    def _look(self, records: list[Mapping[str, Any]]) -> list[str]:
        """Look at each message's number; gives the messages that are to come again."""
        failed = []
        for record in records:
            try:
                number_id = read_reminder(record)
                self.log.info("number looked at", number_id=number_id, outcome=self.purchases.reconcile(number_id))
            except Exception as exc:  # noqa: BLE001 - the outer edge: one bad message must not stop the others
                self.log.error("number could not be looked at", **about(exc))
                failed.append(str(record.get("messageId", "")))
        return failed
