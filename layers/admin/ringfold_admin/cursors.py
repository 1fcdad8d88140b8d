"""Cursors of paged lists: where a page ended, bound to the list it was made for, and signed.

A cursor that was changed, or was made for another list or another organization's, is refused: it would not show
anything foreign (the list's partition comes from the principal), but it would skip what it does not know.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Final

from ringfold_admin.problems import invalid

_TAG_BYTES: Final = 12


class Cursors:
    """Makes and reads cursors.

    Args:
        key: Gives the signing key; asked for only when there is a cursor to make or read.
    """

    def __init__(self, key: Callable[[], str]) -> None:
        self._key = key

    def make(self, list_name: str, last: str) -> str:
        """The cursor of the page behind ``last``."""
        text = last.encode()
        return base64.urlsafe_b64encode(self._tag(list_name, text) + text).decode().rstrip("=")

    def read(self, list_name: str, cursor: str) -> str:
        """Where the next page begins.

        Raises:
            Problem: 400 if it is not one of ours for this list.
        """
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        tag, text = raw[:_TAG_BYTES], raw[_TAG_BYTES:]
        if not text or not hmac.compare_digest(tag, self._tag(list_name, text)):
            raise invalid("cursor", "not a cursor of this list: take the one the last page gave, unchanged")
        return text.decode()

    def _tag(self, list_name: str, text: bytes) -> bytes:
        message = b"cursor\0" + list_name.encode() + b"\0" + text
        return hmac.digest(self._key().encode(), message, hashlib.sha256)[:_TAG_BYTES]
