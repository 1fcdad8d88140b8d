"""Numbers in use: listed, read, changed, their pool edited, their webhooks put right. Buying is in ``purchases.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ringfold.core import languages
from ringfold.core.lines import STATE_RELEASING
from ringfold_admin.carrier import numbers as carrier
from ringfold_admin.phones import country_of, read_phone
from ringfold_admin.principal import Principal
from ringfold_admin.problems import conflict, forbidden, not_found
from ringfold_admin.services.desk import Desk, Page, again, require_match, told
from ringfold_admin.services.number_settings import (
    NumberSettings,
    settings_of,
    transfer_countries,
)
from ringfold_admin.services.sites import (
    SMS_PATH,
    STATUS_PATH,
    WEBHOOK_PATH,
    Site,
    drift_of,
    remembered,
)
from ringfold_admin.services.webhooks import Webhooks
from ringfold_admin.stores import numbers as store
from ringfold_admin.stores.audit import entry
from ringfold_admin.stores.numbers import NumberRecord, Numbers
from ringfold_admin.stores.organizations import Organizations
from ringfold_admin.stores.table import Item

Edited = tuple[Mapping[str, Any], Mapping[str, Any]]
"""Settings that are attributes of an item, and the others."""
MOST_COUNTRIES_READ: Final = 100
"""As many of an account's numbers are looked at for the countries they transfer to."""


