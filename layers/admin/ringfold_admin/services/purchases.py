"""Buying numbers, and bringing in ones that are owned already; ``releases.py`` gives them back.

Money is spent at Twilio and written down here, and between the two everything can stop. So the record comes first,
``purchasing``, unique by its phone number; Twilio is asked once; and an answer that was lost is looked up before
anything is bought again. Who finds such a record goes on from it: the same request again, ``repair``, or a delayed
message that was sent before the purchase. Twilio sells a number once, so two who go on at the same time end with the
same number: the one that is refused finds it in the account's list.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from twilio.rest import Client

from ringfold.adapters.items import doc_of
from ringfold.core.lines import STATE_ACTIVE, STATE_PURCHASING, STATE_RELEASING
from ringfold.errors import StateError
from ringfold_admin.carrier import numbers as carrier
from ringfold_admin.carrier.client import CarrierError
from ringfold_admin.carrier.numbers import OwnedNumber
from ringfold_admin.carrier.problems import problem_of
from ringfold_admin.phones import read_phone
from ringfold_admin.principal import Principal, Role
from ringfold_admin.problems import Problem, conflict, invalid, not_found
from ringfold_admin.reminders import Reminders
from ringfold_admin.services.desk import Desk, told
from ringfold_admin.services.number_settings import NumberSettings, new_settings
from ringfold_admin.services.numbers import NumberService, told_view
from ringfold_admin.services.releases import Releases, busy, is_under_way
from ringfold_admin.services.sites import WEBHOOK_PATH, remembered
from ringfold_admin.services.webhooks import Webhooks, told_of
from ringfold_admin.stores import numbers as store
from ringfold_admin.stores.accounts import Accounts
from ringfold_admin.stores.audit import entry
from ringfold_admin.stores.numbers import NumberRecord, Numbers, seen_item
from ringfold_admin.stores.organizations import Organizations
from ringfold_admin.stores.table import PLATFORM, Item, Outdated, Taken

SETTLED_MS: Final = 60_000
"""A request of ours that Twilio has not answered may still be carried out; after this time it is not."""
CLAIM_S: Final = 24 * 3600
CANDIDATES: Final = 5
"""As many numbers of an area code are tried, when others are quicker."""
ORDER: Final = ("address_sid", "bundle_sid", "identity_sid")
ABOUT: Final = ("phone_number", "phone_sid", "area_code", "country", "account_id", "organization_id", "configure")
"""Fields of a request that are no settings."""
_RETRIES: Final = 6
SWEEPER: Final = Principal("system", Role.PLATFORM_ADMIN, None, "Ringfold, after a request was cut short")


class Purchases:
    """Buys, and brings in.

    Args:
        numbers: Keeps numbers.
        service: Shows them.
        settings: Checks their settings.
        webhooks: Keeps Twilio's configuration in order.
        accounts: The accounts they are bought on.
        organizations: Whom they serve.
        reminders: Has somebody look again at what was cut short.
        releases: Give numbers back.
        desk: Shared by the services.
    """

    def __init__(  # noqa: PLR0913 - everything a purchase touches, by name
        self,
        *,
        numbers: Numbers,
        service: NumberService,
        settings: NumberSettings,
        webhooks: Webhooks,
        accounts: Accounts,
        organizations: Organizations,
        reminders: Reminders,
        releases: Releases,
        desk: Desk,
    ) -> None:
        self._numbers, self._service, self._settings, self._webhooks = numbers, service, settings, webhooks
        self._accounts, self._organizations = accounts, organizations
        self._reminders, self._releases, self._desk = reminders, releases, desk

    def search(
        self,
        principal: Principal,
        account_id: str | None,
        country: str,
        kind: str,
        filters: Mapping[str, Any],
        limit: int,
    ) -> list[dict[str, Any]]:
        """Numbers that an account could buy.

        Raises:
            CarrierError: If Twilio could not be asked.
        """
        principal.require_manage()
        client = self._webhooks.client(self._account(principal, account_id))
        return carrier.search(client, country, kind, filters, limit)

    def purchase(self, principal: Principal, given: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
        """Buy a number, by its phone number or the first one of an area code.

        Args:
            principal: Who buys.
            given: See :class:`ringfold_admin.models.numbers.NewNumber`.
            key: The Idempotency-Key that was sent.

        Raises:
            Problem: 504 when Twilio did not say whether it has sold the number: the same request again goes on.
        """
        principal.require_manage()
        phone_number, area_code = given.get("phone_number"), given.get("area_code")
        if bool(phone_number) == bool(area_code):
            raise invalid("phone_number", "expected either phone_number, as a search gave it, or area_code")
        account = self._account(principal, given.get("account_id"))
        organization_id = self._owner(principal, account, given)
        if account.get("is_active") is not True:
            raise conflict("account_inactive", "The account is switched off: activate it first.", field="account_id")
        request = _fingerprint(principal, given, key)
        if phone_number:
            _require_phone(phone_number)
            item = self._buy_one(principal, account, organization_id, phone_number, given, request)
        else:
            item = self._buy_any(principal, account, organization_id, str(area_code), given, request, keep=bool(key))
        return self._shown(principal, item)

    def bring_in(self, principal: Principal, given: Mapping[str, Any]) -> dict[str, Any]:
        """Take over a number that the account owns already.

        Raises:
            Problem: 404 if it does not, 409 if the number is here already.
        """
        principal.require_manage()
        if bool(given.get("phone_number")) == bool(given.get("phone_sid")):
            raise invalid("phone_number", "expected either phone_number or phone_sid")
        account = self._account(principal, given.get("account_id"))
        organization_id = self._owner(principal, account, given)
        client = self._webhooks.client(account)
        if given.get("phone_sid"):
            found: OwnedNumber | None = carrier.fetch(client, given["phone_sid"])
        else:
            found = carrier.find_owned(client, given["phone_number"])
        if found is None:
            message = "The Twilio account owns no such number. GET /api/voice/numbers/available finds ones to buy."
            raise Problem(404, "twilio_not_found", message)
        item = self._new_item(principal, account, organization_id, found.phone_number, given, STATE_ACTIVE)
        item["phone_sid"] = found.sid
        now_ms = self._desk.clock()
        seen = seen_item(item, told_of(found), {}, now_ms)
        audit = entry(principal, "number.import", item["number_id"], organization_id, now_ms, after=told_view(item))
        with told():
            try:
                self._numbers.begin(item, audit, seen=seen)
            except Taken as exc:
                raise self._met(principal, found.phone_number, account) from exc
            except Outdated as exc:
                raise _gone(exc) from exc
        record = NumberRecord(item, seen, account)
        why = ""
        if given.get("configure", True):
            record, why = self._webhooks.settle(record, clear=True)
        return self._service.view(principal, record, why, doubts=True)

    def repair(self, principal: Principal, number_id: str) -> dict[str, Any]:
        """Put a number right: finish its purchase, or its webhooks at Twilio."""
        principal.require_manage()
        record = self._service.record(principal, number_id)
        if record.state != STATE_PURCHASING:
            return self._service.repair(principal, number_id)
        self._reminders.remind(number_id)
        with told():
            item = self._buy(principal, self._renewed(record.item, {}), record.account, again=True)
        return self._shown(principal, item)

    def reconcile(self, number_id: str) -> str:
        """Finish or drop what was cut short; asked by a delayed message.

        Returns:
            What was found: ``nothing``, ``busy``, ``bought``, ``dropped`` or ``released``.

        Raises:
            AppError: If it cannot be told now; ask again.
        """
        record = self._numbers.record(number_id)
        if record is None or record.state == STATE_ACTIVE:
            return "nothing"
        if is_under_way(record.item, self._desk.clock()):
            return "busy"  # whoever is at it has sent a message of their own
        if record.state == STATE_RELEASING:
            self._releases.finish(SWEEPER, record)
            return "released"
        found = carrier.find_owned(self._webhooks.client(record.account), record.phone_number)
        if found is None:
            self._drop(SWEEPER, record.item, "Twilio has not sold it")
            return "dropped"
        self._activate(SWEEPER, record.item, found)
        return "bought"

    # ---------------------------------------------------------------------------------------------------- who and what

    def _account(self, principal: Principal, account_id: str | None) -> Item:
        """The account a request is about; may be left out where there is only one."""
        if account_id is None:
            scope = PLATFORM if principal.is_platform else str(principal.organization_id)
            found, _ = self._accounts.page(scope, limit=2, after="")
            if len(found) != 1:
                raise invalid("account_id", "name the account; GET /api/voice/accounts lists them")
            return found[0]
        item = self._accounts.get(account_id)
        if item is None:
            raise not_found("account")
        principal.require_sight(item.get("organization_id"), "account")
        return item

    def _owner(self, principal: Principal, account: Item, given: Mapping[str, Any]) -> str | None:
        """Whom the number will serve."""
        asked = given.get("organization_id")
        owner = account.get("organization_id")
        organization_id = principal.organization_of(asked if asked is not None else owner, required=False)
        if owner is not None and organization_id != owner:
            message = "The account is an organization's own: its numbers serve that organization."
            raise conflict("account_of_other_organization", message, field="organization_id")
        if organization_id is not None and not self._organizations.exists(organization_id):
            raise not_found("organization")
        return organization_id

    def _new_item(
        self,
        principal: Principal,
        account: Item,
        organization_id: str | None,
        phone_number: str,
        given: Mapping[str, Any],
        state: str,
    ) -> Item:
        settings = {name: value for name, value in given.items() if name not in {*ABOUT, *ORDER}}
        settled = self._settings.settle(principal, account, organization_id, phone_number, new_settings(), settings)
        doc = {**settled.doc, "base_urls": remembered(self._webhooks.site.base_url(settled.doc, account), None)}
        number_id = self._desk.new_id("num")
        return store.new_item(
            number_id,
            phone_number,
            account,
            organization_id,
            self._desk.clock(),
            state=state,
            attributes=settled.attributes,
            doc=doc,
        )

    def _shown(self, principal: Principal, item: Item) -> dict[str, Any]:
        record = self._numbers.record(item["number_id"])
        if record is None:
            raise not_found("number")
        why = ""
        # Webhooks that lead elsewhere were not set by this purchase: the account had the number before. They may serve
        # somebody, so they stay, and drift shows them.
        if _is_ours(record.item, record.seen):
            record, why = self._webhooks.settle(record)
        return self._service.view(principal, record, why, doubts=True)

    # ---------------------------------------------------------------------------------------------------------- buying

    def _buy_any(
        self,
        principal: Principal,
        account: Item,
        organization_id: str | None,
        area_code: str,
        given: Mapping[str, Any],
        request: str,
        *,
        keep: bool,
    ) -> Item:
        """The first number of an area code that can be had; the same request again gets the same number."""
        account_id = account["account_id"]
        claimed, item = self._numbers.claimed(account_id, request), None
        if claimed:
            with _unless_taken():
                item = self._buy_one(principal, account, organization_id, claimed, given, request, claim=True)
        if item is None:
            item = self._first_of(principal, account, organization_id, area_code, given, request)
        if not keep:  # without a key, the next request like this one is another purchase
            self._numbers.drop_claim(item, request)
        return item

    def _first_of(
        self,
        principal: Principal,
        account: Item,
        organization_id: str | None,
        area_code: str,
        given: Mapping[str, Any],
        request: str,
    ) -> Item:
        client = self._webhooks.client(account)
        filters = {"area_code": int(area_code), "voice_enabled": True}
        country = str(given.get("country") or "US")
        for candidate in carrier.search(client, country, "local", filters, CANDIDATES):
            with _unless_taken():
                return self._buy_one(
                    principal, account, organization_id, candidate["phone_number"], given, request, claim=True
                )
        raise Problem(404, "number_unavailable", f"No number of area code {area_code} can be had: try another.")

    def _buy_one(
        self,
        principal: Principal,
        account: Item,
        organization_id: str | None,
        phone_number: str,
        given: Mapping[str, Any],
        request: str,
        *,
        claim: bool = False,
    ) -> Item:
        item = self._new_item(principal, account, organization_id, phone_number, given, STATE_PURCHASING)
        order = {name: given[name] for name in ORDER if given.get(name)}
        now_ms = self._desk.clock()
        item |= {"request": request, "claim": request if claim else "", "order": order}
        item |= {"begun_ms": now_ms, "attempted_ms": now_ms}
        with told():
            for _ in range(_RETRIES):
                stored = self._numbers.at(phone_number)
                if stored is not None:
                    try:
                        return self._go_on(principal, account, stored, item)
                    except Outdated:
                        continue  # another request like this one goes on as well
                # Sent before anything is written or bought: whatever stops now, somebody looks.
                self._reminders.remind(item["number_id"])
                audit = entry(
                    principal, "number.purchase", item["number_id"], organization_id, now_ms, after=told_view(item)
                )
                try:
                    expires_s = now_ms // 1000 + CLAIM_S
                    self._numbers.begin(item, audit, claim=item["claim"], expires_s=expires_s)
                except Taken:
                    claimed = self._numbers.claimed(account["account_id"], request) if claim else None
                    if claimed and claimed != phone_number:
                        return self._buy_one(principal, account, organization_id, claimed, given, request, claim=True)
                    continue
                except Outdated as exc:
                    raise _gone(exc) from exc
                return self._buy(principal, item, account, again=False)
        raise busy()

    def _go_on(self, principal: Principal, account: Item, stored: Item, wanted: Item) -> Item:
        """Go on from a record that is there: it is this request's own, or stands in its way."""
        same_owner = (stored["account_id"], stored.get("organization_id") or None) == (
            account["account_id"],
            wanted.get("organization_id") or None,
        )
        own_request = stored.get("request") == wanted["request"]
        state = stored.get("state") or STATE_ACTIVE
        if same_owner and state == STATE_ACTIVE and own_request:
            return stored
        if not same_owner or state != STATE_PURCHASING:
            raise self._met(principal, stored["phone_number"], account)
        if is_under_way(stored, self._desk.clock()) and not own_request:
            raise busy()
        settings = {name: wanted[name] for name in (*store.ATTRIBUTES, "order", "request")}
        doc, before = doc_of(wanted), doc_of(stored).get("base_urls")
        doc["base_urls"] = remembered(doc["base_urls"][0], before)
        item = self._renewed(stored, {**settings, "doc": json.dumps(doc)})
        self._reminders.remind(item["number_id"])
        return self._buy(principal, item, account, again=True)

    def _renewed(self, item: Item, settings: Mapping[str, Any]) -> Item:
        """The record of a purchase that is taken up now."""
        now_ms = self._desk.clock()
        new = {**store.changed_item(item, now_ms), **settings, "attempted_ms": now_ms}
        self._numbers.change(item, new, [])
        return new

    def _buy(self, principal: Principal, item: Item, account: Item, *, again: bool) -> Item:
        """Ask Twilio for the number of a ``purchasing`` record.

        Args:
            principal: Who buys.
            item: The record.
            account: On which account.
            again: Whether Twilio may have been asked before.
        """
        client = self._client_for(principal, item, account, again=again)
        phone_number = item["phone_number"]
        if again:
            found = self._look(client, item)
            if found is not None:
                return self._activate(principal, item, found)
        record = NumberRecord(item, {}, account)
        wanted = {**self._webhooks.site.expected(record), **(item.get("order") or {})}
        wanted["friendly_name"] = (record.doc.get("name") or phone_number)[:64]
        try:
            bought = carrier.buy(client, phone_number, wanted)
        except CarrierError as exc:
            return self._after_refusal(principal, item, client, exc, again=again)
        return self._activate(principal, item, bought)

    def _after_refusal(
        self, principal: Principal, item: Item, client: Client, exc: CarrierError, *, again: bool
    ) -> Item:
        """Twilio did not sell the number, or did not say so."""
        if exc.processed is None or exc.twilio_code == 21422:
            found = self._look(client, item)
            if found is not None:
                if again or exc.processed is None or _is_ours(item, found.configured):
                    return self._activate(principal, item, found)
                self._drop(principal, item, "the account owns it already")
                message = "The Twilio account owns this number already: POST /api/voice/numbers/import takes it over."
                raise conflict("number_owned", message, field="phone_number") from exc
            if exc.processed is None:
                raise _unknown(item) from exc
        if again and self._desk.clock() - int(item.get("begun_ms") or 0) < SETTLED_MS:
            # An earlier request may be what has just taken the number: until that is certain, nothing is forgotten.
            raise _unknown(item) from exc
        problem = problem_of(exc)
        self._drop(principal, item, problem.code)
        raise problem from exc

    def _client_for(self, principal: Principal, item: Item, account: Item, *, again: bool) -> Client:
        try:
            return self._webhooks.client(account)
        except Problem:
            if not again:
                self._drop(principal, item, "the account has no credentials")
            raise

    def _look(self, client: Client, item: Item) -> OwnedNumber | None:
        """Look whether Twilio has sold the number; when it does not say, the record stays."""
        try:
            return carrier.find_owned(client, item["phone_number"])
        except CarrierError as exc:
            raise _unknown(item) from exc

    def _activate(self, principal: Principal, item: Item, bought: OwnedNumber) -> Item:
        """Write down that the number is ours; whatever happened to its record meanwhile, it is not lost."""
        current: Item | None = item
        for _ in range(_RETRIES):
            if current is not None and (current.get("state") or STATE_ACTIVE) != STATE_PURCHASING:
                return current
            now_ms = self._desk.clock()
            base = current or {**item, "revision": 0}
            new = {**store.changed_item(base, now_ms), "state": STATE_ACTIVE, "phone_sid": bought.sid}
            seen = seen_item(new, told_of(bought), {}, now_ms)
            owner = new.get("organization_id")
            before = told_view(base) if current else None
            audit = entry(
                principal, "number.active", new["number_id"], owner, now_ms, before=before, after=told_view(new)
            )
            try:
                if current is None:
                    self._numbers.begin(new, audit, seen=seen)
                else:
                    self._numbers.change(current, new, audit, seen=seen)
            except (Taken, Outdated):
                current = self._numbers.at(item["phone_number"])
            else:
                return new
        raise StateError(f"number {item['number_id']} is bought ({bought.sid}) and cannot be written down: import it")

    def _drop(self, principal: Principal, item: Item, why: str) -> None:
        """Forget a purchase that came to nothing."""
        now_ms = self._desk.clock()
        number_id, owner = item["number_id"], item.get("organization_id")
        audit = entry(principal, "number.purchase_failed", number_id, owner, now_ms, before=told_view(item), note=why)
        try:
            self._numbers.remove(item, audit, claim=item.get("claim") or "")
        except Outdated:
            return  # somebody else goes on from it

    def _met(self, principal: Principal, phone_number: str, account: Item) -> Problem:
        """What is told of a number that is here already: nothing, if it is not for this principal to see."""
        stored = self._numbers.at(phone_number) or {}
        if stored.get("account_id") == account["account_id"] and principal.sees(stored.get("organization_id")):
            state = stored.get("state") or STATE_ACTIVE
            if state == STATE_RELEASING:
                message = "The number is being released. Send DELETE again to finish that, then buy it anew."
                return conflict("number_releasing", message, number_id=stored["number_id"])
            message = "The number is here already: PATCH changes it."
            return conflict("number_exists", message, number_id=stored["number_id"])
        return conflict("number_unavailable", "Somebody else has this number: search again and choose another.")


