"""People are found, changed, merged, exported and forgotten by whose organization they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ringfold.adapters.erasure import Erasure
from ringfold.adapters.people import People, Person, list_pk
from ringfold.core import memory as core
from ringfold.core import profiles
from ringfold.core.profiles import Identity, Profile, read_identity
from ringfold_admin.principal import Principal
from ringfold_admin.problems import Problem, conflict, invalid, not_found
from ringfold_admin.services.desk import Desk, Page, told
from ringfold_admin.stores.audit import entry, iso
from ringfold_admin.stores.conversations import Conversations, call_lines, text_line, view
from ringfold_admin.stores.messages import Messages
from ringfold_admin.stores.messages import view as message_view
from ringfold_admin.stores.table import Table

MOST_EXPORTED: Final = 1000
"""Conversations, and messages, of one export; of a person with more, they are to be listed page by page."""


class PeopleService:
    """What can be done with profiles.

    Args:
        people: Keeps them.
        erasure: Forgets them.
        table: For lists, and for the audit trail.
        later: Has an erasure carried on; told its organization and its id.
    """

    def __init__(
        self, people: People, erasure: Erasure, table: Table, desk: Desk, later: Callable[[str, str], None]
    ) -> None:
        self._people, self._erasure, self._table, self._desk, self._later = people, erasure, table, desk, later
        self._conversations, self._messages = Conversations(table), Messages(table)

    # -- finding -------------------------------------------------------------------------------------------------------

    def list_page(self, principal: Principal, organization_id: str | None, limit: int, cursor: str | None) -> Page:
        """A page of an organization's profiles.

        Raises:
            Problem: 404 for a foreign organization, 400 where the platform must name one and did not.
        """
        owner = str(principal.organization_of(organization_id))

        def read(after: str) -> tuple[list[dict[str, Any]], str]:
            places, last = self._table.page(list_pk(owner), limit=limit, after=after)
            found = self._people.profiles(owner, [str(each["profile_id"]) for each in places])
            return [profile_view(each) for each in found], last

        return self._desk.page(f"profiles#{owner}", cursor, read, lambda shown: shown)

    def find(self, principal: Principal, organization_id: str | None, kind: str, value: str) -> list[dict[str, Any]]:
        """The profile an identity belongs to, in a list of one; an empty list for nobody's.

        Raises:
            Problem: 400 for what is no such identity.
        """
        owner = str(principal.organization_of(organization_id))
        profile_id = self._people.find(owner, _identity(kind, value))
        profile = self._people.profile(owner, profile_id) if profile_id else None
        return [profile_view(profile)] if profile else []

    def numbers(self, principal: Principal, organization_id: str | None, profile_id: str) -> list[str]:
        """The phone numbers of a person.

        Raises:
            Problem: 404.
        """
        person = self._person(str(principal.organization_of(organization_id)), profile_id)
        return [each.value for each in person.identities if each.kind == "phone"]

    def get(self, principal: Principal, organization_id: str | None, profile_id: str) -> dict[str, Any]:
        """A profile by itself.

        Raises:
            Problem: 404.
        """
        return profile_view(self._person(str(principal.organization_of(organization_id)), profile_id).profile)

    def memory(self, principal: Principal, organization_id: str | None, profile_id: str) -> dict[str, Any]:
        """What is remembered of a person, and what an agent is told of it now.

        Raises:
            Problem: 404.
        """
        person = self._person(str(principal.organization_of(organization_id)), profile_id)
        return {
            "profile": profile_view(person.profile),
            "observations": [_observation(each, person.memory.most_days) for each in person.memory.observations],
            "summaries": [_summary(each) for each in person.memory.summaries],
            "told": core.recall(person.memory, self._desk.clock()),
        }

    # -- changing ------------------------------------------------------------------------------------------------------

    def change(
        self, principal: Principal, organization_id: str | None, profile_id: str, name: str | None
    ) -> dict[str, Any]:
        """Set a person's name.

        Raises:
            Problem: 404, 403 for a viewer, 409 when it is being changed.
        """
        owner = self._managed(principal, organization_id)
        person = self._person(owner, profile_id)
        if name is None or name == person.profile.name:
            return profile_view(person.profile)
        renamed = replace(person, profile=replace(person.profile, name=" ".join(name.split())))
        with told():
            saved = self._people.save(renamed, also=self._audit(principal, "profile.update", owner, profile_id))
        return profile_view(saved.profile)

    def add_identity(
        self, principal: Principal, organization_id: str | None, profile_id: str, kind: str, value: str
    ) -> dict[str, Any]:
        """Know a person by one more identity.

        Raises:
            Problem: 404, 403 for a viewer, 400 for what is no such identity, 409 when it is somebody else's.
        """
        owner = self._managed(principal, organization_id)
        identity, person = _identity(kind, value), self._person(owner, profile_id)
        if identity in person.identities:
            return profile_view(person.profile)
        other = self._people.find(owner, identity)
        if other:
            raise conflict("identity_taken", f"That {kind} is {other}'s already. Merge the two profiles instead.")
        with told():
            also = self._audit(principal, "profile.identify", owner, profile_id)
            made = self._people.add_identity(person.profile, identity, also=also)
        self._people.tell(owner, profile_id)
        return profile_view(made)

    def merge(self, principal: Principal, organization_id: str | None, profile_id: str, into: str) -> dict[str, Any]:
        """Merge a profile into another; gives the other.

        Raises:
            Problem: 404, 403 for a viewer, 409 where it could not be undone.
        """
        owner = self._managed(principal, organization_id)
        one, other = self._person(owner, profile_id).profile, self._person(owner, into).profile
        self._regroup(principal, "profile.merge", lambda: profiles.merge(one, other))
        return self.get(principal, owner, into)

    def unmerge(self, principal: Principal, organization_id: str | None, profile_id: str) -> dict[str, Any]:
        """Take a merge back; gives the profile that stands for itself again.

        Raises:
            Problem: 404, 403 for a viewer, 409 if it is not merged.
        """
        owner = self._managed(principal, organization_id)
        one = self._person(owner, profile_id).profile
        other = self._people.profile(owner, one.merged_into) if one.merged_into else None
        if other is None:
            raise conflict("not_merged", "This profile is not merged into another.")
        self._regroup(principal, "profile.unmerge", lambda: profiles.unmerge(one, other))
        return self.get(principal, owner, profile_id)

    def forget_fact(
        self, principal: Principal, organization_id: str | None, profile_id: str, observation_id: str
    ) -> None:
        """Forget one fact.

        Raises:
            Problem: 404, 403 for a viewer.
        """
        owner = self._managed(principal, organization_id)
        if not self._people.forget(self._person(owner, profile_id), observation_id):
            raise not_found("observation")
        self._table.write(entry(principal, "profile.forget_fact", profile_id, owner, self._desk.clock()))

    # -- all of it -----------------------------------------------------------------------------------------------------

    def export(self, principal: Principal, organization_id: str | None, profile_id: str) -> dict[str, Any]:
        """Everything that is kept of a person.

        Raises:
            Problem: 404, 403 for a viewer, 422 for more than one document can hold.
        """
        owner = self._managed(principal, organization_id)
        person = self._person(owner, profile_id)
        conversations: list[dict[str, Any]] = []
        messages: list[dict[str, Any]] = []
        for number in (each.value for each in person.identities if each.kind == "phone"):
            items, more = self._conversations.page(
                owner, contact=number, since_ms=0, until_ms=None, keep=_all, limit=MOST_EXPORTED, after=""
            )
            texts, more_texts = self._messages.page(owner, contact=number, keep=_all, limit=MOST_EXPORTED, after="")
            if more or more_texts:
                hint = "list /api/conversations and /api/messages of this contact page by page"
                raise Problem(422, "too_much", f"More is kept of this person than one document holds: {hint}.")
            for item in items:
                lines, omitted = call_lines(item) if item.get("channel") == "voice" else (_lines(texts, item), 0)
                conversations.append({**view(item), "transcript": lines, "omitted": omitted})
            messages += [message_view(each) for each in texts]
        return {
            **{key: value for key, value in self.memory(principal, owner, profile_id).items() if key != "told"},
            "conversations": conversations,
            "messages": messages,
            "consents": self._consents(owner, conversations),
        }

    def erase(self, principal: Principal, organization_id: str | None, profile_id: str) -> dict[str, Any]:
        """Begin to forget a person; gives the job.

        Raises:
            Problem: 404, 403 for a viewer.
        """
        owner = self._managed(principal, organization_id)
        person, job_id = self._person(owner, profile_id), self._desk.new_id("era")
        also = self._audit(principal, "profile.erase", owner, profile_id)
        self._erasure.begin(owner, job_id, person.profile.profile_id, also)
        self._later(owner, job_id)
        return self.erasure(principal, owner, job_id)

    def erasure(self, principal: Principal, organization_id: str | None, job_id: str) -> dict[str, Any]:
        """How far a job has come.

        Raises:
            Problem: 404.
        """
        job = self._erasure.job(str(principal.organization_of(organization_id)), job_id)
        if job is None:
            raise not_found("erasure")
        return {
            "id": job["job_id"],
            "organization_id": job["organization_id"],
            "profile_id": job["profile_id"],
            "state": job["state"],
            "counts": {kind: int(count) for kind, count in job["counts"].items()},
            "created_at": job["created_at"],
            "finished_at": job.get("finished_at"),
        }

    # -----------------------------------------------------------------------------------------------------------------

    def _managed(self, principal: Principal, organization_id: str | None) -> str:
        owner = str(principal.organization_of(organization_id))
        principal.require_manage()
        return owner

    def _person(self, organization_id: str, profile_id: str) -> Person:
        person = self._people.load(organization_id, profile_id)
        if person is None:
            raise not_found("profile")
        return person

    def _regroup(self, principal: Principal, action: str, change: Callable[[], tuple[Profile, Profile]]) -> None:
        try:
            one, other = change()
        except ValueError as exc:
            raise conflict("cannot_be_undone", f"{str(exc)[:1].upper()}{str(exc)[1:]}.") from exc
        with told():
            also = self._audit(principal, action, one.organization_id, one.profile_id, note=other.profile_id)
            self._people.regroup(one, other, also=also)

    def _audit(
        self, principal: Principal, action: str, organization_id: str, profile_id: str, note: str = ""
    ) -> list[dict[str, Any]]:
        """The actions of an entry; it says who did what to which profile, and nothing of the person."""
        writes = entry(principal, action, profile_id, organization_id, self._desk.clock(), note=note)
        return self._table.actions(writes)

    def _consents(self, organization_id: str, conversations: list[dict[str, Any]]) -> list[dict[str, Any]]:
        threads = {(each["number"], each["channel"], each["contact"]) for each in conversations}
        keys = {
            (f"OPTOUT#{organization_id}#{number}", f"{channel}#{contact}"): (number, channel)
            for number, channel, contact in threads
            if channel != "voice"
        }
        found = self._table.get_many(keys)
        return [
            {
                "number": keys[key][0],
                "channel": keys[key][1],
                "opted_out": bool(item["out"]),
                "by": str(item["by"]),
                "at": iso(int(item["at_ms"])),
            }
            for key, item in found.items()
        ]


def profile_view(profile: Profile) -> dict[str, Any]:
    """A profile as the API shows it."""
    return {
        "id": profile.profile_id,
        "organization_id": profile.organization_id,
        "name": profile.name,
        "identities": [{"kind": each.kind, "value": each.value} for each in profile.identities],
        "merged": list(profile.merged),
        "merged_into": profile.merged_into or None,
        "created_at": iso(profile.created_ms),
        "updated_at": iso(profile.updated_ms),
    }


def _observation(fact: core.Observation, most_days: int) -> dict[str, Any]:
    return {
        "id": fact.observation_id,
        "text": fact.text,
        "kind": fact.kind,
        "subject": fact.subject,
        "confidence": fact.confidence,
        "quote": fact.quote,
        "conversations": list(fact.conversations),
        "first_at": iso(fact.first_ms),
        "last_at": iso(fact.last_ms),
        "expires_at": iso(core.expires_ms(fact, most_days)),
        "superseded_by": fact.superseded_by or None,
    }


def _summary(summary: core.Summary) -> dict[str, Any]:
    return {
        "conversation_id": summary.conversation_id,
        "channel": summary.channel,
        "text": summary.text,
        "unfinished": summary.unfinished,
        "at": iso(summary.at_ms),
    }


def _identity(kind: str, value: str) -> Identity:
    identity = read_identity(kind, value)
    if identity is None:
        wanted = {"phone": "a number in E.164 that is a person's", "email": "an e-mail address"}
        raise invalid(kind, f"expected {wanted.get(kind, 'an id of 1 to 128 characters')}")
    return identity


def _lines(texts: list[Any], item: Any) -> list[dict[str, Any]]:
    mine = [each for each in texts if each.thread.conversation_id == item["conversation_id"]]
    return [text_line(each) for each in reversed(mine)]


def _all(_: Any) -> bool:
    return True
