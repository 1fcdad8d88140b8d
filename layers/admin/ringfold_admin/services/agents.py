"""Agents: made, changed by versions, put back to one, removed when no number needs them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import MISSING, fields, replace
from typing import Any, Final, Protocol

from ringfold.core import relay_settings
from ringfold.core.agent import Agent
from ringfold.core.ids import AgentId, OrganizationId
from ringfold.errors import ConfigError
from ringfold.tools.http import read_definition
from ringfold_admin.principal import Principal
from ringfold_admin.problems import conflict, invalid, invalid_fields, not_found
from ringfold_admin.services.desk import Desk, Page, again, require_match, told
from ringfold_admin.stores import agents as store
from ringfold_admin.stores.agents import Agents
from ringfold_admin.stores.audit import entry
from ringfold_admin.stores.organizations import Organizations
from ringfold_admin.stores.table import Item, Outdated

_FIXED: Final = frozenset({"agent_id", "organization_id"})


class NumbersOfAgents(Protocol):
    """Knows which numbers name an agent."""

    def naming(self, organization_id: str, agent_id: str) -> list[str]:
        """Phone numbers whose default or pool the agent is; a few are enough."""


class AgentService:
    """What can be done with agents.

    Args:
        tools: Names an agent may list.
        numbers: Tells who still needs an agent.
    """

    def __init__(
        self,
        agents: Agents,
        organizations: Organizations,
        desk: Desk,
        tools: Collection[str],
        numbers: NumbersOfAgents | None = None,
    ) -> None:
        self._agents, self._organizations, self._desk = agents, organizations, desk
        self._tools, self._numbers = tools, numbers

    def list_page(self, principal: Principal, organization_id: str | None, limit: int, cursor: str | None) -> Page:
        """A page of what the principal sees."""
        scope = principal.scope_of_lists(organization_id)
        return self._desk.page(
            f"agents#{scope}", cursor, lambda after: self._agents.page(scope, limit=limit, after=after), store.view
        )

    def get(self, principal: Principal, agent_id: str, version: int | None = None) -> Item:
        """One agent's item, of now or of a version.

        Raises:
            Problem: 404.
        """
        organization_id = self._owner(principal, agent_id)
        item = self._agents.get(organization_id, agent_id, version)
        if item is None:
            raise not_found("agent" if version is None else "version of the agent")
        return item

    def versions(self, principal: Principal, agent_id: str, limit: int, cursor: str | None) -> Page:
        """A page of an agent's versions, the newest first."""
        organization_id = self.get(principal, agent_id)["organization_id"]
        return self._desk.page(
            f"versions#{agent_id}",
            cursor,
            lambda after: self._agents.versions(organization_id, agent_id, limit=limit, after=after),
            store.version_view,
        )

    def create(self, principal: Principal, given: Mapping[str, Any]) -> Item:
        """Make an agent; this is its version 1."""
        principal.require_manage()
        organization_id = str(principal.organization_of(given.get("organization_id")))
        if not self._organizations.exists(organization_id):
            raise not_found("organization")
        agent_id = self._desk.new_id("agt")
        settings = {name: value for name, value in given.items() if name not in _FIXED and value is not None}
        agent = _agent({"agent_id": agent_id, "organization_id": organization_id, **settings})
        self._require_sound(agent)
        now_ms = self._desk.clock()
        item, version = store.new_items(agent, now_ms, note="", made_by=principal.name)
        audit = entry(principal, "agent.create", agent_id, organization_id, now_ms, after=store.view(item))
        with told():
            try:
                self._agents.create(item, version, audit)
            except Outdated as exc:
                raise not_found("organization") from exc
        return item

    def change(self, principal: Principal, agent_id: str, changed: Mapping[str, Any], if_match: str | None) -> Item:
        """Change settings, which makes a new version; what changes nothing makes none."""
        principal.require_manage()
        settings = dict(changed)
        note = str(settings.pop("note", None) or "")

        def change() -> Item:
            old = self.get(principal, agent_id)
            require_match(old, if_match)
            before = store.agent_of(old)
            return self._put_in_force(principal, old, replace(before, **_settings(settings)), note, "agent.update")

        with told():
            return again(change, if_match, lambda: self._current(agent_id))

    def roll_back(
        self, principal: Principal, agent_id: str, version: int, note: str | None, if_match: str | None
    ) -> Item:
        """Put the settings of an older version in force again, as a new version."""
        principal.require_manage()
        wanted = store.agent_of(self.get(principal, agent_id, version))

        def change() -> Item:
            old = self.get(principal, agent_id)
            require_match(old, if_match)
            why = note or f"rolled back to version {version}"
            return self._put_in_force(principal, old, wanted, why, "agent.rollback")

        with told():
            return again(change, if_match, lambda: self._current(agent_id))

    def delete(self, principal: Principal, agent_id: str, if_match: str | None) -> None:
        """Remove an agent that no number names; calls in progress keep it.

        Raises:
            Problem: 409 while a number names it.
        """
        principal.require_manage()
        item = self.get(principal, agent_id)
        require_match(item, if_match)
        organization_id = item["organization_id"]
        now_ms = self._desk.clock()
        audit = entry(principal, "agent.delete", agent_id, organization_id, now_ms, before=store.view(item))
        with told():
            # Marked first: a number that would name it from now on finds the mark, one that does is seen below.
            marked = self._agents.mark(item, leaving=True)
            named = self._numbers.naming(organization_id, agent_id) if self._numbers else []
            if named:
                self._agents.mark(marked, leaving=False)
                message = f"Numbers name this agent ({', '.join(named[:5])}): give them another first."
                raise conflict("agent_in_use", message, numbers=named[:5])
            self._agents.delete(marked, audit)

    # -----------------------------------------------------------------------------------------------------------------

    def _owner(self, principal: Principal, agent_id: str) -> str:
        """Whose agent it is, for a principal who may see it."""
        if not principal.is_platform:
            return str(principal.organization_id)  # the key has the organization in it: a foreign id finds nothing
        organization_id = self._agents.organization_of(agent_id)
        if organization_id is None:
            raise not_found("agent")
        return organization_id

    def _current(self, agent_id: str) -> Item | None:
        organization_id = self._agents.organization_of(agent_id)
        return self._agents.get(organization_id, agent_id) if organization_id else None

    def _put_in_force(self, principal: Principal, old: Item, agent: Agent, note: str, action: str) -> Item:
        self._require_sound(agent)
        if agent.to_doc() == store.agent_of(old).to_doc():
            return old
        now_ms = self._desk.clock()
        new, version = store.next_items(old, agent, now_ms, note=note, made_by=principal.name)
        before, after = store.view(old), store.view(new)
        audit = entry(
            principal, action, agent.agent_id, agent.organization_id, now_ms, before=before, after=after, note=note
        )
        self._agents.change(old, new, version, audit)
        return new

    def _wrong_tools(self, agent: Agent) -> list[str]:
        """What is wrong with the organization's own tools."""
        names = [str(own.get("name")) for own in agent.http_tools]
        taken = [name for name in names if name in self._tools or names.count(name) > 1]
        found = [f"{name}: the name is taken" for name in dict.fromkeys(taken)]
        for own in agent.http_tools:
            try:
                read_definition(own)
            except ConfigError as exc:
                found.append(str(exc))
        return found

    def _require_sound(self, agent: Agent) -> None:
        """What no call could be answered with is refused now.

        Raises:
            Problem: 400, naming the field.
        """
        faults = []
        unknown = [name for name in agent.tools if name not in self._tools]
        if unknown:
            known = ", ".join(sorted(self._tools))
            faults.append({"field": "tools", "message": f"no tool named {', '.join(unknown)}; known: {known}"})
        try:
            relay_settings.merge({}, agent.relay)
        except ConfigError as exc:
            faults.append({"field": "relay", "message": str(exc)})
        faults += [{"field": "http_tools", "message": message} for message in self._wrong_tools(agent)]
        if agent.scripted_ms <= agent.first_token_ms:
            message = f"expected more than first_token_ms ({agent.first_token_ms}): the second model needs time too"
            faults.append({"field": "scripted_ms", "message": message})
        if faults:
            raise invalid_fields(faults)


def _settings(changed: Mapping[str, Any]) -> dict[str, Any]:
    """Fields for the core's agent; null puts the default back."""
    defaults: dict[str, Any] = {}
    for each in fields(Agent):
        if each.default is not MISSING:
            defaults[each.name] = each.default
        elif each.default_factory is not MISSING:
            defaults[each.name] = each.default_factory()
    settings = {}
    for name, value in changed.items():
        if value is None and name not in defaults:
            raise invalid(name, "expected a value: it has no default")
        settings[name] = defaults[name] if value is None else tuple(value) if isinstance(value, list) else value
    return settings


def _agent(doc: Mapping[str, Any]) -> Agent:
    ids: dict[str, Any] = {
        "agent_id": AgentId(str(doc["agent_id"])),
        "organization_id": OrganizationId(str(doc["organization_id"])),
    }
    return Agent(**ids, **_settings({name: value for name, value in doc.items() if name not in _FIXED}))