@contextmanager
def _unless_taken() -> Iterator[None]:
    """Go on where somebody else has the number; any other problem is one."""
    try:
        yield
    except Problem as problem:
        if problem.code not in {"number_unavailable", "number_invalid"}:
            raise


def _fingerprint(principal: Principal, given: Mapping[str, Any], key: str | None) -> str:
    """What makes a request the same as one before: who sent it, and its key or else all of it."""
    text = f"key:{key}" if key else json.dumps(dict(given), sort_keys=True)
    return hashlib.sha256(f"{principal.subject}\n{text}".encode()).hexdigest()[:40]


def _is_ours(item: Item, configured: Mapping[str, Any]) -> bool:
    """Whether a number at Twilio has the voice URL that a purchase of ours gave it."""
    known = doc_of(item).get("base_urls") or []
    return configured.get("voice_url") in {f"{base_url}{WEBHOOK_PATH}" for base_url in known}


def _require_phone(phone_number: str) -> None:
    if read_phone(phone_number) is None:
        raise invalid("phone_number", "expected a number in E.164, such as +15125551234, as a search gave it")


def _unknown(item: Item) -> Problem:
    message = (
        "Twilio did not say whether it has sold the number. Nothing is lost and nothing is bought twice: send the same "
        "request again, or POST to the number's repair, and it goes on from here."
    )
    detail = {"field": "phone_number", "message": "state purchasing", "number_id": item["number_id"]}
    return Problem(504, "twilio_unreachable", message, [detail])


def _gone(exc: Outdated) -> Problem:
    """What a new number needs was removed at this moment."""
    kind = str(exc).partition("#")[0]
    names = {"ACCOUNT": "account", "ORG": "organization or agent"}
    return not_found(names.get(kind, "account"))