class NumberService:
    """What can be done with numbers that are here."""

    def __init__(
        self,
        numbers: Numbers,
        organizations: Organizations,
        settings: NumberSettings,
        webhooks: Webhooks,
        desk: Desk,
    ) -> None:
        self._numbers, self._organizations, self._settings = numbers, organizations, settings
        self._webhooks, self._desk = webhooks, desk

    def list_page(self, principal: Principal, organization_id: str | None, limit: int, cursor: str | None) -> Page:
        """A page of what the principal sees, with what Twilio said of each when it was last asked."""
        scope = principal.scope_of_lists(organization_id)
        after = self._desk.cursors.read(f"numbers#{scope}", cursor) if cursor else ""
        records, last = self._numbers.page(scope, limit=limit, after=after)
        shown = [self.view(principal, record) for record in records]
        return shown, self._desk.cursors.make(f"numbers#{scope}", last) if last else None

    def record(self, principal: Principal, number_id: str) -> NumberRecord:
        """One number as it is stored.

        Raises:
            Problem: 404.
        """
        record = self._numbers.record(number_id)
        if record is None:
            raise not_found("number")
        principal.require_sight(record.organization_id, "number")
        return record

    def get(self, principal: Principal, number_id: str) -> dict[str, Any]:
        """One number, with what Twilio has for it now."""
        record, why = self._webhooks.glance(self.record(principal, number_id))
        return self.view(principal, record, why, doubts=True)

    def change(
        self, principal: Principal, number_id: str, changed: Mapping[str, Any], if_match: str | None
    ) -> dict[str, Any]:
        """Change settings; where that changes what Twilio must know, Twilio is told."""
        principal.require_manage()

        def edit(record: NumberRecord) -> Edited:
            organization_id = self._new_owner(principal, record, changed)
            settled = self._settings.settle(
                principal,
                record.account,
                organization_id,
                record.phone_number,
                settings_of(record.item),
                {name: value for name, value in changed.items() if name != "organization_id"},
            )
            doc = {**settled.doc}
            doc["base_urls"] = remembered(self._webhooks.site.base_url(doc, record.account), doc.get("base_urls"))
            return {**settled.attributes, "organization_id": organization_id}, doc

        return self._edit(principal, number_id, "number.update", edit, if_match)

    def set_pool(
        self, principal: Principal, number_id: str, edit: Callable[[list[str]], Sequence[str]], if_match: str | None
    ) -> dict[str, Any]:
        """Edit the pool; the agents themselves are not touched.

        Args:
            principal: Who does.
            number_id: Which number.
            edit: The pool so far → the pool.
            if_match: As the client sent it.
        """
        principal.require_manage()

        def change(record: NumberRecord) -> Edited:
            pool = list(edit(list(record.doc.get("agents") or [])))
            settled = self._settings.settle(
                principal,
                record.account,
                record.organization_id,
                record.phone_number,
                settings_of(record.item),
                {"agents": pool},
            )
            return settled.attributes, settled.doc

        return self._edit(principal, number_id, "number.agents", change, if_match)

    def add_agent(self, principal: Principal, number_id: str, agent_id: str, if_match: str | None) -> dict[str, Any]:
        """Add an agent to the pool; one that is in it stays where it is."""
        return self.set_pool(
            principal, number_id, lambda pool: pool if agent_id in pool else [*pool, agent_id], if_match
        )

    def drop_agent(self, principal: Principal, number_id: str, agent_id: str, if_match: str | None) -> dict[str, Any]:
        """Take an agent out of the pool.

        Raises:
            Problem: 404 if it is not in it.
        """

        def without(pool: list[str]) -> list[str]:
            if agent_id not in pool:
                raise not_found("agent in the pool")
            return [each for each in pool if each != agent_id]

        return self.set_pool(principal, number_id, without, if_match)

    def repair(self, principal: Principal, number_id: str) -> dict[str, Any]:
        """Put a number's webhooks at Twilio right again.

        Raises:
            CarrierError: If Twilio could not be asked.
        """
        principal.require_manage()
        record = self.record(principal, number_id)
        _require_staying(record)
        record = self._remember_base(principal, record)
        record = self._webhooks.fetch(record)
        before = drift_of(self._webhooks.site.expected(record), record.seen)
        record, why = self._webhooks.settle(record, clear=True)
        if before and not why:
            note = ", ".join(str(each["field"]) for each in before)
            self._write_down(principal, record, "number.repair", note)
        return self.view(principal, record, why, doubts=True)

    def view(
        self, principal: Principal, record: NumberRecord, why: str = "", *, doubts: bool = False
    ) -> dict[str, Any]:
        """A number as the API shows it.

        Args:
            principal: Who looks: whose account it is on is the account's owner's to know.
            record: The number.
            why: Why Twilio could not be asked.
            doubts: Whether to look for what may go wrong, which takes a read.
        """
        seen = {} if why else record.seen
        shown = view(record, self._webhooks.site, sees_account=principal.sees(record.account.get("organization_id")))
        shown["configured_webhook_url"] = seen.get("voice_url")
        shown["configured_webhook_error"] = why or None
        shown["warnings"] = self._settings.warnings(record.item) if doubts else []
        return shown

    # -----------------------------------------------------------------------------------------------------------------

    def _edit(
        self,
        principal: Principal,
        number_id: str,
        action: str,
        edit: Callable[[NumberRecord], Edited],
        if_match: str | None,
    ) -> dict[str, Any]:
        kept: dict[str, NumberRecord] = {}

        def change() -> Item:
            record = self.record(principal, number_id)
            require_match(record.item, if_match)
            _require_staying(record)
            kept["before"] = record
            attributes, doc = edit(record)
            new = store.changed_item(record.item, self._desk.clock(), doc=doc, **attributes)
            before, after = told_view(record.item), told_view(new)
            if before == after and record.doc.get("base_urls") == doc.get("base_urls"):
                return record.item
            owner = new.get("organization_id") or record.organization_id
            audit = entry(principal, action, number_id, owner, self._desk.clock(), before=before, after=after)
            self._numbers.change(record.item, new, audit)
            return new

        with told():
            item = again(change, if_match, lambda: self._numbers.get(number_id))
        before = kept["before"]
        record, why = NumberRecord(item, before.seen, before.account), ""
        if self._webhooks.site.expected(record) != self._webhooks.site.expected(before):
            record, why = self._webhooks.settle(record)
        return self.view(principal, record, why, doubts=True)

    def _new_owner(self, principal: Principal, record: NumberRecord, changed: Mapping[str, Any]) -> str | None:
        """Whom the number serves afterwards."""
        if "organization_id" not in changed or changed["organization_id"] == record.organization_id:
            return record.organization_id
        if not principal.is_platform:
            raise forbidden("organization_id: only the platform moves a number to another organization.")
        asked: str | None = changed["organization_id"]
        owner = record.account.get("organization_id")
        if owner is not None and asked != owner:
            message = "The number is on an organization's own account, so it serves that organization."
            raise conflict("account_of_other_organization", message, field="organization_id")
        if asked is not None and not self._organizations.exists(asked):
            raise not_found("organization")
        return asked

    def _remember_base(self, principal: Principal, record: NumberRecord) -> NumberRecord:
        """Believe webhooks under the base URL that Twilio is about to be given, and under the one it has."""
        doc = record.doc
        base_urls = remembered(self._webhooks.site.base_url(doc, record.account), doc.get("base_urls"))
        if base_urls == doc.get("base_urls"):
            return record

        def change() -> Item:
            old = self.record(principal, str(record.item["number_id"])).item
            new = store.changed_item(old, self._desk.clock(), doc={**settings_of(old).doc, "base_urls": base_urls})
            self._numbers.change(old, new, [])
            return new

        with told():
            item = again(change, None, lambda: self._numbers.get(str(record.item["number_id"])))
        return NumberRecord(item, record.seen, record.account)

    def _write_down(self, principal: Principal, record: NumberRecord, action: str, note: str) -> None:
        number_id = str(record.item["number_id"])
        self._numbers.audit(entry(principal, action, number_id, record.organization_id, self._desk.clock(), note=note))


