"""What a verification leaves behind: a call that nobody made.

Its conversation is taken away when the verification is over, so no list shows it. The call's own items expire by
themselves, as every call's do: something may still be writing to them.
"""

from __future__ import annotations

from typing import Final

from ringfold.adapters.directory import conversation_key
from ringfold.core.ids import ConversationId, OrganizationId
from ringfold.core.lines import conversation_id_of
from ringfold.core.session import call_pk
from ringfold_admin.stores.table import Item, Table, Write

PREFIX: Final = "CAverify"
"""Begins the CallSid of a call that is none: Twilio's are ``CA`` and hexadecimal."""


class Trials:
    """Reads and takes away the calls of verifications."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def session(self, call_sid: str) -> Item | None:
        """The session the voice webhook stored for a call."""
        return self._table.get((call_pk(call_sid), "SESSION"))

    def forget(self, organization_id: str, account_sid: str, call_sid: str) -> None:
        """Take the conversation of a call away."""
        conversation_id = conversation_id_of(account_sid, call_sid)
        pk, sk = conversation_key(OrganizationId(organization_id), ConversationId(conversation_id))
        self._table.write([Write({"pk": pk, "sk": sk}, act="delete")])
