"""Who a person is to an organization, whichever way they come: a profile with its identities.

An identity belongs to one profile. Profiles are merged by pointing one at the other, so a merge can be undone; a merge
that could not be is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from ringfold.core import phone

IdentityKind = Literal["phone", "email", "account_id"]
KINDS: Final = ("phone", "email", "account_id")


@dataclass(frozen=True)
class Identity:
    """One way to know somebody by.

    Attributes:
        kind: One of ``KINDS``.
        value: E.164; an address in lower case; an id as the organization writes it.
    """

    kind: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.value}"


@dataclass(frozen=True)
class Profile:
    """A person.

    Attributes:
        identities: Its own.
        merged: Profiles that were merged into this one.
        merged_into: The profile that stands for this one now; ``""`` when it stands for itself.
        version: Counts its changes; whoever changes it says which one they have read.
    """

    profile_id: str
    organization_id: str
    name: str = ""
    identities: tuple[Identity, ...] = ()
    merged: tuple[str, ...] = ()
    merged_into: str = ""
    version: int = 0
    created_ms: int = 0
    updated_ms: int = 0

    def to_doc(self) -> dict[str, Any]:
        """The form that is stored."""
        return {
            "profile_id": self.profile_id,
            "organization_id": self.organization_id,
            "name": self.name,
            "identities": [{"kind": each.kind, "value": each.value} for each in self.identities],
            "merged": list(self.merged),
            "merged_into": self.merged_into,
            "created_ms": self.created_ms,
            "updated_ms": self.updated_ms,
        }


def profile_from_doc(doc: Mapping[str, Any], version: int) -> Profile:
    """Read a profile from its stored form."""
    return Profile(
        profile_id=str(doc["profile_id"]),
        organization_id=str(doc["organization_id"]),
        name=str(doc.get("name", "")),
        identities=tuple(Identity(each["kind"], each["value"]) for each in doc.get("identities", ())),
        merged=tuple(doc.get("merged", ())),
        merged_into=str(doc.get("merged_into", "")),
        version=version,
        created_ms=int(doc.get("created_ms", 0)),
        updated_ms=int(doc.get("updated_ms", 0)),
    )


def read_identity(kind: str, value: str) -> Identity | None:
    """An identity in its one form; ``None`` for what is none, such as the number of an anonymous caller."""
    text = value.strip()
    if kind == "phone":
        return Identity(kind, text) if phone.is_e164(text) and not phone.is_anonymous(text) else None
    if kind == "email":
        name, at, host = text.casefold().partition("@")
        return Identity(kind, f"{name}@{host}") if at and name and "." in host and " " not in text else None
    return Identity(kind, text) if kind == "account_id" and text and len(text) <= 128 else None


def merge(one: Profile, into: Profile) -> tuple[Profile, Profile]:
    """Merge a profile into another: (the one, the other) as they are then.

    Raises:
        ValueError: When it could not be undone; the message says why.
    """
    if one.profile_id == into.profile_id:
        raise ValueError("a profile cannot be merged into itself")
    for profile in (one, into):
        if profile.merged_into:
            raise ValueError(f"{profile.profile_id} is merged into {profile.merged_into} already: unmerge it first")
    if one.merged:
        raise ValueError(
            f"others are merged into {one.profile_id} ({', '.join(one.merged)}), and which facts are whose would be "
            "lost: unmerge them first, then merge each"
        )
    return replace(one, merged_into=into.profile_id), replace(into, merged=(*into.merged, one.profile_id))


def unmerge(one: Profile, into: Profile) -> tuple[Profile, Profile]:
    """Take a merge back: (the one, the other) as they were.

    Raises:
        ValueError: If the one was not merged into the other.
    """
    if one.merged_into != into.profile_id:
        raise ValueError(f"{one.profile_id} is not merged into {into.profile_id}")
    left = tuple(each for each in into.merged if each != one.profile_id)
    return replace(one, merged_into=""), replace(into, merged=left)
