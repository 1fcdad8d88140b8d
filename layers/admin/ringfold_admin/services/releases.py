"""Giving numbers back: ``releasing`` is written down first, then Twilio takes the number, then the record goes.

Cut short anywhere, it is gone on with: by DELETE again, or by the delayed message that was sent before it began. A
call that is running keeps what it began with, and ends as it would have.
"""

from __future__ import annotations

from typing import Final

from ringfold.core.lines import STATE_ACTIVE, STATE_PURCHASING, STATE_RELEASING
from ringfold_admin.carrier import numbers as carrier
from ringfold_admin.carrier.client import CarrierError
from ringfold_admin.principal import Principal
from ringfold_admin.problems import Problem, conflict, forbidden, invalid
from ringfold_admin.reminders import Reminders
from ringfold_admin.services.desk import Desk, require_match, told
from ringfold_admin.services.numbers import NumberService, told_view
from ringfold_admin.services.webhooks import Webhooks
from ringfold_admin.stores import numbers as store
from ringfold_admin.stores.audit import entry
from ringfold_admin.stores.numbers import NumberRecord, Numbers
from ringfold_admin.stores.table import Item, Outdated

LEASE_MS: Final = 35_000
"""As long as an invocation may live: for that time nobody else's request meddles with a purchase or a release."""


class Releases:
    """Gives numbers back.

    Args:
        numbers: Keeps numbers.
        service: Finds them.
        webhooks: Gives clients of Twilio's.
        reminders: Has somebody look again at what was cut short.
        desk: Shared by the services.
    """

    def __init__(
        self, numbers: Numbers, service: NumberService, webhooks: Webhooks, reminders: Reminders, desk: Desk
    ) -> None:
        self._numbers, self._service, self._webhooks = numbers, service, webhooks
        self._reminders, self._desk = reminders, desk

    def release(self, principal: Principal, number_id: str, confirm: str | None, if_match: str | None) -> None:
        """Give a number back to Twilio and forget it.

        Args:
            principal: Who does.
            number_id: Which number.
            confirm: Its phone number, typed again; ``None`` where that was not asked for.
            if_match: As the client sent it.

        Raises:
            Problem: 403 on the platform's account; 504 when Twilio did not say whether it took the number back.
        """
        principal.require_manage()
        record = self._service.record(principal, number_id)
        if not principal.sees(record.account.get("organization_id")):
            raise forbidden("The number is on the platform's account: ask the platform to release it.")
        if confirm is not None and confirm != record.phone_number:
            raise invalid("confirm", "expected the number's own phone number: this is not undone")
        require_match(record.item, if_match)
        if record.state == STATE_PURCHASING and is_under_way(record.item, self._desk.clock()):
            raise busy()
        self._webhooks.client(record.account)  # without credentials nothing is begun
        self._reminders.remind(number_id)
        with told():
            item = record.item if record.state == STATE_RELEASING else self._leaving(principal, record.item)
            self.finish(principal, NumberRecord(item, record.seen, record.account))

    def _leaving(self, principal: Principal, item: Item) -> Item:
        now_ms = self._desk.clock()
        new = {**store.changed_item(item, now_ms), "state": STATE_RELEASING, "attempted_ms": now_ms}
        audit = entry(
            principal,
            "number.release",
            item["number_id"],
            item.get("organization_id"),
            now_ms,
            before=told_view(item),
            after=told_view(new),
        )
        self._numbers.change(item, new, audit)
        return new

    def finish(self, principal: Principal, record: NumberRecord) -> None:
        """Have Twilio take a ``releasing`` number back, then forget it.

        Raises:
            Problem: 504 when Twilio did not say whether it did.
            CarrierError: If Twilio refused: then the number stays in use.
        """
        item, client = record.item, self._webhooks.client(record.account)
        try:
            sid = str(item.get("phone_sid") or "")
            if not sid:
                found = carrier.find_owned(client, item["phone_number"])
                sid = found.sid if found else ""
            if sid:
                carrier.release(client, sid)
        except CarrierError as exc:
            if exc.processed is None:
                message = "Twilio did not say whether it took the number back. Send DELETE again: it goes on from here."
                raise Problem(504, "twilio_unreachable", message, [{"number_id": item["number_id"]}]) from exc
            self._stay(principal, item, exc)
            raise
        now_ms = self._desk.clock()
        number_id, owner = item["number_id"], item.get("organization_id")
        audit = entry(principal, "number.released", number_id, owner, now_ms, before=told_view(item))
        try:
            self._numbers.remove(item, audit, claim=item.get("claim") or "")
        except Outdated:
            if self._numbers.get(number_id) is not None:
                raise

    def _stay(self, principal: Principal, item: Item, exc: CarrierError) -> None:
        """Twilio refuses to take the number back: it stays in use."""
        now_ms = self._desk.clock()
        state = STATE_ACTIVE if item.get("phone_sid") else STATE_PURCHASING
        new = {**store.changed_item(item, now_ms), "state": state}
        note = f"Twilio refused: {exc.twilio_code or exc.status}"
        number_id, owner = item["number_id"], item.get("organization_id")
        audit = entry(principal, "number.release_refused", number_id, owner, now_ms, after=told_view(new), note=note)
        self._numbers.change(item, new, audit)


def is_under_way(item: Item, now_ms: int) -> bool:
    """Whether whoever began a purchase or a release may still be at it."""
    return now_ms - int(item.get("attempted_ms") or 0) < LEASE_MS


def busy() -> Problem:
    """Somebody is at it."""
    problem = conflict("purchase_in_progress", "The number is being bought at this moment: ask again in a minute.")
    problem.headers = {"Retry-After": "30"}
    return problem
