"""Twilio accounts: added, tested, rotated, switched off, removed. Tokens go in and never come out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ringfold.errors import AppError, ConfigError
from ringfold_admin.carrier import accounts as carrier
from ringfold_admin.carrier.client import CarrierError, Carriers
from ringfold_admin.carrier.problems import problem_of
from ringfold_admin.principal import Principal
from ringfold_admin.problems import Problem, conflict, invalid, not_found
from ringfold_admin.services.desk import Desk, Page, again, require_match, told
from ringfold_admin.stores import accounts as store
from ringfold_admin.stores.accounts import Accounts
from ringfold_admin.stores.audit import SECRET_FIELDS, entry, iso
from ringfold_admin.stores.organizations import Organizations
from ringfold_admin.stores.table import Item, Outdated, Taken
from ringfold_admin.vault import Credentials, Vault

ADDENDUM: Final = (
    "Twilio tells by no API whether the account has accepted the Predictive and Generative AI/ML Features Addendum, "
    "without which ConversationRelay refuses calls."
)
ADDENDUM_CURE: Final = "Look in Twilio's console under Voice, Settings, General, and accept it there."
HOME: Final = "US"


class AccountService:
    """What can be done with accounts.

    Args:
        countries: Gives the ISO countries that an account's numbers transfer callers to.
    """

    def __init__(
        self,
        accounts: Accounts,
        organizations: Organizations,
        vault: Vault,
        carriers: Carriers,
        desk: Desk,
        countries: Callable[[str], set[str]],
    ) -> None:
        self._accounts, self._organizations, self._vault = accounts, organizations, vault
        self._carriers, self._desk, self._countries = carriers, desk, countries

    def list_page(self, principal: Principal, organization_id: str | None, limit: int, cursor: str | None) -> Page:
        """A page of what the principal sees."""
        scope = principal.scope_of_lists(organization_id)
        return self._desk.page(
            f"accounts#{scope}",
            cursor,
            lambda after: self._accounts.page(scope, limit=limit, after=after),
            store.view,
        )

    def get(self, principal: Principal, account_id: str) -> Item:
        """One account's item.

        Raises:
            Problem: 404.
        """
        item = self._accounts.get(account_id)
        if item is None:
            raise not_found("account")
        principal.require_sight(item.get("organization_id"), "account")
        return item

    def create(self, principal: Principal, given: dict[str, Any]) -> Item:
        """Add an account: its SID is claimed, its credentials go to Secrets Manager.

        Raises:
            Problem: 409 if the SID is claimed already.
        """
        principal.require_manage()
        organization_id = self._owner(principal, given)
        _require_pair(given.get("api_key_sid"), given.get("api_key_secret"))
        now_ms = self._desk.clock()
        item = store.new_item(
            self._desk.new_id("acc"),
            given["account_sid"],
            organization_id,
            now_ms,
            is_active=bool(given.get("is_active", True)),
            doc={name: given.get(name) for name in ("name", "base_url", "api_key_sid")},
        )
        account_id = item["account_id"]
        audit = entry(principal, "account.create", account_id, organization_id, now_ms, after=store.view(item))
        # The SID is claimed first. Killed behind it, there is an account without credentials, which can be seen,
        # given them, or removed; the other way round there would be a secret that nobody knows of.
        try:
            with told():
                self._accounts.create(item, audit)
        except Problem as problem:
            if isinstance(problem.__cause__, Taken):
                raise conflict(
                    "account_exists",
                    "This Twilio account is here already. Change it, or remove it first.",
                    field="account_sid",
                ) from problem
            if isinstance(problem.__cause__, Outdated):
                raise not_found("organization") from problem
            raise
        credentials = Credentials(
            given["account_sid"],
            given["auth_token"],
            None,
            given.get("api_key_sid"),
            given.get("api_key_secret"),
        )
        try:
            secret_arn = self._vault.create(account_id, credentials)
        except AppError:
            self._accounts.delete(item, [])
            raise
        known = {**item, "secret_arn": secret_arn, "revision": 2}
        self._accounts.change(item, known, [])
        return known

    def change(self, principal: Principal, account_id: str, changed: dict[str, Any], if_match: str | None) -> Item:
        """Change settings or credentials; see :class:`ringfold_admin.models.accounts.AccountChange`."""
        principal.require_manage()

        def change() -> Item:
            old = self.get(principal, account_id)
            require_match(old, if_match)
            _require_same_sid(old, changed.get("account_sid"))
            credentials = self._changed_credentials(old, changed)
            doc: dict[str, Any] = {name: changed[name] for name in ("name", "base_url") if name in changed}
            if doc.get("name", "") is None:
                raise invalid("name", "expected a name; leave it out to keep the old one")
            if credentials is not None:
                doc |= _told_of(credentials)
            attributes = {"is_active": changed["is_active"]} if changed.get("is_active") is not None else {}
            now_ms = self._desk.clock()
            new = store.changed_item(old, now_ms, doc=doc, **attributes)
            secrets: dict[str, Any] = dict.fromkeys(SECRET_FIELDS & changed.keys(), "x")
            audit = entry(
                principal,
                "account.update",
                account_id,
                old.get("organization_id"),
                now_ms,
                before=store.view(old),
                after={**store.view(new), **secrets},
            )
            # The secret first: what is tried again finds the new token in place and leaves it so.
            if credentials is not None:
                self._vault.write(account_id, old["secret_arn"], credentials)
            self._accounts.change(old, new, audit)
            return new

        with told():
            return again(change, if_match, lambda: self._accounts.get(account_id))

    def delete(self, principal: Principal, account_id: str, if_match: str | None) -> None:
        """Remove an account and its secret (which can be restored for 30 days).

        Raises:
            Problem: 409 while numbers belong to it.
        """
        principal.require_manage()
        item = self.get(principal, account_id)
        require_match(item, if_match)
        now_ms = self._desk.clock()
        with told():
            # Marked first: a purchase that begins now finds the mark, one that began before is seen below.
            marked = store.changed_item(item, now_ms, is_leaving=True)
            self._accounts.change(item, marked, [])
            if self._accounts.has_numbers(account_id):
                left = {name: value for name, value in marked.items() if name != "is_leaving"}
                self._accounts.change(marked, {**left, "revision": marked["revision"] + 1}, [])
                message = "Numbers belong to this account: release or move them first."
                raise conflict("account_in_use", message)
            self._vault.delete(account_id, item["secret_arn"])
            owner = item.get("organization_id")
            audit = entry(principal, "account.delete", account_id, owner, now_ms, before=store.view(item))
            self._accounts.delete(marked, audit)

    def test(self, principal: Principal, account_id: str) -> Item:
        """Ask Twilio whether the account can do what Ringfold needs; the findings are kept with the account."""
        principal.require_manage()
        item = self.get(principal, account_id)
        findings = self._findings(item)
        ok = not any(finding["status"] == "failed" for finding in findings)
        connection = {"ok": ok, "checked_at": iso(self._desk.clock()), "findings": findings}

        def note() -> Item:
            old = self.get(principal, account_id)
            new = {**store.changed_item(old, self._desk.clock(), doc={"connection": connection})}
            new["updated_at"] = old["updated_at"]  # what an administrator changed is not what a test found
            self._accounts.change(old, new, [])
            return new

        with told():
            return again(note, None, lambda: self._accounts.get(account_id))

    def rotate(self, principal: Principal, account_id: str, auth_token: str | None) -> Item:
        """Change the auth token with no refused webhook in between: both are accepted until the next change.

        With a token given, it has been promoted at Twilio already. Without one, Twilio is asked to make a secondary
        token, which is accepted here from then on, and to promote it; asked again after it was cut short, it goes on.
        """
        principal.require_manage()
        if auth_token is not None:
            return self.change(principal, account_id, {"auth_token": auth_token}, None)
        item = self.get(principal, account_id)
        try:
            credentials = self._usable(item)
            client = self._carriers.client(replace(credentials, api_key_sid=None, api_key_secret=None))
            secondary = _new_secondary(client)
            self._vault.write(account_id, item["secret_arn"], replace(credentials, secondary_token=secondary))
            promoted = carrier.promote_secondary_token(client)
        except CarrierError as exc:
            raise problem_of(exc) from exc
        self._vault.write(account_id, item["secret_arn"], credentials.rotated(promoted))
        return self._note_rotation(principal, account_id)

    def credentials(self, item: Item) -> Credentials:
        """An account's credentials, for requests to Twilio.

        Raises:
            Problem: 409 when there are none.
        """
        try:
            return self._vault.read(item["account_id"], item["secret_arn"])
        except ConfigError as exc:
            raise conflict("credentials_missing", f"{exc}.") from exc

    # -----------------------------------------------------------------------------------------------------------------

    def _owner(self, principal: Principal, given: dict[str, Any]) -> str | None:
        """Whose account it will be; ``None`` for the platform's."""
        scope, asked = given.get("scope"), given.get("organization_id")
        if scope == "platform":
            principal.require_platform()
            if asked is not None:
                raise invalid("organization_id", "an account of the platform belongs to no organization: leave it out")
            return None
        owner = principal.organization_of(asked, required=scope == "organization")
        if owner is not None and not self._organizations.exists(owner):
            raise not_found("organization")
        return owner

    def _changed_credentials(self, item: Item, changed: dict[str, Any]) -> Credentials | None:
        names = {"auth_token", "secondary_token", "api_key_sid", "api_key_secret"} & changed.keys()
        if not names:
            return None
        if "auth_token" in changed and changed["auth_token"] is None:
            raise invalid("auth_token", "expected a token: an account cannot do without")
        try:
            credentials = self._vault.read(item["account_id"], item["secret_arn"])
        except ConfigError:
            if "auth_token" not in changed:
                raise
            credentials = Credentials(item["account_sid"], changed["auth_token"])
        if "auth_token" in changed:
            credentials = credentials.rotated(changed["auth_token"])
        rest = {name: changed[name] for name in names - {"auth_token"}}
        credentials = replace(credentials, **rest)
        _require_pair(credentials.api_key_sid, credentials.api_key_secret)
        return credentials

    def _findings(self, item: Item) -> list[dict[str, str]]:
        try:
            credentials = self._vault.read(item["account_id"], item["secret_arn"])
        except ConfigError as exc:
            return [_finding("credentials", "failed", str(exc), "Send the auth token: PATCH auth_token.")]
        client = self._carriers.client(credentials)
        try:
            state = carrier.fetch_state(client, item["account_sid"])
        except CarrierError as exc:
            problem = problem_of(exc)
            return [_finding("credentials", "failed", exc.text or str(exc), problem.message)]
        findings = [_finding("credentials", "ok", f"Twilio knows the account as {state.name!r}.")]
        if state.status != "active":
            cure = "Reactivate it in Twilio's console, or ask Twilio's support."
            findings.append(_finding("status", "failed", f"The account is {state.status}.", cure))
        else:
            findings.append(_finding("status", "ok", "The account is active."))
        if state.kind.lower() == "trial":
            message = "It is a trial account: Twilio strips ConversationRelay from what it is told to do."
            findings.append(_finding("trial", "failed", message, "Upgrade the account in Twilio's console."))
        else:
            findings.append(_finding("trial", "ok", "It is a full account."))
        findings.append(_finding("conversation_relay", "unknown", ADDENDUM, ADDENDUM_CURE))
        countries = sorted(self._countries(item["account_id"]) or {HOME})
        return findings + [_geography(each, carrier.may_be_called_from(client, each)) for each in countries]

    def _usable(self, item: Item) -> Credentials:
        """The credentials whose token Twilio takes: a rotation that was cut short may have promoted the other."""
        credentials = self.credentials(item)
        bare = replace(credentials, api_key_sid=None, api_key_secret=None)
        try:
            carrier.fetch_state(self._carriers.client(bare), item["account_sid"])
        except CarrierError as exc:
            if exc.status != 401 or not credentials.secondary_token:
                raise
            swapped = credentials.rotated(credentials.secondary_token)
            bare = replace(swapped, api_key_sid=None, api_key_secret=None)
            carrier.fetch_state(self._carriers.client(bare), item["account_sid"])
            return swapped
        return credentials

    def _note_rotation(self, principal: Principal, account_id: str) -> Item:
        def note() -> Item:
            old = self.get(principal, account_id)
            now_ms = self._desk.clock()
            new = store.changed_item(old, now_ms, doc={"has_secondary_token": True})
            owner = old.get("organization_id")
            audit = entry(principal, "account.rotate", account_id, owner, now_ms, after={"auth_token": "x"})
            self._accounts.change(old, new, audit)
            return new

        with told():
            return again(note, None, lambda: self._accounts.get(account_id))


