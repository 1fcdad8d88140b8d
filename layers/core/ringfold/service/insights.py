"""Remembers: when a conversation is over, or has been quiet for a while, what it told about a person is kept.

Off every speaking path, behind a queue: what fails comes again, and ends in the dead-letter queue. A conversation that
is taken in twice changes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol

from ringfold.core import memory, texts
from ringfold.core.agent import Agent
from ringfold.core.answering import Round
from ringfold.core.ids import AgentId, ConversationId, OrganizationId
from ringfold.core.lines import Number
from ringfold.core.memory import Extraction, Memory, Summary
from ringfold.core.profiles import Identity, Profile, read_identity
from ringfold.core.texts import Text, Thread
from ringfold.errors import ConfigError, ConflictError, DependencyError
from ringfold.log import Log

TRIES: Final = 4
"""How often a person is read again because somebody else has changed them meanwhile."""


class Directory(Protocol):
    """See :class:`ringfold.adapters.directory.Directory`."""

    def agent(self, organization_id: OrganizationId, agent_id: AgentId) -> Agent | None: ...
    def number(self, phone_number: str) -> Number | None: ...
    def conversation(
        self, organization_id: OrganizationId, conversation_id: ConversationId
    ) -> dict[str, Any] | None: ...


class People(Protocol):
    """See :class:`ringfold.adapters.people.People`."""

    def find(self, organization_id: str, identity: Identity) -> str: ...
    def load(self, organization_id: str, profile_id: str) -> Any: ...
    def create(self, profile: Profile) -> Profile: ...
    def save(self, person: Any, changed: Sequence[Any], summaries: Sequence[Any]) -> Any: ...


class Conversations(Protocol):
    """See :class:`ringfold.adapters.conversations.Conversations`."""

    def claim(self, organization_id: str, conversation_id: str) -> bool: ...
    def release(self, organization_id: str, conversation_id: str) -> None: ...
    def rest(self, organization_id: str, conversation_id: str, received: int) -> bool: ...


class TextStore(Protocol):
    """See :class:`ringfold.adapters.texts.Texts`."""

    def state(self, thread: Thread) -> Any: ...
    def recent(self, thread: Thread) -> list[Text]: ...


class Asker(Protocol):
    """See :class:`ringfold.service.asking.Asker`."""

    def ask(self, agent: Agent | None, request: Mapping[str, Any]) -> Round: ...


@dataclass(frozen=True)
class _Held:
    """A conversation that was held."""

    organization_id: str
    conversation_id: str
    channel: str
    identity: Identity
    agent: Agent | None
    transcript: Sequence[Mapping[str, Any]]
    at_ms: int


class Insights:
    """Takes conversations in.

    Args:
        directory: Knows conversations, numbers and agents.
        people: Keeps profiles and what is remembered.
        conversations: Their states; a call's end is told more than once, and one worker is to take it.
        store: Keeps texts.
        asker: Asks a model.
        new_id: Makes an id that was never used: ``obs``, ``prf``.
        log: Its lines carry no words of anybody's.
    """

    def __init__(
        self,
        *,
        directory: Directory,
        people: People,
        conversations: Conversations,
        store: TextStore,
        asker: Asker,
        new_id: Callable[[str], str],
        log: Log,
    ) -> None:
        self._directory, self._people, self._store = directory, people, store
        self._conversations = conversations
        self._asker, self._new_id, self._log = asker, new_id, log

    def call(self, organization_id: str, conversation_id: str) -> None:
        """Take in a call that is over.

        Raises:
            DependencyError: If it is to be tried again later.
        """
        item = self._directory.conversation(OrganizationId(organization_id), ConversationId(conversation_id))
        if item is None or "doc" not in item:
            self._skip(organization_id, conversation_id, "no transcript")
            return
        identity = read_identity("phone", str(item.get("caller_number", "")))
        if identity is None:
            self._skip(organization_id, conversation_id, "anonymous")
            return
        agent = self._directory.agent(OrganizationId(organization_id), AgentId(str(item.get("agent_id", ""))))
        transcript = json.loads(item["doc"]).get("transcript", [])
        at_ms = int(datetime.fromisoformat(str(item["created_at"])).timestamp() * 1000)
        self._take(_Held(organization_id, conversation_id, "voice", identity, agent, transcript, at_ms))

    def quiet(self, thread: Thread, seen: int) -> None:
        """Take in what was written since the last time, unless more has come meanwhile: that brings us here again.

        Raises:
            DependencyError: If it is to be tried again later.
        """
        organization_id, conversation_id = thread.organization_id, thread.conversation_id
        known = self._store.state(thread).received
        if known != seen or not self._conversations.rest(organization_id, conversation_id, seen):
            self._skip(organization_id, conversation_id, "goes on")
            return
        identity = read_identity("phone", thread.contact)
        number = self._directory.number(thread.agent_number)
        if identity is None or number is None or number.organization_id != organization_id:
            self._skip(organization_id, conversation_id, "nobody's")
            return
        agent = self._directory.agent(OrganizationId(organization_id), number.default_agent_id)
        recent = [each for each in self._store.recent(thread) if each.state != texts.IGNORED]
        since = self._taken_until(organization_id, identity, conversation_id)
        fresh = [each for each in recent if each.at_ms > since]
        if not fresh:
            self._skip(organization_id, conversation_id, "taken already")
            return
        transcript = [
            {"role": "caller" if each.direction == "in" else "agent", "text": texts.told(each)} for each in fresh
        ]
        held = _Held(organization_id, conversation_id, thread.channel, identity, agent, transcript, fresh[-1].at_ms)
        self._take(held)

    def _taken_until(self, organization_id: str, identity: Identity, conversation_id: str) -> int:
        profile_id = self._people.find(organization_id, identity)
        person = self._people.load(organization_id, profile_id) if profile_id else None
        if person is None:
            return 0
        return max((s.at_ms for s in person.memory.summaries if s.conversation_id == conversation_id), default=0)

    def _take(self, held: _Held) -> None:
        if held.agent is not None and not held.agent.memory:
            self._skip(held.organization_id, held.conversation_id, "memory is off")
            return
        if not any(line["role"] == "caller" for line in memory.spoken(held.transcript)):
            self._skip(held.organization_id, held.conversation_id, "nothing was said")
            return
        if not self._conversations.claim(held.organization_id, held.conversation_id):
            self._skip(held.organization_id, held.conversation_id, "taken by somebody else")
            return
        try:
            self._take_claimed(held)
        finally:
            self._conversations.release(held.organization_id, held.conversation_id)

    def _take_claimed(self, held: _Held) -> None:
        person = self._person(held)
        if _has(person.memory, held):
            self._skip(held.organization_id, held.conversation_id, "taken already")
            return
        extraction = self._extract(held)
        for _ in range(TRIES):
            try:
                self._keep(person, held, extraction)
            except ConflictError:
                person = self._person(held)
                if _has(person.memory, held):
                    return
            else:
                return
        raise DependencyError("memory", "others keep changing this profile", retryable=True)

    def _extract(self, held: _Held) -> Extraction:
        answer = self._asker.ask(held.agent, memory.extraction_request(held.transcript))
        if answer.failure:
            raise DependencyError("model", f"nothing was extracted: {answer.failure}", retryable=True)
        call = next((each for each in answer.calls if each.name == memory.RECORD), None)
        arguments: Any = None
        if call is not None:
            try:
                arguments = json.loads(call.arguments)
            except ValueError:
                arguments = None
        if not isinstance(arguments, dict):
            arguments = {"summary": answer.said}  # a model without tools still writes a summary
        return memory.read_extraction(arguments, held.transcript)

    def _keep(self, person: Any, held: _Held, extraction: Extraction) -> None:
        before = {each.observation_id: each for each in person.memory.observations}
        ids = [self._new_id("obs") for _ in extraction.found]
        kept = memory.absorb(person.memory.observations, extraction.found, held.conversation_id, held.at_ms, ids)
        changed = [each for each in kept if before.get(each.observation_id) != each]
        summary = Summary(held.conversation_id, held.channel, extraction.summary, held.at_ms, extraction.unfinished)
        name = extraction.name or person.profile.name
        grown = Memory(person.profile.profile_id, name, tuple(kept), (*person.memory.summaries, summary))
        profile = replace(person.profile, name=name)
        self._people.save(replace(person, profile=profile, memory=grown), changed, [summary])
        self._log.info(
            "conversation remembered",
            organization_id=held.organization_id,
            conversation_id=held.conversation_id,
            channel=held.channel,
            facts=len(extraction.found),
            changed=len(changed),
            dropped=extraction.dropped,
        )

    def _person(self, held: _Held) -> Any:
        """Whoever the conversation was held with, as they are now; made if nobody knows them."""
        for _ in range(TRIES):
            profile_id = self._people.find(held.organization_id, held.identity)
            person = self._people.load(held.organization_id, profile_id) if profile_id else None
            if person is not None:
                return person
            try:
                self._people.create(Profile(self._new_id("prf"), held.organization_id, identities=(held.identity,)))
            except ConflictError:
                continue  # somebody has just made it
        raise DependencyError("memory", "the profile cannot be read", retryable=True)

    def _skip(self, organization_id: str, conversation_id: str, reason: str) -> None:
        self._log.info(
            "conversation not remembered",
            organization_id=organization_id,
            conversation_id=conversation_id,
            reason=reason,
        )


def _has(known: Memory, held: _Held) -> bool:
    return any((s.conversation_id, s.at_ms) == (held.conversation_id, held.at_ms) for s in known.summaries)


def read_message(body: str) -> Mapping[str, Any]:
    """A message of the queue.

    Raises:
        ConfigError: If it is none of ours.
    """
    try:
        message = json.loads(body)
    except ValueError:
        message = None
    if not isinstance(message, dict) or message.get("kind") not in {"call", "texts", "job"}:
        raise ConfigError("a message of the queue is none of ours")
    return message
