"""What Twilio has for a number and what it should have: asked, compared, put right.

Whoever changes a number writes it down first and tells Twilio then. Two who do so at once may reach Twilio in the
other order, so whoever has told Twilio reads the number again, and tells Twilio again if it was changed meanwhile: the
last one to have spoken has spoken of the newest settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from twilio.rest import Client

from ringfold.errors import ConflictError
from ringfold_admin.carrier import numbers as carrier
from ringfold_admin.carrier.client import CarrierError, Carriers
from ringfold_admin.carrier.numbers import OVERRIDING, URL_FIELDS, OwnedNumber
from ringfold_admin.carrier.problems import problem_of
from ringfold_admin.problems import Problem, conflict
from ringfold_admin.services.sites import Site, drift_of, mending
from ringfold_admin.stores.numbers import NumberRecord, Numbers, seen_item
from ringfold_admin.stores.table import Item
from ringfold_admin.vault import Credentials

GLANCE_S: Final = 2.5
"""How long a GET waits for Twilio."""
_ROUNDS: Final = 4


class Webhooks:
    """Keeps the webhooks of numbers in order.

    Args:
        carriers: Give clients.
        glances: Give clients that do not wait long.
        credentials: Gives an account's.
        clock: Epoch milliseconds.
    """

    def __init__(
        self,
        numbers: Numbers,
        site: Site,
        carriers: Carriers,
        glances: Carriers,
        credentials: Callable[[Item], Credentials],
        clock: Callable[[], int],
    ) -> None:
        self.site = site
        self._numbers, self._carriers, self._glances = numbers, carriers, glances
        self._credentials, self._clock = credentials, clock

    def client(self, account: Mapping[str, Any]) -> Client:
        """A client of an account.

        Raises:
            Problem: 409 when it has no credentials.
        """
        return self._carriers.client(self.credentials(account))

    def quick_client(self, account: Mapping[str, Any]) -> Client:
        """One that does not wait long; raises the same."""
        return self._glances.client(self.credentials(account))

    def credentials(self, account: Mapping[str, Any]) -> Credentials:
        """What an account's requests are signed with.

        Raises:
            Problem: 409 when it has none.
        """
        if not account:
            raise conflict("credentials_missing", "The number's account is not there (any more).")
        return self._credentials(dict(account))

    def glance(self, record: NumberRecord) -> tuple[NumberRecord, str]:
        """Ask Twilio, briefly, what it has for a number.

        Returns:
            The number with what Twilio said, and why it could not be asked (``""`` when it was).
        """
        if not record.phone_sid:
            return record, "The number is not bought yet: Twilio has nothing configured for it."
        try:
            return self.fetch(record, quick=True), ""
        except CarrierError as exc:
            return record, _why(exc)
        except Problem as problem:
            return record, problem.message

    def fetch(self, record: NumberRecord, *, quick: bool = False) -> NumberRecord:
        """Ask Twilio what it has for a number.

        Args:
            record: The number.
            quick: Not to wait long.

        Raises:
            CarrierError: If it did not say.
            Problem: 409 when the account has no credentials.
        """
        client = self.quick_client(record.account) if quick else self.client(record.account)
        return self.keep(record, carrier.fetch(client, record.phone_sid))

    def keep(self, record: NumberRecord, found: OwnedNumber) -> NumberRecord:
        """Keep what Twilio said of a number."""
        seen = seen_item(record.item, told_of(found), record.seen, self._clock())
        with suppress(ConflictError):  # the number is gone: there is nothing to keep it with
            self._numbers.note(record.item, seen)
        return NumberRecord(record.item, seen, record.account)

    def keep_more(self, record: NumberRecord, told: Mapping[str, Any]) -> None:
        """Keep what else Twilio said of a number, beside what was kept of it already."""
        newest = self._numbers.record(str(record.item["number_id"]))
        if newest is not None and newest.seen:
            seen = {**newest.seen, **told}
            with suppress(ConflictError):
                self._numbers.note(newest.item, seen)

    def settle(self, record: NumberRecord, *, clear: bool = False) -> tuple[NumberRecord, str]:
        """Have Twilio's configuration be what the newest settings ask for.

        Args:
            record: The number.
            clear: Whether to take away as well what keeps Twilio from looking at the URLs: a trunk, an application.

        Returns:
            The newest number, and why Twilio could not be told (``""`` when it was).
        """
        try:
            if record.phone_sid and not record.seen.get("checked_at"):
                record = self.fetch(record)
            for _ in range(_ROUNDS):
                expected = self.site.expected(record)
                drift = [each for each in drift_of(expected, record.seen) if clear or each["field"] not in OVERRIDING]
                if not drift or not record.phone_sid:
                    return record, ""
                wanted = {**expected, **mending(drift)}
                told = self.keep(record, carrier.configure(self.client(record.account), record.phone_sid, wanted))
                newest = self._numbers.record(str(record.item["number_id"]))
                if newest is None:
                    return told, ""
                record = NumberRecord(newest.item, told.seen, newest.account)
        except CarrierError as exc:
            return record, _why(exc)
        except Problem as problem:
            return record, problem.message
        return record, "It is being changed again and again: repair it when that is over."


def told_of(found: OwnedNumber) -> dict[str, Any]:
    """What is kept of what Twilio said."""
    configured = {name: found.configured.get(name) for name in (*URL_FIELDS, *OVERRIDING)}
    return {"phone_sid": found.sid, **configured, "capabilities": dict(found.capabilities)}


def _why(exc: CarrierError) -> str:
    if exc.status == 404:
        return "Twilio has no such number in this account any more: it was released or moved there (20404)."
    problem = problem_of(exc)
    code = f" ({exc.twilio_code})" if exc.twilio_code else ""
    return f"{problem.message}{code}" if exc.status else "Twilio did not answer in time: ask again."
