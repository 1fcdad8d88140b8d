"""Identifiers as types of their own, so that a swap is a type error."""

from __future__ import annotations

from typing import NewType

CallSid = NewType("CallSid", str)
AccountSid = NewType("AccountSid", str)
SessionId = NewType("SessionId", str)
ConnectionId = NewType("ConnectionId", str)
OrganizationId = NewType("OrganizationId", str)
AccountId = NewType("AccountId", str)
AgentId = NewType("AgentId", str)
NumberId = NewType("NumberId", str)
ConversationId = NewType("ConversationId", str)
PhoneNumber = NewType("PhoneNumber", str)
"""E.164, for example ``+15125551234``."""
Key = NewType("Key", str)
"""The sort key of an event within a call; see :mod:`ringfold.core.events`."""