def countries_of(numbers: Numbers, account_id: str) -> set[str]:
    """The ISO countries that an account's numbers transfer callers to; of very many numbers, the first ones'."""
    items = numbers.of_account(account_id, limit=MOST_COUNTRIES_READ)
    targets = [str(settings_of(item).doc.get("transfer_number") or "") for item in items]
    return {country for target in targets if target and (country := country_of(target))}


def language_table() -> dict[str, Any]:
    """The languages offered: what each pair of providers shares, and where that is known from."""
    pairs = [(speaker, listener) for speaker in languages.SPEAKERS for listener in languages.LISTENERS]
    return {
        "as_of": languages.AS_OF,
        "languages": [
            {
                "tts_provider": speaker,
                "transcription_provider": listener,
                "languages": languages.offered(speaker, listener),
                "complete": languages.SPEAKERS[speaker].complete and languages.LISTENERS[listener].complete,
                "sources": [languages.SPEAKERS[speaker].source, languages.LISTENERS[listener].source],
            }
            for speaker, listener in pairs
        ],
    }


def view(record: NumberRecord, site: Site, *, sees_account: bool = True) -> dict[str, Any]:
    """A number as it is shown, less what only a look at Twilio can tell."""
    item, doc, seen = record.item, record.doc, record.seen
    expected = site.expected(record)
    relay = dict(doc.get("relay") or {})
    return {
        "id": item["number_id"],
        "account_id": item["account_id"] if sees_account else None,
        "organization_id": record.organization_id,
        "phone_number": record.phone_number,
        "phone_sid": record.phone_sid or None,
        "country": country_of(record.phone_number) or None,
        "type": kind_of(record.phone_number),
        "name": doc.get("name") or "",
        "routing_mode": item.get("routing_mode") or "fixed",
        "default_agent_id": item.get("default_agent_id") or None,
        "default_agent_version": item.get("default_agent_version"),
        "agents": list(doc.get("agents") or []),
        "greeting": doc.get("greeting") or None,
        "resume_greeting": doc.get("resume_greeting") or None,
        "named_greeting": doc.get("named_greeting") or None,
        "transfer_number": doc.get("transfer_number") or None,
        "transfer_countries": transfer_countries(record.phone_number, doc),
        "tts_provider": relay.get("ttsProvider"),
        "tts_voice_id": relay.get("voice"),
        "language": relay.get("language"),
        "relay": relay,
        "languages": list(doc.get("languages") or []),
        "base_url": doc.get("base_url") or None,
        "is_active": item.get("is_active") is True,
        "state": record.state,
        "capabilities": seen.get("capabilities"),
        "webhook_path": WEBHOOK_PATH,
        "status_path": STATUS_PATH,
        "sms_path": SMS_PATH,
        "websocket_path": site.websocket_path,
        "configured_webhook_url": seen.get("voice_url"),
        "configured_webhook_error": None,
        "configured_checked_at": seen.get("checked_at"),
        "expected_webhook_url": expected["voice_url"],
        "drift": drift_of(expected, seen),
        "messaging_service": seen.get("messaging"),
        "registration": seen.get("registration") or _unasked(record.phone_number),
        "warnings": [],
        "created_at": item["created_at"],
        "updated_at": item["updated_at"],
        "revision": item["revision"],
    }


def told_view(item: Item) -> dict[str, Any]:
    """What the audit trail tells of a number: its settings, not what Twilio said."""
    doc = settings_of(item).doc
    names = ("phone_number", "phone_sid", "organization_id", "account_id", "state", *store.ATTRIBUTES)
    return {**{name: item.get(name) for name in names}, **{k: v for k, v in doc.items() if k != "base_urls"}}


def kind_of(phone_number: str) -> str:
    """``local``, ``mobile``, ``toll_free`` or ``other``."""
    phone = read_phone(phone_number)
    return phone.kind if phone and phone.kind in {"local", "mobile", "toll_free"} else "other"


def _unasked(phone_number: str) -> dict[str, Any]:
    return carrier.unknown_registration(carrier.program_of(country_of(phone_number), kind_of(phone_number)))


def _require_staying(record: NumberRecord) -> None:
    if record.state == STATE_RELEASING:
        message = "The number is being released. Send DELETE again to finish that."
        raise conflict("number_releasing", message)
