"""The catalogue of faults: what may go wrong, in the order of the moment it goes wrong.

``PUT /_control/behaviour`` takes any of these names as ``fault``. ``faults.md`` rows are named in brackets.
"""

from __future__ import annotations

from typing import Final

BEFORE: Final[dict[str, str]] = {
    "throttle": "429 ThrottlingException instead of a stream [73]",
    "error": "500, or the exception named by `exception` with its own status [73, 79]",
    "hang": "the request is read and never answered, not even with headers [74]",
}
PACE: Final[dict[str, str]] = {
    "slow": "the first token comes after `first_token_ms` (5000 unless told), the rest as usual [74]",
}
CONTENT: Final[dict[str, str]] = {
    "empty": "end_turn without any content block [74]",
    "blank": "only white space [74]",
    "tool_only": "a tool call and no text [74]",
    "bad_tool_json": "a tool call whose input is no JSON [77]",
    "bad_tool_types": "a tool call whose input has wrong types [77]",
    "unknown_tool": "a tool call by a name that was not offered [77]",
    "tool_loop": "a tool call in every round, whatever the results say [77]",
    "markdown": "markdown, lists, URLs, SSML, control characters and an emoji [80]",
    "long": "ten thousand words [80]",
    "stop_reason": "the usual text, then the stop reason named by `stop_reason` (max_tokens unless told) [76]",
}
STREAM: Final[dict[str, str]] = {
    "stall": "headers, then nothing [74]",
    "stall_after": "`after_tokens` tokens, then nothing; 0 stalls behind messageStart [74]",
    "die_after": "`after_tokens` tokens, then the connection is cut [73]",
    "exception_after": "`after_tokens` tokens, then the exception `exception` (ModelStreamErrorException) [73]",
}
WIRE: Final[dict[str, str]] = {
    "bad_crc": "`after_tokens` tokens, then a message whose checksum is wrong [75]",
    "truncated": "`after_tokens` tokens, then half a message and a clean end [75]",
    "oversized": "`after_tokens` tokens, then a message that claims 32 MB [75]",
    "unknown_event": "an event of an unknown type amid the answer, which goes on [75]",
    "out_of_order": "contentBlockStop and messageStart where they make no sense, then the answer goes on [75]",
}
ALL: Final[dict[str, str]] = {"none": "no fault", **BEFORE, **PACE, **CONTENT, **STREAM, **WIRE}

SLOW_FIRST_TOKEN_MS: Final = 5000.0
