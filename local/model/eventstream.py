"""The frame of ``application/vnd.amazon.eventstream``.

A message is: total length, headers length, CRC-32 of these eight bytes, headers, payload, CRC-32 of everything before.
All integers are big-endian. A header is: name length (1 byte), name, value type (7 is a string), value length
(2 bytes), value.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, Final
from zlib import crc32

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"
MAX_HEADER_VALUE_BYTES: Final = 32_767
_STRING: Final = 7
_UINT32: Final = struct.Struct("!I")
_PRELUDE: Final = struct.Struct("!II")


def encode_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Frame one message.

    Raises:
        ValueError: If a header's name or value is longer than the format allows.
    """
    head = b"".join(_encode_header(name, value) for name, value in headers.items())
    prelude = _PRELUDE.pack(len(head) + len(payload) + 16, len(head))
    body = prelude + _UINT32.pack(crc32(prelude)) + head + payload
    return body + _UINT32.pack(crc32(body))


def encode_event(event_type: str, fields: Mapping[str, Any]) -> bytes:
    """Frame an event of a Converse stream, for example ``contentBlockDelta``."""
    headers = {":event-type": event_type, ":content-type": "application/json", ":message-type": "event"}
    return encode_message(headers, _to_json(fields))


def encode_exception(exception_type: str, fields: Mapping[str, Any]) -> bytes:
    """Frame a modeled exception inside a stream, for example ``modelStreamErrorException``."""
    headers = {":exception-type": exception_type, ":content-type": "application/json", ":message-type": "exception"}
    return encode_message(headers, _to_json(fields))


def _encode_header(name: str, value: str) -> bytes:
    raw_name, raw_value = name.encode(), value.encode()
    if not 0 < len(raw_name) < 256 or len(raw_value) > MAX_HEADER_VALUE_BYTES:
        raise ValueError(f"header {name[:40]!r}: names take 1..255 bytes, values up to {MAX_HEADER_VALUE_BYTES}")
    return struct.pack("!B", len(raw_name)) + raw_name + struct.pack("!BH", _STRING, len(raw_value)) + raw_value


def _to_json(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