def _new_secondary(client: Any) -> str:
    """A secondary token; one that is there already is nobody's: a rotation was cut short before it was kept."""
    try:
        return carrier.make_secondary_token(client)
    except CarrierError as exc:
        if exc.status not in {400, 409}:
            raise
    carrier.drop_secondary_token(client)
    return carrier.make_secondary_token(client)


def _require_pair(api_key_sid: str | None, api_key_secret: str | None) -> None:
    if bool(api_key_sid) != bool(api_key_secret):
        missing = "api_key_secret" if api_key_sid else "api_key_sid"
        raise invalid(missing, "an API key is its SID and its secret: send both, or null for both")


def _require_same_sid(item: Item, account_sid: str | None) -> None:
    if account_sid not in (None, item["account_sid"]):
        message = "An account is one Twilio account for good. Add the other one as an account of its own."
        raise conflict("account_sid_fixed", message, field="account_sid")


def _told_of(credentials: Credentials) -> dict[str, Any]:
    """What the item may tell of the secret."""
    return {"api_key_sid": credentials.api_key_sid, "has_secondary_token": bool(credentials.secondary_token)}


def _finding(check: str, status: str, message: str, cure: str = "") -> dict[str, str]:
    return {"check": check, "status": status, "message": message, "cure": cure}


def _geography(country: str, allowed: bool | None) -> dict[str, str]:
    check = f"geography {country}"
    cure = "Allow it in Twilio's console under Voice, Settings, Geo permissions."
    if allowed is None:
        return _finding(check, "unknown", f"Twilio does not say whether calls to {country} are allowed.", cure)
    if not allowed:
        return _finding(check, "warning", f"Calls to {country} are not allowed: transfers there would fail.", cure)
    return _finding(check, "ok", f"Calls to {country} are allowed.")
